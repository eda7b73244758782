//! The one wrapper around calls to Slack, against a server that misbehaves.

use std::time::{Duration, Instant};

use segment_bot::slack::{CallPriority, Method, SlackCallError, SlackClient};
use serde_json::{Value, json};

use crate::support::{
    fault_server::{Fault, FaultServer},
    stage::{config, patience},
};

async fn client() -> (SlackClient, FaultServer) {
    let slack = FaultServer::start().await;
    (SlackClient::with_patience(&config(&slack), patience()).unwrap(), slack)
}

async fn update(client: &SlackClient) -> Result<Value, SlackCallError> {
    client.call(Method::ChatUpdate, &json!({ "channel": "C1", "ts": "1.0" }), CallPriority::Unhurried).await
}

async fn post(client: &SlackClient) -> Result<Value, SlackCallError> {
    post_to(client, "C1").await
}

async fn post_to(client: &SlackClient, channel: &str) -> Result<Value, SlackCallError> {
    client.call(Method::ChatPostMessage, &json!({ "channel": channel, "text": "x" }), CallPriority::Unhurried).await
}

#[tokio::test]
async fn what_may_be_repeated_is_repeated_until_it_works() {
    let (client, slack) = client().await;
    slack.fail("chat.update", [Fault::Status(500), Fault::Garbage]);
    assert!(update(&client).await.is_ok());
    slack.fail("chat.update", [Fault::Code("internal_error"), Fault::Stall(Duration::from_secs(2))]);
    assert!(update(&client).await.is_ok());
    assert_eq!(slack.calls("chat.update").len(), 6);
}

#[tokio::test]
async fn a_post_in_doubt_is_never_repeated() {
    let (client, slack) = client().await;
    let faults =
        [Fault::DoneThen500, Fault::Garbage, Fault::Code("internal_error"), Fault::Stall(Duration::from_secs(2))];
    for (n, fault) in faults.into_iter().enumerate() {
        slack.fail("chat.postMessage", [fault]);
        assert_eq!(post(&client).await, Err(SlackCallError::Ambiguous));
        assert_eq!(slack.calls("chat.postMessage").len(), n + 1);
    }
}

#[tokio::test]
async fn retry_after_is_waited_for() {
    let (client, slack) = client().await;
    slack.fail("chat.postMessage", [Fault::RateLimited(1)]);
    let started = Instant::now();
    assert!(post(&client).await.is_ok());
    assert!(started.elapsed() >= Duration::from_secs(1));
    assert_eq!(slack.calls("chat.postMessage").len(), 2);
}

#[tokio::test]
async fn a_long_retry_after_is_handed_back() {
    let (client, slack) = client().await;
    slack.fail("chat.update", [Fault::RateLimited(60)]);
    assert_eq!(update(&client).await, Err(SlackCallError::RateLimited { retry_after: Duration::from_mins(1) }));
    assert_eq!(slack.calls("chat.update").len(), 1);
}

#[tokio::test]
async fn nobody_calls_before_a_retry_after_has_passed_and_other_channels_do_not_wait() {
    let (client, slack) = client().await;
    slack.fail("chat.postMessage", [Fault::RateLimited(1)]);
    let (first, others) = tokio::join!(post(&client), async {
        slack.wait_for("chat.postMessage", 0).await;
        tokio::join!(post(&client), post_to(&client, "C2"), update(&client))
    });
    assert!(first.is_ok() && others.0.is_ok() && others.1.is_ok() && others.2.is_ok());
    let same = slack.times("chat.postMessage", "channel", "C1");
    assert_eq!(same.len(), 3);
    assert!(same[1] - same[0] >= Duration::from_secs(1), "honoured by everybody");
    assert!(same[2] - same[1] >= Duration::from_millis(900), "and then one by one");
    let elsewhere = slack.times("chat.postMessage", "channel", "C2")[0] - same[0];
    let another_method = slack.times("chat.update", "channel", "C1")[0] - same[0];
    assert!(elsewhere.max(another_method) < Duration::from_millis(500), "{elsewhere:?} {another_method:?}");
}

#[tokio::test]
async fn a_known_retry_after_is_not_asked_about_again() {
    let (client, slack) = client().await;
    slack.fail("chat.update", [Fault::RateLimited(60)]);
    assert!(update(&client).await.is_err());
    let body = json!({ "channel": "C1", "ts": "1.0" });
    for pace in [CallPriority::Hurried, CallPriority::Unhurried] {
        let again = client.call(Method::ChatUpdate, &body, pace).await;
        assert!(matches!(again, Err(SlackCallError::RateLimited { retry_after }) if retry_after.as_secs() >= 55));
    }
    assert_eq!(slack.calls("chat.update").len(), 1);
}

