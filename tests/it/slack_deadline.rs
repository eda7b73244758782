//! Slack waits three seconds: whatever is slow, a click is answered before, and what was answered is true.

use std::time::{Duration, Instant};

use segment_bot::{
    queue,
    slack::{Estimates, Patience},
};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{
    fault_server::Fault,
    proxy::Proxy,
    stage::{Stage, catalog},
};

/// Of Slack's three seconds, the rest is for the way there and back.
const ANSWERED: Duration = Duration::from_millis(2_800);

const LINE: &str = "product=coffee gender=f size=100 --go";

/// An app whose Slack, database and counts are all slow at once, and a way past the slow database.
async fn slow(slack: Duration, database: Duration, counts: Duration) -> (Stage, PgPool) {
    let (pool, proxy, through) = Proxy::database().await;
    let estimates = Estimates::new(move |_| async move {
        tokio::time::sleep(counts).await;
        None
    });
    let stage = Stage::patient(catalog(), through, Patience::default()).await.estimating(estimates);
    for method in ["users.info", "conversations.info", "conversations.join", "views.open", "chat.postMessage"] {
        stage.slack.fail(method, vec![Fault::Stall(slack); 50]);
    }
    proxy.slow_down(database);
    // Lives as long as the test.
    std::mem::forget(proxy);
    (stage, pool)
}

/// The answer to a click, which came in time.
async fn in_time(what: &str, click: impl Future<Output = Value>) -> Value {
    let start = Instant::now();
    let answer = click.await;
    assert!(start.elapsed() < ANSWERED, "{what} was answered after {:?}", start.elapsed());
    answer
}

fn submission(view_id: &str) -> Value {
    let chosen = |block: &str, value: &str| json!({ block: { "selected_option": { "value": value } } });
    json!({
        "type": "view_submission", "team": { "id": "T1" }, "user": { "id": "U1" },
        "view": {
            "id": view_id, "callback_id": "segment_form", "private_metadata": json!({ "c": "C1" }).to_string(),
            "state": { "values": {
                "product": chosen("product", "coffee"), "size": chosen("size", "1000"), "deliver": chosen("deliver", "thread"),
            } },
        },
    })
}

async fn stored(pool: &PgPool) -> usize {
    queue::requests_of(pool, "T1", "U1", 100).await.unwrap().len()
}

#[tokio::test]
async fn with_everything_slow_at_once_a_request_is_stored_and_confirmed_in_time() {
    let (stage, pool) = slow(Duration::from_millis(900), Duration::from_millis(20), Duration::from_secs(1)).await;
    let reply = in_time("a typed request", stage.types(LINE)).await;
    assert!(reply.to_string().contains("100人"), "{reply}");
    assert_eq!(stored(&pool).await, 1);
    let reply = in_time("a form", stage.interacts(&submission("V1"))).await;
    assert_eq!(reply["view"]["callback_id"], "segment_confirmation", "{reply}");
    assert_eq!(stored(&pool).await, 2);
}

#[tokio::test]
async fn with_everything_away_at_once_every_click_is_answered_in_words_and_nothing_is_confirmed() {
    let away = Duration::from_secs(20);
    let (stage, pool) = slow(away, away, away).await;
    let words = |reply: &Value| reply["text"].as_str().unwrap_or_default().to_owned();
    for line in [LINE, "product=coffee size=100 without=7 --go", "list", "cancel 1", "rerun 1", "show 1"] {
        let reply = in_time(line, stage.types(line)).await;
        assert!(words(&reply).contains("接続できない"), "{line}: {reply}");
    }
    let reply = in_time("the form", stage.types("")).await;
    assert!(reply.to_string().contains("open_form"), "a button with a fresh trigger: {reply}");
    let reply = in_time("a submitted form", stage.interacts(&submission("V1"))).await;
    assert_eq!(reply["response_action"], "errors", "{reply}");
    let typed = json!({
        "type": "block_suggestion", "team": { "id": "T1" }, "user": { "id": "U1" }, "action_id": "without", "value": "",
    });
    assert_eq!(in_time("a suggestion", stage.interacts(&typed)).await, json!({ "options": [] }));
    assert_eq!(stored(&pool).await, 0);
}
