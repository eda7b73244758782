//! Faults 8, 9 and 10: Slack limits, fails before and after the effect, says yes and shares nothing.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use segment_bot::{
    queue::{self, JobKind, Lease, Outcome, Request},
    segment::Failure,
    slack::{ConfirmSettings, Delivery, Patience, ResultFile, ResultFiles, ResultLinks, deliver, notify},
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    support::{
        fault_server::Fault,
        requests::{claimed, now, performed, submitted, summary},
        stage::{Stage, patience},
    },
    table::{Row, seconds},
};

/// The give-up time, a hundredth of the usual ten minutes.
const GIVE_UP: Duration = Duration::from_secs(6);

fn confirm(give_up_after: Duration) -> ConfirmSettings {
    ConfirmSettings {
        give_up_after,
        first_wait: Duration::from_millis(5),
        longest_wait: Duration::from_millis(150),
        in_place: Duration::MAX,
        again_after: give_up_after / 6,
        anew_after: give_up_after / 2,
    }
}

/// Two files, as a result has them.
fn files() -> (ResultFiles, Arc<tempfile::TempDir>) {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let kept = Arc::clone(&folder);
    let open = move |_| {
        let folder = Arc::clone(&kept);
        async move {
            let file = |name: &str| {
                let path = folder.path().join(name);
                std::fs::write(&path, name).unwrap();
                ResultFile::stored(name, path)
            };
            Ok(vec![file("segment.csv"), file("manifest.json")])
        }
    };
    (ResultFiles::new(open), folder)
}

/// A request whose files are made, and the lease on its delivery.
async fn delivering(stage: &Stage, user: &str) -> (Request, Lease) {
    let request = submitted(&stage.pool, user).await;
    performed(&stage.pool, JobKind::Segment, Outcome::SegmentDone(summary())).await;
    let lease = claimed(&stage.pool, JobKind::Deliver).await.unwrap();
    (now(&stage.pool, request.id).await, lease)
}

async fn attempt(stage: &Stage, request: &Request, lease: &Lease) -> Outcome {
    let (files, _folder) = files();
    let stop = CancellationToken::new();
    let give_up = if request.user.starts_with("PATIENT") { GIVE_UP } else { GIVE_UP / 20 };
    deliver(&stage.app, &files, &confirm(give_up), Delivery { lease, request, stop: &stop }).await
}

/// Posts into threads, as last words are.
fn replies(stage: &Stage) -> usize {
    stage.slack.calls("chat.postMessage").iter().filter(|post| post["thread_ts"].is_string()).count()
}

/// What the reader of a thread sees in the end.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    /// How often each file was shared.
    shares: usize,
    last_words: usize,
}

