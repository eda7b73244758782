//! The thread: one root message kept in step, files exactly once, the last word at most once.

use std::{io::Write, time::Duration};

use segment_bot::{
    queue::{self, JobKind, Lease, NewRequest, Outcome, Request, RequestState},
    segment::Failure,
    slack::{
        ACTION_CANCEL, ACTION_RERUN, ACTION_RETRY, AnnounceSettings, ConfirmSettings, Delivery, ResultFile,
        ResultFiles, ResultLinks, announce, deliver, notify,
    },
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::{
    fault_server::Fault,
    requests::{claimed, new_request, now, performed, submitted, summary},
    stage::{Stage, catalog},
};

fn quick() -> AnnounceSettings {
    AnnounceSettings { min_interval: Duration::from_millis(200), poll: Duration::from_millis(20) }
}

fn confirm() -> ConfirmSettings {
    ConfirmSettings {
        give_up_after: Duration::from_millis(300),
        first_wait: Duration::from_millis(5),
        longest_wait: Duration::from_millis(50),
        in_place: Duration::MAX,
        ..ConfirmSettings::default()
    }
}

fn text(message: &Value) -> &str {
    message["text"].as_str().unwrap()
}

fn files() -> (ResultFiles, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let written: Vec<ResultFile> = [("segment.csv", "user_id\nu1\n"), ("manifest.json", "{}")]
        .into_iter()
        .map(|(name, content)| {
            let path = folder.path().join(name);
            std::fs::File::create(&path).unwrap().write_all(content.as_bytes()).unwrap();
            ResultFile::stored(name, path)
        })
        .collect();
    let open = move |_| {
        let written = written.clone();
        async move { Ok(written) }
    };
    (ResultFiles::new(open), folder)
}

/// A request whose files are made, and the lease on its delivery.
async fn delivering(stage: &Stage) -> (Request, Lease) {
    let request = submitted(&stage.pool, "U1").await;
    performed(&stage.pool, JobKind::Segment, Outcome::SegmentDone(summary())).await;
    let lease = claimed(&stage.pool, JobKind::Deliver).await.unwrap();
    (now(&stage.pool, request.id).await, lease)
}

async fn delivered(stage: &Stage, request: &Request, lease: &Lease) -> Outcome {
    let (files, _folder) = files();
    let stop = CancellationToken::new();
    deliver(&stage.app, &files, &confirm(), Delivery { lease, request, stop: &stop }).await
}

/// The same job, taken by the next attempt.
async fn resumed(stage: &Stage, lease: &Lease, outcome: Outcome) -> Lease {
    queue::settle(&stage.pool, lease, outcome).await.unwrap();
    resumed_later(stage).await
}

async fn resumed_later(stage: &Stage) -> Lease {
    for _ in 0..500 {
        if let Some(lease) = claimed(&stage.pool, JobKind::Deliver).await {
            return lease;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the job did not come back");
}

#[tokio::test]
async fn the_root_message_is_posted_once_and_then_only_edited() {
    let stage = Stage::new().await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(announce(stage.app.clone(), quick(), stop.clone()));
    let request = submitted(&stage.pool, "U1").await;
    let posted = stage.slack.wait_for("chat.postMessage", 0).await;
    assert!(text(&posted).contains(&format!("#{}", request.number)), "{}", text(&posted));

    let lease = claimed(&stage.pool, JobKind::Segment).await.unwrap();
    for stage_name in ["assembling", "training", "scoring"] {
        queue::report(&stage.pool, &lease, stage_name, 0, 0).await.unwrap();
    }
    let edited = stage.slack.wait_for("chat.update", 0).await;
    assert!(text(&edited).contains("3/4"), "stale stages are dropped: {}", text(&edited));
    queue::settle(&stage.pool, &lease, Outcome::Failed(Failure::TooSmall { people: 3, smallest: 100 })).await.unwrap();
    let last = stage.slack.wait_for("chat.update", 1).await;
    assert!(text(&last).contains("100 人以上"), "the last state does not wait: {}", text(&last));
    assert_eq!(stage.slack.calls("chat.postMessage").len(), 1);
    stop.cancel();
    running.await.unwrap();
    let request = now(&stage.pool, request.id).await;
    assert_eq!(request.version, request.shown);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_services_on_one_database_post_each_root_message_once() {
    let first = Stage::new().await;
    let second = Stage::on(catalog(), first.pool.clone()).await;
    let stop = CancellationToken::new();
    let running = [&first, &second].map(|stage| tokio::spawn(announce(stage.app.clone(), quick(), stop.clone())));
    let mut requests = Vec::new();
    for n in 0..12 {
        requests.push(submitted(&first.pool, &format!("U{n}")).await);
    }
    for request in &requests {
        for _ in 0..1000 {
            if now(&first.pool, request.id).await.root.is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(now(&first.pool, request.id).await.root.is_some());
    }
    stop.cancel();
    for service in running {
        service.await.unwrap();
    }
    let posts = [&first, &second].map(|stage| stage.slack.calls("chat.postMessage").len());
    assert_eq!(posts[0] + posts[1], requests.len(), "{posts:?}");
}

#[tokio::test]
async fn the_last_state_is_shown_even_after_slack_was_away() {
    let stage = Stage::new().await;
    let request = submitted(&stage.pool, "U1").await;
    stage.slack.fail("chat.update", [Fault::Status(500), Fault::RateLimited(0), Fault::Stall(Duration::from_secs(1))]);
    let running = tokio::spawn(announce(stage.app.clone(), quick(), CancellationToken::new()));
    stage.slack.wait_for("chat.postMessage", 0).await;
    queue::cancel(&stage.pool, request.id).await.unwrap();
    for _ in 0..1000 {
        let request = now(&stage.pool, request.id).await;
        if request.shown == request.version {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    running.abort();
    let request = now(&stage.pool, request.id).await;
    assert_eq!((request.shown, request.state), (request.version, RequestState::Cancelled));
    assert!(text(stage.slack.calls("chat.update").last().unwrap()).contains("取り消されました"));
}

#[tokio::test]
async fn a_channel_that_is_rate_limited_does_not_keep_others_waiting() {
    let stage = Stage::new().await;
    stage.slack.fail("chat.postMessage", [Fault::RateLimited(2)]);
    let limited = submitted(&stage.pool, "U1").await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(announce(stage.app.clone(), quick(), stop.clone()));
    stage.slack.wait_for("chat.postMessage", 0).await;
    let elsewhere = NewRequest { channel: "C2".to_owned(), ..new_request("V-elsewhere", "U2") };
    queue::submit(&stage.pool, &elsewhere).await.unwrap();
    stage.slack.wait_for("chat.postMessage", 2).await;
    stop.cancel();
    running.await.unwrap();
    let limited_at = stage.slack.times("chat.postMessage", "channel", "C1");
    let elsewhere_at = stage.slack.times("chat.postMessage", "channel", "C2");
    assert!(limited_at[1] - limited_at[0] >= Duration::from_secs(2), "honoured");
    assert!(elsewhere_at[0] < limited_at[1], "meanwhile the other channel has its message");
    assert!(now(&stage.pool, limited.id).await.root.is_some());
}

#[tokio::test]
async fn a_channel_that_refuses_by_now_is_replaced_by_a_direct_message() {
    let stage = Stage::new().await;
    stage.slack.fail("chat.postMessage", [Fault::Code("not_in_channel")]);
    let (request, lease) = delivering(&stage).await;
    assert_eq!(delivered(&stage, &request, &lease).await, Outcome::Delivered);
    assert_eq!(stage.slack.calls("files.completeUploadExternal")[0]["channel_id"], "D777");
}

#[tokio::test]
async fn two_files_arrive_in_the_thread_with_one_call() {
    let stage = Stage::new().await;
    let (request, lease) = delivering(&stage).await;
    assert_eq!(delivered(&stage, &request, &lease).await, Outcome::Delivered);
    let complete = stage.slack.calls("files.completeUploadExternal");
    assert_eq!(complete.len(), 1);
    assert_eq!(complete[0]["files"].as_array().unwrap().len(), 2);
    let root = now(&stage.pool, request.id).await.root.unwrap();
    assert_eq!(complete[0]["thread_ts"], root.ts.as_str());
    let mut uploads: Vec<Vec<u8>> = stage.slack.uploads().into_values().collect();
    uploads.sort();
    assert_eq!(uploads, [b"user_id\nu1\n".to_vec(), b"{}".to_vec()]);
}

#[tokio::test]
async fn however_an_attempt_ends_the_files_are_shared_once() {
    let faults: [(&str, Vec<Fault>); 6] = [
        ("files.getUploadURLExternal", vec![Fault::Status(500); 3]),
        ("upload", vec![Fault::Status(500); 2]),
        ("files.completeUploadExternal", vec![Fault::DoneThen500]),
        ("files.completeUploadExternal", vec![Fault::RateLimited(3)]),
        ("files.info", vec![Fault::Status(500); 20]),
        ("chat.postMessage", vec![Fault::Status(503)]),
    ];
    for (method, faults) in faults {
        let stage = Stage::new().await;
        stage.slack.fail(method, faults);
        let (request, mut lease) = delivering(&stage).await;
        for _ in 0..4 {
            match delivered(&stage, &request, &lease).await {
                Outcome::Delivered => break,
                Outcome::Failed(Failure::DeliveryUnconfirmed) => {
                    lease = resumed(&stage, &lease, Outcome::HandBack).await;
                }
                outcome => lease = resumed(&stage, &lease, outcome).await,
            }
        }
        assert_eq!(stage.slack.shared().len(), 2, "{method}: {:?}", stage.slack.methods());
    }
}

#[tokio::test]
async fn a_completion_that_had_no_effect_is_sent_again_for_the_same_files() {
    let stage = Stage::new().await;
    stage.slack.fail("files.completeUploadExternal", vec![Fault::Status(500); 3]);
    let (request, lease) = delivering(&stage).await;
    let (files, _folder) = files();
    let settings = ConfirmSettings {
        give_up_after: Duration::from_secs(5),
        again_after: Duration::from_millis(50),
        anew_after: Duration::from_secs(4),
        ..confirm()
    };
    let stop = CancellationToken::new();
    let mut lease = lease;
    let mut outcome = Outcome::HandBack;
    for _ in 0..4 {
        outcome =
            deliver(&stage.app, &files, &settings, Delivery { lease: &lease, request: &request, stop: &stop }).await;
        if outcome == Outcome::Delivered {
            break;
        }
        lease = resumed(&stage, &lease, outcome.clone()).await;
    }
    assert_eq!(outcome, Outcome::Delivered);
    assert_eq!(stage.slack.shared().len(), 2);
    assert_eq!(stage.slack.calls("files.getUploadURLExternal").len(), 2, "the same files");
}

#[tokio::test]
async fn a_share_that_never_shows_is_told_and_not_repeated() {
    let stage = Stage::new().await;
    stage.slack.answer("files.completeUploadExternal", json!({ "ok": true }));
    let (request, lease) = delivering(&stage).await;
    assert_eq!(delivered(&stage, &request, &lease).await, Outcome::Failed(Failure::DeliveryUnconfirmed));
    let lease = resumed(&stage, &lease, Outcome::HandBack).await;
    assert_eq!(delivered(&stage, &request, &lease).await, Outcome::Failed(Failure::DeliveryUnconfirmed));
    assert_eq!(stage.slack.calls("files.completeUploadExternal").len(), 1);
}

/// Slack says yes and shows nothing: every look gives the place free, and however often the looking begins anew, it ends.
#[tokio::test]
async fn a_delivery_that_waits_for_its_share_keeps_no_place() {
    let stage = Stage::new().await;
    stage.slack.answer("files.completeUploadExternal", json!({ "ok": true }));
    let (request, mut lease) = delivering(&stage).await;
    let (files, _folder) = files();
    // Long enough that a busy machine asks for the job before its wait is over.
    let wait = Duration::from_millis(400);
    let give_up_after = 4 * wait;
    let settings = ConfirmSettings {
        give_up_after,
        first_wait: wait,
        longest_wait: wait,
        in_place: Duration::ZERO,
        ..ConfirmSettings::default()
    };
    let (stop, mut waited) = (CancellationToken::new(), Vec::new());
    let ended = loop {
        let delivery = Delivery { lease: &lease, request: &request, stop: &stop };
        match deliver(&stage.app, &files, &settings, delivery).await {
            Outcome::Later(wait) => {
                waited.push(wait);
                queue::settle(&stage.pool, &lease, Outcome::Later(wait)).await.unwrap();
                assert_eq!(claimed(&stage.pool, JobKind::Deliver).await, None, "not before the wait is over");
                lease = resumed_later(&stage).await;
            }
            outcome => break outcome,
        }
    };
    assert_eq!(ended, Outcome::Failed(Failure::DeliveryUnconfirmed));
    assert_eq!(waited[0], settings.first_wait);
    assert!(waited.iter().sum::<Duration>() <= settings.give_up_after + settings.longest_wait);
    assert!(waited.iter().all(|wait| *wait <= settings.longest_wait) && waited.len() > 3, "{waited:?}");
    assert_eq!(lease.failures, 0);
    assert_eq!(stage.slack.calls("files.completeUploadExternal").len(), 1);
}

#[tokio::test]
async fn a_policy_of_the_workspace_is_told_by_its_reason() {
    let stage = Stage::new().await;
    stage.slack.fail("files.completeUploadExternal", [Fault::Code("file_uploads_disabled")]);
    let (request, lease) = delivering(&stage).await;
    let refused = Outcome::Failed(Failure::SlackRefused { reason: "file_uploads_disabled".to_owned() });
    assert_eq!(delivered(&stage, &request, &lease).await, refused);
}

#[tokio::test]
async fn whoever_lost_the_lease_shares_nothing() {
    let stage = Stage::new().await;
    let (request, lease) = delivering(&stage).await;
    let zombie = lease.clone();
    let lease = resumed(&stage, &lease, Outcome::HandBack).await;
    assert_eq!(delivered(&stage, &request, &zombie).await, Outcome::HandBack);
    assert!(stage.slack.shared().is_empty());
    assert_eq!(delivered(&stage, &request, &lease).await, Outcome::Delivered);
    assert_eq!(stage.slack.shared().len(), 2);
}

#[tokio::test]
async fn the_last_word_is_said_at_most_once_and_mentions_the_requester() {
    let stage = Stage::new().await;
    let (request, lease) = delivering(&stage).await;
    let outcome = delivered(&stage, &request, &lease).await;
    queue::settle(&stage.pool, &lease, outcome).await.unwrap();
    let before = stage.slack.calls("chat.postMessage").len();

    let mut lease = claimed(&stage.pool, JobKind::Notify).await.unwrap();
    stage.slack.fail("chat.postMessage", [Fault::DoneThen500]);
    let request = now(&stage.pool, request.id).await;
    let stop = CancellationToken::new();
    for _ in 0..2 {
        let told =
            notify(&stage.app, &ResultLinks::none(), Delivery { lease: &lease, request: &request, stop: &stop }).await;
        assert_eq!(told, Outcome::Notified);
        lease.progress = json!({ "said": true });
    }
    let posts = stage.slack.calls("chat.postMessage");
    assert_eq!(posts.len(), before + 1);
    assert!(text(posts.last().unwrap()).starts_with("<@U1> さん"));
    queue::settle(&stage.pool, &lease, Outcome::Notified).await.unwrap();
    assert_eq!(now(&stage.pool, request.id).await.state, RequestState::Done);
}

#[tokio::test]
async fn buttons_cancel_retry_and_run_again() {
    let stage = Stage::new().await;
    let request = submitted(&stage.pool, "U1").await;
    let id = request.id.to_string();
    stage.presses("U2", ACTION_CANCEL, &id).await;
    assert!(text(&stage.slack.wait_for("chat.postEphemeral", 0).await).contains("<@U1>"));
    stage.presses("U1", ACTION_RETRY, &id).await;
    stage.slack.wait_for("chat.postEphemeral", 1).await;
    stage.presses("U1", ACTION_CANCEL, &id).await;
    stage.slack.wait_for("chat.postEphemeral", 2).await;
    assert_eq!(now(&stage.pool, request.id).await.state, RequestState::Cancelled);
    stage.presses("U2", ACTION_RERUN, &id).await;
    let opened = stage.slack.wait_for("views.open", 0).await;
    assert_eq!(opened["view"]["blocks"][1]["element"]["initial_option"]["value"], "coffee");

    let failed = submitted(&stage.pool, "U1").await;
    performed(&stage.pool, JobKind::Segment, Outcome::Failed(Failure::DataUnreadable)).await;
    stage.presses("U1", ACTION_RETRY, &failed.id.to_string()).await;
    for _ in 0..300 {
        if now(&stage.pool, failed.id).await.state == RequestState::Queued {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the failed request was not put back");
}
