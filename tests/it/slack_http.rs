//! The HTTP door: what is refused, and what is answered with 200 whatever it is.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use serde_json::{Value, json};

use crate::support::stage::{Stage, form, now, signed};

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn a_wrong_or_absent_signature_is_refused_without_a_word() {
    let stage = Stage::new().await;
    let body = || form(&[("command", "/segment"), ("text", "help")]);
    let mut forged = signed("/slack/command", FORM, body(), now());
    forged.headers_mut().insert("x-slack-signature", "v0=00".parse().unwrap());
    let unsigned = Request::post("/slack/events").body(Body::from(body())).unwrap();
    for request in [forged, unsigned] {
        let (status, answer) = stage.send(request).await;
        assert_eq!((status, answer.as_slice()), (StatusCode::UNAUTHORIZED, b"".as_slice()));
    }
    assert!(stage.slack.methods().is_empty());
}

#[tokio::test]
async fn a_stale_timestamp_is_refused() {
    let stage = Stage::new().await;
    let body = form(&[("command", "/segment"), ("text", "help")]);
    let (status, _) = stage.send(signed("/slack/command", FORM, body.clone(), now() - 301)).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let (status, _) = stage.send(signed("/slack/command", FORM, body, now() - 200)).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn a_body_of_two_megabytes_is_refused_before_its_signature_is_looked_at() {
    let stage = Stage::new().await;
    let large = |request: axum::http::request::Builder| request.body(Body::from(vec![b'x'; 2 << 20])).unwrap();
    let post = || Request::post("/slack/events").header("content-length", (2 << 20).to_string());
    let (status, _) = stage.send(large(post())).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "nobody signed it at all");
    let signed = post().header("x-slack-signature", "v0=00").header("x-slack-request-timestamp", now().to_string());
    let (status, _) = stage.send(large(signed)).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn probes_and_unknown_kinds_are_answered_with_200() {
    let stage = Stage::new().await;
    assert_eq!(stage.posts("/slack/command", FORM, form(&[("ssl_check", "1")])).await, Value::Null);
    assert_eq!(stage.interacts(&json!({ "type": "workflow_step_edit" })).await, Value::Null);
    assert_eq!(stage.posts("/slack/events", "application/json", "{]".to_owned()).await, Value::Null);
    let verification = json!({ "type": "url_verification", "challenge": "c-1" }).to_string();
    let answer = stage.posts("/slack/events", "application/json", verification).await;
    assert_eq!(answer, json!({ "challenge": "c-1" }));
}

#[tokio::test]
async fn one_address_takes_everything() {
    let stage = Stage::new().await;
    let body = form(&[("command", "/segment"), ("text", "help"), ("user_id", "U1"), ("channel_id", "C1")]);
    let answer = stage.posts("/slack/events", FORM, body).await;
    assert!(answer["text"].as_str().unwrap().contains("/segment list"));
    let shortcut = json!({ "type": "shortcut", "callback_id": "build_segment", "team": null, "trigger_id": "t",
        "user": { "id": "W1", "team_id": "T1" } });
    stage.posts("/slack/events", FORM, form(&[("payload", &shortcut.to_string())])).await;
    assert_eq!(stage.slack.calls("views.open").len(), 1);
}

#[tokio::test]
async fn an_event_that_is_delivered_again_is_dealt_with_once() {
    let stage = Stage::new().await;
    let mention = json!({ "type": "app_mention", "user": "U1", "channel": "C1", "ts": "2.0", "thread_ts": "1.0" });
    for _ in 0..3 {
        stage.happens("Ev1", &mention).await;
    }
    stage.happens("Ev2", &json!({ "type": "app_home_opened", "user": "U1", "tab": "home" })).await;
    stage.slack.wait_for("views.publish", 0).await;
    let posts = stage.slack.calls("chat.postMessage");
    assert_eq!(posts.len(), 1);
    assert_eq!((&posts[0]["thread_ts"], &posts[0]["channel"]), (&json!("1.0"), &json!("C1")));
    assert_eq!(posts[0]["blocks"][1]["elements"][0]["action_id"], "open_form");
}

#[tokio::test]
async fn a_mention_that_could_not_be_answered_is_answered_when_it_comes_again() {
    use crate::support::fault_server::Fault;
    let stage = Stage::new().await;
    stage.slack.fail("chat.postMessage", [Fault::RateLimited(3)]);
    let mention = json!({ "type": "app_mention", "user": "U1", "channel": "C1", "ts": "2.0" });
    stage.happens("Ev1", &mention).await;
    stage.slack.wait_for("chat.postMessage", 0).await;
    for _ in 0..500 {
        stage.happens("Ev1", &mention).await;
        if stage.slack.calls("chat.postMessage").len() == 2 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(stage.slack.calls("chat.postMessage").len(), 2);
}