/// Where a crash follows: right after the call in question was answered, in whatever way.
async fn crashed_after(stage: &Stage, request: &Request, lease: &Lease, method: &str) {
    let before = stage.slack.methods().iter().filter(|called| *called == method).count();
    let called = async {
        while stage.slack.methods().iter().filter(|called| *called == method).count() == before {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    tokio::select! {
        _ = attempt(stage, request, lease) => {}
        () = called => {}
    }
}

/// Delivers and says the last word through one fault, with or without a crash after it.
async fn through(method: &str, fault: &Fault, crash: bool) -> Seen {
    let stage = Stage::new().await;
    let (request, mut lease) = delivering(&stage, "U1").await;
    let last_word = method == "the last word";
    if !last_word {
        stage.slack.fail(method, [fault.clone()]);
        if crash {
            crashed_after(&stage, &request, &lease, method).await;
            // A process that is gone posts no root message any more; its claim runs out after fifteen seconds.
            let text = "update segment_request set root_claimed_until = now() where root_claimed_until is not null";
            sqlx::query(text).execute(&stage.pool).await.unwrap();
            lease = again(&stage, &lease, Outcome::HandBack).await;
        }
    }
    let mut outcome = attempt(&stage, &request, &lease).await;
    for _ in 0..6 {
        if outcome == Outcome::Delivered {
            break;
        }
        let unconfirmed = outcome == Outcome::Failed(Failure::DeliveryUnconfirmed);
        lease = again(&stage, &lease, if unconfirmed { Outcome::HandBack } else { outcome }).await;
        outcome = attempt(&stage, &request, &lease).await;
    }
    queue::settle(&stage.pool, &lease, outcome).await.unwrap();
    let posts = replies(&stage);
    let done_all_the_same = matches!(fault, Fault::DoneThen500 | Fault::Stall(_));
    let mut words = 0;
    if last_word {
        stage.slack.fail("chat.postMessage", [fault.clone()]);
    }
    for round in 0..3 {
        let Some(lease) = claimed(&stage.pool, JobKind::Notify).await else { break };
        let request = now(&stage.pool, request.id).await;
        let stop = CancellationToken::new();
        let told =
            notify(&stage.app, &ResultLinks::none(), Delivery { lease: &lease, request: &request, stop: &stop }).await;
        let crashes = last_word && crash && round == 0;
        queue::settle(&stage.pool, &lease, if crashes { Outcome::HandBack } else { told }).await.unwrap();
    }
    for n in 0..replies(&stage) - posts {
        words += usize::from(!last_word || n > 0 || done_all_the_same);
    }
    Seen { shares: stage.slack.shared().len(), last_words: words }
}

/// The same job, taken by the next attempt.
async fn again(stage: &Stage, lease: &Lease, outcome: Outcome) -> Lease {
    queue::settle(&stage.pool, lease, outcome).await.unwrap();
    for _ in 0..500 {
        if let Some(lease) = claimed(&stage.pool, JobKind::Deliver).await {
            return lease;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the job did not come back");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_call_fails_before_or_after_its_effect_one_file_is_there() {
    let methods = [
        "chat.postMessage",
        "files.getUploadURLExternal",
        "upload",
        "files.completeUploadExternal",
        "files.info",
        "the last word",
    ];
    let faults =
        [Fault::Status(500), Fault::Stall(2 * patience().unhurried), Fault::DoneThen500, Fault::RateLimited(1)];
    let mut runs = Vec::new();
    for method in methods {
        for fault in &faults {
            // The upload's own route knows neither of these.
            if method == "upload" && !matches!(fault, Fault::Status(_) | Fault::Stall(_)) {
                continue;
            }
            for crash in [false, true] {
                runs.push(async move { (format!("{method} {fault:?} {crash}"), through(method, fault, crash).await) });
            }
        }
    }
    let seen = futures::future::join_all(runs).await;
    let all = seen.len();
    let count = |shares: usize| seen.iter().filter(|(_, seen)| seen.shares == shares).count();
    let (both, unconfirmed) = (count(2), count(0));
    let silent = seen.iter().filter(|(_, seen)| seen.last_words == 0).count();
    // Without a file there is an explanation; without a last word there is the file.
    let wrong: Vec<_> =
        seen.iter().filter(|(_, seen)| !matches!((seen.shares, seen.last_words), (2, 0 | 1) | (0, 1))).collect();
    Row {
        number: "9",
        fault: "Slack answers 500, late, 429 or not at all, before or after the effect, at each call, with and without a crash after it",
        bar: format!("in all {all} combinations both files once, or a message that says why not; nothing twice"),
        measured: format!(
            "files in {both}; `delivery_unconfirmed` with its message in {unconfirmed} (the completing call had no effect); the \
             last word in {}, unknown in {silent} (its own call was lost); wrong {wrong:?}",
            all - silent
        ),
        test: "slack::whatever_call_fails_before_or_after_its_effect_one_file_is_there",
    }
    .judge(wrong.is_empty() && both + unconfirmed == all);
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_after_is_kept_by_every_delivery() {
    let stage = Stage::new().await;
    let (limited, lease) = delivering(&stage, "PATIENT1").await;
    let (other, other_lease) = delivering(&stage, "PATIENT2").await;
    let wait = Duration::from_secs(1);
    stage.slack.fail("files.getUploadURLExternal", [Fault::RateLimited(wait.as_secs())]);
    let start = Instant::now();
    let first = async {
        let outcome = attempt(&stage, &limited, &lease).await;
        (outcome, start.elapsed())
    };
    let second = async {
        stage.slack.wait_for("files.getUploadURLExternal", 0).await;
        // The limit is the method's, so this one waits, too; these tests wait for two seconds at most before they hand back.
        let mut outcome = attempt(&stage, &other, &other_lease).await;
        while let Outcome::Later(wait) = outcome {
            tokio::time::sleep(wait).await;
            outcome = attempt(&stage, &other, &other_lease).await;
        }
        (outcome, start.elapsed())
    };
    let ((one, waited), (two, meanwhile)) = futures::join!(first, second);
    let long = Patience::default().longest_wait;
    Row {
        number: "8",
        fault: "429 with Retry-After 1 s in the middle of a delivery",
        bar: "no such call before 1 s has passed, from whichever delivery; both arrive".to_owned(),
        measured: format!(
            "went on and arrived after {}; the other after {}; waits above {} go back into the queue",
            seconds(waited),
            seconds(meanwhile),
            seconds(long)
        ),
        test: "slack::retry_after_is_kept_by_every_delivery",
    }
    .judge(
        one == Outcome::Delivered
            && two == Outcome::Delivered
            && waited.min(meanwhile) >= wait
            && stage.slack.shared().len() == 4,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_that_never_lands_is_told_once_and_not_repeated() {
    let stage = Stage::new().await;
    stage.slack.answer("files.completeUploadExternal", json!({ "ok": true }));
    let (request, lease) = delivering(&stage, "PATIENT").await;
    let start = Instant::now();
    let outcome = attempt(&stage, &request, &lease).await;
    let told = start.elapsed();
    queue::settle(&stage.pool, &lease, outcome.clone()).await.unwrap();
    // The same ids may be completed again; files that Slack has are not uploaded again.
    let uploads = stage.slack.calls("files.getUploadURLExternal").len();
    let mut words = 0;
    let posts = replies(&stage);
    while let Some(lease) = claimed(&stage.pool, JobKind::Notify).await {
        let request = now(&stage.pool, request.id).await;
        let stop = CancellationToken::new();
        let told =
            notify(&stage.app, &ResultLinks::none(), Delivery { lease: &lease, request: &request, stop: &stop }).await;
        queue::settle(&stage.pool, &lease, told).await.unwrap();
        words = replies(&stage) - posts;
    }
    Row {
        number: "10",
        fault: "Slack says ok to the upload and never shares it",
        bar: format!(
            "each of two files uploaded once, delivery_unconfirmed and one message, within 1.1 × the give-up time ({}, usually 10 min)",
            seconds(GIVE_UP)
        ),
        measured: format!("{uploads} uploads, {words} message, after {}", seconds(told)),
        test: "slack::a_share_that_never_lands_is_told_once_and_not_repeated",
    }
    .judge(
        outcome == Outcome::Failed(Failure::DeliveryUnconfirmed) && (uploads, words) == (2, 1) && told <= GIVE_UP * 11 / 10,
    );
}
