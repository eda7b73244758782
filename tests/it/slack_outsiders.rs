//! People of another company, who share a channel with this one: refused at every door, and heard by nobody else.

use segment_bot::queue;
use serde_json::{Value, json};

use crate::support::stage::{Stage, form, said};

const REFUSED: &str = "This app is only for people of the company that installed it.";

/// An app that knows where it is installed: in the workspace T1, which is in the organisation E1 if that is said.
async fn installed(organisation: Option<&str>) -> Stage {
    let stage = Stage::new().await;
    stage.slack.answer("auth.test", json!({ "ok": true, "team_id": "T1", "enterprise_id": organisation }));
    stage.slack.answer(
        "users.info",
        json!({ "ok": true, "user": { "id": "U2", "team_id": "T2", "is_stranger": true, "locale": "en-US" } }),
    );
    stage.app.client().identify().await;
    stage
}

/// `/segment text` of somebody whose workspace is `team`.
async fn types(stage: &Stage, team: &str, text: &str) -> Value {
    let trigger = uuid::Uuid::new_v4().to_string();
    let fields = [
        ("command", "/segment"),
        ("text", text),
        ("user_id", "U2"),
        ("channel_id", "C1"),
        ("team_id", team),
        ("trigger_id", &trigger),
    ];
    stage.posts("/slack/command", "application/x-www-form-urlencoded", form(&fields)).await
}

/// A message that only one person sees, said in `C1`.
async fn whispered(stage: &Stage, n: usize) -> String {
    let call = stage.slack.wait_for("chat.postEphemeral", n).await;
    assert_eq!((call["channel"].as_str(), call["user"].as_str()), (Some("C1"), Some("U2")));
    call["text"].as_str().unwrap().to_owned()
}

fn submission(user: &Value) -> Value {
    let chosen = |value: &str| json!({ "type": "static_select", "selected_option": { "value": value } });
    json!({
        // Slack names the workspace of the app here, whoever submits.
        "type": "view_submission", "team": { "id": "T1" }, "user": user,
        "view": {
            "id": "V1", "callback_id": "segment_form", "app_installed_team_id": "T1",
            "private_metadata": json!({ "c": "C1" }).to_string(),
            "state": { "values": {
                "name": { "name": { "value": "Spring" } },
                "product": { "product": chosen("coffee") },
                "size": { "size": chosen("10000") },
                "deliver": { "deliver": chosen("dm") },
            } },
        },
    })
}

#[tokio::test]
async fn an_outsider_gets_through_no_door() {
    let stage = installed(None).await;
    let outsider = json!({ "id": "U2", "team_id": "T2" });

    assert_eq!(said(&types(&stage, "T2", "product=coffee size=500 --go").await), REFUSED);
    let answer = stage.interacts(&submission(&outsider)).await;
    assert_eq!(answer["response_action"], "update");
    assert_eq!(answer["view"]["blocks"][0]["text"]["text"], REFUSED);
    assert!(answer["view"]["submit"].is_null());

    let typing = json!({ "type": "block_suggestion", "action_id": "product", "value": "cof", "team": { "id": "T1" }, "user": outsider });
    assert_eq!(stage.interacts(&typing).await, json!({ "options": [] }));

    let press = json!({
        "type": "block_actions", "team": { "id": "T1" }, "user": outsider, "channel": { "id": "C1" },
        "message": { "ts": "1.0" }, "trigger_id": "t.1", "actions": [{ "action_id": "open_form", "value": "" }],
    });
    stage.interacts(&press).await;
    assert_eq!(whispered(&stage, 0).await, REFUSED);

    let shortcut = json!({
        "type": "message_action", "callback_id": "build_segment_here", "team": { "id": "T1" }, "user": outsider,
        "channel": { "id": "C1" }, "message": { "ts": "5.0" }, "trigger_id": "t.1",
    });
    stage.interacts(&shortcut).await;
    assert_eq!(whispered(&stage, 1).await, REFUSED);

    let everywhere = json!({ "type": "shortcut", "callback_id": "build_segment", "team": { "id": "T1" }, "user": outsider, "trigger_id": "t.1" });
    stage.interacts(&everywhere).await;

    let mention = json!({
        "type": "app_mention", "user": "U2", "user_team": "T2", "source_team": "T2", "team": "T1", "channel": "C1",
        "text": "<@B1> segment", "ts": "9.0",
    });
    stage.happens("Ev1", &mention).await;
    assert_eq!(whispered(&stage, 2).await, REFUSED);

    let home = json!({ "type": "app_home_opened", "user": "U2", "user_team": "T2", "channel": "D1", "tab": "home" });
    stage.happens("Ev2", &home).await;
    let view = stage.slack.wait_for("views.publish", 0).await;
    assert_eq!(view["view"]["blocks"][0]["text"]["text"], REFUSED);

    assert!(queue::requests_of(&stage.pool, "T1", "U2", 10).await.unwrap().is_empty());
    assert!(queue::requests_of(&stage.pool, "T2", "U2", 10).await.unwrap().is_empty());
    assert!(stage.slack.calls("views.open").is_empty() && stage.slack.calls("chat.postMessage").is_empty());
}

#[tokio::test]
async fn people_of_the_house_are_answered_in_a_shared_channel() {
    let stage = installed(None).await;
    stage.interacts(&submission(&json!({ "id": "U1", "team_id": "T1" }))).await;
    assert_eq!(queue::requests_of(&stage.pool, "T1", "U1", 10).await.unwrap().len(), 1);
    types(&stage, "T1", "").await;
    assert_eq!(stage.slack.calls("views.open").len(), 1);
}

#[tokio::test]
async fn another_workspace_of_the_same_organisation_is_at_home() {
    let stage = installed(Some("E1")).await;
    let colleague = json!({ "ok": true, "user": { "id": "U2", "team_id": "T3", "locale": "en-US", "enterprise_user": { "enterprise_id": "E1" } } });
    stage.slack.answer("users.info", colleague);
    types(&stage, "T3", "").await;
    assert_eq!(stage.slack.calls("views.open").len(), 1);
    let stranger = json!({ "ok": true, "user": { "id": "U2", "team_id": "T9", "locale": "en-US", "enterprise_user": { "enterprise_id": "E9" } } });
    stage.slack.answer("users.info", stranger);
    assert_eq!(said(&types(&stage, "T9", "").await), REFUSED);
}

#[tokio::test]
async fn where_the_app_is_installed_is_asked_when_it_is_not_known_yet() {
    let stage = Stage::new().await;
    stage.slack.answer("auth.test", json!({ "ok": true, "team_id": "T1" }));
    assert_eq!(said(&types(&stage, "T2", "product=coffee size=500 --go").await), REFUSED);
    assert_eq!(stage.slack.calls("auth.test").len(), 1);
}
