//! Incidents: however many requests fail of one cause, the operators' channel has one message about it.

use std::time::Duration;

use segment_bot::{
    queue::{Calm, JobKind, Outcome},
    segment::{Failure, Missed},
    slack::{IncidentSettings, incidents},
};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::support::{
    fault_server::Fault,
    requests::{performed, submitted, summary},
    stage::Stage,
};

const INTERVAL: Duration = Duration::from_millis(300);

fn quick() -> IncidentSettings {
    IncidentSettings {
        min_interval: INTERVAL,
        poll: Duration::from_millis(10),
        calm: Calm { quiet: Duration::from_mins(30), proven: Duration::from_millis(200) },
    }
}

/// The loop, until it is dropped.
struct Reporting {
    stop: CancellationToken,
    running: tokio::task::JoinHandle<()>,
}

impl Reporting {
    fn start(stage: &Stage, settings: IncidentSettings) -> Self {
        let stop = CancellationToken::new();
        let running = tokio::spawn(incidents(stage.app.clone(), settings, stop.clone()));
        Self { stop, running }
    }

    /// Ends as a service does: what it is in the middle of is done first.
    async fn ended(mut self) {
        self.stop.cancel();
        (&mut self.running).await.unwrap();
    }
}

impl Drop for Reporting {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn fails(stage: &Stage, failure: Failure) {
    submitted(&stage.pool, "U1").await;
    performed(&stage.pool, JobKind::Segment, Outcome::Failed(failure)).await;
}

/// What the operators' channel says now: the posts, as the last edit left them.
fn shown(stage: &Stage) -> Vec<String> {
    let text = |message: &Value| message["text"].as_str().unwrap().to_owned();
    let mut shown: Vec<String> = posts(stage).iter().map(text).collect();
    if let (Some(last), Some(edit)) = (shown.last_mut(), stage.slack.calls("chat.update").last()) {
        *last = text(edit);
    }
    shown
}

fn posts(stage: &Stage) -> Vec<Value> {
    stage.slack.calls("chat.postMessage").into_iter().filter(|post| post["channel"] == "COPS").collect()
}

/// Waits until the one message says `part`.
async fn says(stage: &Stage, part: &str) -> String {
    for _ in 0..1000 {
        if let [only] = &shown(stage)[..]
            && only.contains(part)
        {
            return only.clone();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no single message says {part}: {:?}", shown(stage));
}

#[tokio::test]
async fn a_hundred_failures_of_one_cause_are_one_message() {
    let stage = Stage::new().await;
    let _reporting = Reporting::start(&stage, quick());
    for _ in 0..100 {
        fails(&stage, Failure::DataUnreadable).await;
    }
    let text = says(&stage, "\n100 件").await;
    assert!(text.contains("カタログに書かれた形"), "{text}");
    tokio::time::sleep(2 * INTERVAL).await;
    assert_eq!(posts(&stage).len(), 1);
    let mut changes = stage.slack.times("chat.postMessage", "channel", "COPS");
    changes.extend(stage.slack.times("chat.update", "channel", "COPS"));
    assert!(changes.windows(2).all(|pair| pair[1] - pair[0] >= INTERVAL), "{changes:?}");
    let last = stage.slack.calls("chat.update").pop().unwrap();
    let examples = last["blocks"][1]["elements"][0]["text"].as_str().unwrap();
    assert!(examples.contains("#100 `") && examples.contains("#96 `") && !examples.contains("#95 "), "{examples}");
}

#[tokio::test]
async fn it_is_resolved_once_a_request_that_would_have_met_it_succeeds() {
    let stage = Stage::new().await;
    let _reporting = Reporting::start(&stage, quick());
    fails(&stage, Failure::DataUnreadable).await;
    says(&stage, "\n1 件").await;
    submitted(&stage.pool, "U1").await;
    performed(&stage.pool, JobKind::Segment, Outcome::SegmentDone(summary())).await;
    says(&stage, "解決しました").await;
    fails(&stage, Failure::DataUnreadable).await;
    let again = says(&stage, "\n2 件").await;
    assert!(!again.contains("解決"), "what comes back so soon is the same incident: {again}");
    assert_eq!(posts(&stage).len(), 1);
}

#[tokio::test]
async fn it_is_resolved_when_nobody_meets_it_for_long() {
    let stage = Stage::new().await;
    let calm = Calm { quiet: Duration::from_millis(400), proven: Duration::from_mins(1) };
    let _reporting = Reporting::start(&stage, IncidentSettings { calm, ..quick() });
    fails(&stage, Failure::TooFewConversions { found: 3, needed: 100 }).await;
    says(&stage, "\n1 件").await;
    says(&stage, "解決しました").await;
}

#[tokio::test]
async fn success_elsewhere_says_nothing_about_one_channel() {
    let stage = Stage::new().await;
    let _reporting = Reporting::start(&stage, quick());
    submitted(&stage.pool, "U1").await;
    performed(&stage.pool, JobKind::Segment, Outcome::SegmentDone(summary())).await;
    let refused = Failure::SlackRefused { reason: "is_archived".to_owned() };
    performed(&stage.pool, JobKind::Deliver, Outcome::Failed(refused)).await;
    says(&stage, "is_archived").await;
    submitted(&stage.pool, "U2").await;
    performed(&stage.pool, JobKind::Segment, Outcome::SegmentDone(summary())).await;
    performed(&stage.pool, JobKind::Deliver, Outcome::Delivered).await;
    tokio::time::sleep(2 * INTERVAL).await;
    says(&stage, "is_archived").await;
    assert!(stage.slack.calls("chat.update").is_empty());
}

#[tokio::test]
async fn each_cause_has_its_message_and_what_requesters_can_mend_has_none() {
    let stage = Stage::new().await;
    let _reporting = Reporting::start(&stage, quick());
    fails(&stage, Failure::TooSmall { people: 3, smallest: 100 }).await;
    fails(&stage, Failure::DataUnreadable).await;
    for reason in ["is_archived", "file_uploads_disabled", "is_archived"] {
        fails(&stage, Failure::SlackRefused { reason: reason.to_owned() }).await;
    }
    for _ in 0..300 {
        if posts(&stage).len() >= 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(2 * INTERVAL).await;
    assert_eq!(posts(&stage).len(), 3, "{:?}", shown(&stage));
}

#[tokio::test]
async fn a_restart_keeps_the_message() {
    let stage = Stage::new().await;
    let first = Reporting::start(&stage, quick());
    fails(&stage, Failure::DataUnreadable).await;
    says(&stage, "\n1 件").await;
    first.ended().await;
    fails(&stage, Failure::DataUnreadable).await;
    let _second = Reporting::start(&stage, quick());
    says(&stage, "\n2 件").await;
}

#[tokio::test]
async fn a_channel_that_refuses_is_not_asked_again_and_again() {
    let stage = Stage::new().await;
    stage.slack.fail("chat.postMessage", [Fault::Code("not_in_channel")]);
    let _reporting = Reporting::start(&stage, quick());
    fails(&stage, Failure::DataUnreadable).await;
    stage.slack.wait_for("chat.postMessage", 0).await;
    tokio::time::sleep(2 * INTERVAL).await;
    assert_eq!(posts(&stage).len(), 1);
}

#[tokio::test]
async fn the_last_state_is_shown_after_slack_was_away() {
    let stage = Stage::new().await;
    let _reporting = Reporting::start(&stage, quick());
    fails(&stage, Failure::DataUnreadable).await;
    says(&stage, "\n1 件").await;
    stage.slack.fail("chat.update", [Fault::RateLimited(0), Fault::Status(500), Fault::Stall(Duration::from_secs(1))]);
    fails(&stage, Failure::DataUnreadable).await;
    stage.slack.wait_for("chat.update", 3).await;
    says(&stage, "\n2 件").await;
}

#[tokio::test]
async fn a_product_whose_promises_miss_is_told_once_and_no_request_counts_as_failed() {
    let stage = Stage::new().await;
    let calm = Calm { quiet: Duration::from_millis(50), proven: Duration::from_millis(50) };
    let _reporting = Reporting::start(&stage, IncidentSettings { calm, ..quick() });
    let mut missed = summary();
    missed.quality.missed = Some(Missed { missed: 2, of: 3 });
    for segment in [missed.clone(), summary(), missed] {
        submitted(&stage.pool, "U1").await;
        performed(&stage.pool, JobKind::Segment, Outcome::SegmentDone(segment)).await;
    }
    let text = says(&stage, "2 件のセグメントを注意書き付きで").await;
    assert!(text.contains("`coffee`"), "{text}");
    tokio::time::sleep(2 * INTERVAL).await;
    assert!(says(&stage, "見込み").await.contains("2 件"), "it lasts longer than a failure");
    let states: Vec<String> =
        sqlx::query_scalar("select distinct state from segment_request").fetch_all(&stage.pool).await.unwrap();
    assert_eq!(states, ["delivering"]);
}
