//! A dead installation: readiness turns red, nothing is sent, nothing is given up, and it goes on once the token works again.

use std::time::{Duration, Instant};

use segment_bot::{
    app::{self, BoundListener},
    jobs::{self, Job, WorkerSettings},
    queue::{JobKind, Outcome, RequestState},
    slack::{ConfirmSettings, Delivery, ResultFiles, ResultLinks, deliver, notify},
};
use tokio_util::sync::CancellationToken;

use crate::support::{
    fault_server::FaultServer,
    requests::{limits, now, performed, submitted, summary},
    serving::{http_get, serve_config},
    stage::Stage,
};

fn delivery_jobs(stage: &Stage, stop: &CancellationToken) {
    let settings = WorkerSettings::new("test".to_owned(), limits(Duration::from_secs(30)));
    let settings = WorkerSettings { poll: Duration::from_millis(20), ..settings };
    for kind in [JobKind::Deliver, JobKind::Notify] {
        let (app, pool, settings, stop) = (stage.app.clone(), stage.pool.clone(), settings.clone(), stop.clone());
        let perform = move |job: Job| {
            let app = app.clone();
            async move {
                let stop = CancellationToken::new();
                let delivery = Delivery { lease: &job.lease, request: &job.request, stop: &stop };
                if kind == JobKind::Notify {
                    return notify(&app, &ResultLinks::none(), delivery).await;
                }
                let files = ResultFiles::new(|_| async { Ok(Vec::new()) });
                deliver(&app, &files, &ConfirmSettings::default(), delivery).await
            }
        };
        tokio::spawn(async move { jobs::run(&pool, kind, &settings, perform, stop).await });
    }
}

#[tokio::test]
async fn deliveries_wait_for_the_installation_and_burn_no_budget() {
    let stage = Stage::new().await;
    stage.slack.dead(Some("token_revoked"));
    let stop = CancellationToken::new();
    tokio::spawn(stage.app.client().clone().watch_installation(stop.clone()));
    delivery_jobs(&stage, &stop);
    let request = submitted(&stage.pool, "U1").await;
    performed(&stage.pool, JobKind::Segment, Outcome::SegmentDone(summary())).await;

    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(stage.app.client().dead_code().as_deref(), Some("token_revoked"));
    assert_eq!(now(&stage.pool, request.id).await.state, RequestState::Delivering);
    let calls = stage.slack.methods();
    assert!((2..10).contains(&calls.len()), "one look each 300 ms, and nothing else: {calls:?}");

    stage.slack.dead(None);
    let deadline = Instant::now() + Duration::from_secs(10);
    while now(&stage.pool, request.id).await.state != RequestState::Done {
        assert!(Instant::now() < deadline, "it goes on: {:?}", stage.slack.methods());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(stage.app.client().dead_code(), None);
    let sql = "select max(failures) from job where request_id = $1";
    let failures: i16 = sqlx::query_scalar(sql).bind(request.id).fetch_one(&stage.pool).await.unwrap();
    assert_eq!(failures, 0);
    stop.cancel();
}

#[tokio::test]
async fn readiness_is_red_while_the_installation_is_dead() {
    let slack = FaultServer::start().await;
    slack.dead(Some("account_inactive"));
    let folder = tempfile::tempdir().unwrap();
    let config = serve_config(&slack, folder.path(), &[]).await;
    let door = BoundListener::bind_free().await.unwrap();
    let address = door.address();
    let stop = CancellationToken::new();
    let serving = tokio::spawn(app::serve(config, door, None, stop.clone()));

    slack.wait_for("auth.test", 0).await;
    let mut answer = http_get(address, "/readyz", &[]).await;
    for _ in 0..100 {
        if !answer.0.contains(" 200 ") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        answer = http_get(address, "/readyz", &[]).await;
    }
    assert!(answer.0.contains(" 503 "), "{answer:?}");
    insta::assert_snapshot!(answer.1, @"Slack says that this installation is gone (account_inactive): nothing is sent until the app is installed again or SLACK_BOT_TOKEN is replaced");
    assert!(http_get(address, "/healthz", &[]).await.0.contains(" 200 "), "a restart would not help");
    stop.cancel();
    serving.await.unwrap().unwrap();
}