#[tokio::test]
async fn a_channel_gets_a_post_a_second() {
    let (client, slack) = client().await;
    for _ in 0..5 {
        post(&client).await.unwrap();
    }
    let posts = slack.times("chat.postMessage", "channel", "C1");
    assert!(posts[4] - posts[0] >= Duration::from_millis(1900), "three at once, then one a second: {posts:?}");
}

#[tokio::test]
async fn a_click_never_waits_behind_work_that_is_not_hurried() {
    let (client, slack) = client().await;
    let open = json!({ "trigger_id": "t" });
    let mut background = tokio::task::JoinSet::new();
    for _ in 0..30 {
        let (client, open) = (client.clone(), open.clone());
        background.spawn(async move { client.call(Method::ViewsOpen, &open, CallPriority::Unhurried).await });
    }
    slack.wait_for("views.open", 19).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let started = Instant::now();
    assert!(client.call(Method::ViewsOpen, &open, CallPriority::Hurried).await.is_ok());
    assert!(started.elapsed() < Duration::from_millis(200), "{:?}", started.elapsed());
    assert!(slack.calls("views.open").len() < 25, "the others still wait for their turn");
}

#[tokio::test]
async fn somebody_who_waits_is_not_kept_waiting() {
    let (client, slack) = client().await;
    slack.fail("views.open", [Fault::Stall(Duration::from_secs(5)), Fault::Status(500)]);
    let started = Instant::now();
    for _ in 0..2 {
        let opened = client.call(Method::ViewsOpen, &json!({ "trigger_id": "t" }), CallPriority::Hurried).await;
        assert_eq!(opened, Err(SlackCallError::Unreachable));
    }
    assert!(started.elapsed() < Duration::from_secs(2));
    assert_eq!(slack.calls("views.open").len(), 2);
}

#[tokio::test]
async fn a_refusal_is_told_by_its_code() {
    let (client, slack) = client().await;
    slack.fail("chat.postMessage", [Fault::Code("not_in_channel")]);
    assert_eq!(post(&client).await, Err(SlackCallError::Refused { code: "not_in_channel".to_owned() }));
}

#[tokio::test]
async fn a_dead_installation_is_not_called_again() {
    let (client, slack) = client().await;
    slack.fail("chat.update", [Fault::Code("token_revoked")]);
    assert!(matches!(update(&client).await, Err(SlackCallError::Dead { .. })));
    assert_eq!(client.dead_code().as_deref(), Some("token_revoked"));
    assert!(matches!(post(&client).await, Err(SlackCallError::Dead { .. })));
    assert_eq!(slack.methods(), ["chat.update"]);
}

#[tokio::test]
async fn nobody_there_is_unreachable_even_for_a_post() {
    let (_, slack) = client().await;
    let mut config = config(&slack);
    config.api_url = "http://127.0.0.1:1/api".to_owned();
    let client = SlackClient::with_patience(&config, patience()).unwrap();
    assert_eq!(post(&client).await, Err(SlackCallError::Unreachable));
}

#[tokio::test]
async fn an_answer_that_says_ok_is_never_a_failure() {
    let (client, slack) = client().await;
    slack.fail("chat.postMessage", [Fault::Answer(json!({ "ok": true, "message": { "blocks": "odd" }, "url": "" }))]);
    assert!(post(&client).await.is_ok());
}

#[tokio::test]
async fn each_method_gets_its_token() {
    let (client, slack) = client().await;
    client.call(Method::AppsConnectionsOpen, &json!({}), CallPriority::Hurried).await.unwrap();
    client.call(Method::AuthTest, &json!({}), CallPriority::Hurried).await.unwrap();
    assert_eq!(slack.tokens("apps.connections.open"), ["Bearer xapp-test"]);
    assert_eq!(slack.tokens("auth.test"), ["Bearer xoxb-test"]);
}

#[tokio::test]
async fn a_file_is_streamed_with_its_exact_length() {
    let (client, slack) = client().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let bytes: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    std::fs::write(file.path(), &bytes).unwrap();
    let length = u64::try_from(bytes.len()).unwrap();
    let upload = client.reserve_upload("segment.csv", length).await.unwrap();
    client.upload(&upload, file.path(), length).await.unwrap();
    assert_eq!(slack.uploads()[&upload.file_id], bytes);
    assert!(!format!("{upload:?}").contains("http"), "the address is a secret");

    let changed = client.upload(&upload, file.path(), length + 1).await;
    assert_eq!(changed, Err(SlackCallError::LocalFile(std::io::ErrorKind::InvalidData)));
}
