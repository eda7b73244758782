//! What operators watch, and models that are there before anybody asks.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use segment_bot::{
    app::Idle,
    app::{self, BoundListener},
    features::Snapshot,
    model::{Registry, Reuse},
    pipeline::build_segment::DEFAULT_SEED,
    queue::{self, JobKind, Outcome},
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::{
    database::database,
    fault_server::FaultServer,
    requests::{claimed, new_request, performed, summary},
    sample::{LAST_DAY, Sample, make},
    serving::{http_get, serve_config},
};

/// A running `serve` without workers; ends with the test.
struct Served {
    address: SocketAddr,
    pool: sqlx::PgPool,
    stop: CancellationToken,
    serving: JoinHandle<anyhow::Result<()>>,
    _slack: FaultServer,
}

impl Served {
    async fn start(folder: &std::path::Path, more: &[(&str, &str)]) -> Self {
        let slack = FaultServer::start().await;
        let config = serve_config(&slack, folder, more).await;
        let url = config.database_url.clone().unwrap();
        let door = BoundListener::bind_free().await.unwrap();
        let (address, stop) = (door.address(), CancellationToken::new());
        let serving = tokio::spawn(app::serve(config, door, None, stop.clone()));
        slack.wait_for("auth.test", 0).await;
        Self { address, pool: queue::connect(&url).await.unwrap(), stop, serving, _slack: slack }
    }

    async fn metrics(&self, headers: &[&str]) -> (String, String) {
        http_get(self.address, "/metrics", headers).await
    }

    async fn end(self) {
        self.stop.cancel();
        self.serving.await.unwrap().unwrap();
    }
}

fn assert_lines(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.lines().any(|said| said == *line), "{line} in\n{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_and_the_models_are_told_in_numbers() {
    let Sample { folder, catalog, .. } = make(2_000).await;
    let served = Served::start(folder.path(), &[]).await;
    for user in ["U1", "U2"] {
        queue::submit(&served.pool, &new_request(user, user)).await.unwrap();
    }
    claimed(&served.pool, JobKind::Segment).await.unwrap();
    queue::pause(&served.pool).await.unwrap();
    let (status, text) = served.metrics(&[]).await;
    assert!(status.contains(" 200 "), "{status}");
    let product = format!("segment_bot_model_ready{{product=\"{}\"}} 0", catalog.products[0].id);
    assert_lines(
        &text,
        &[
            "segment_bot_requests{state=\"queued\"} 1",
            "segment_bot_requests{state=\"running\"} 1",
            "segment_bot_jobs{kind=\"segment\",state=\"queued\"} 1",
            "segment_bot_jobs{kind=\"segment\",state=\"running\"} 1",
            "segment_bot_queue_paused 1",
            "segment_bot_incidents_open 0",
            "segment_bot_database_up 1",
            "segment_bot_slack_installed 1",
            product.as_str(),
            "# EOF",
        ],
    );
    assert!(text.contains("segment_bot_snapshot_age_days "), "{text}");
    served.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_for_operators_alone() {
    let folder = tempfile::tempdir().unwrap();
    let open = Served::start(folder.path(), &[]).await;
    assert!(open.metrics(&["x-forwarded-for: 203.0.113.7"]).await.0.contains(" 404 "), "through a proxy");
    let (status, text) = open.metrics(&[]).await;
    assert!(status.contains(" 200 ") && !text.contains("snapshot_age"), "nothing is known yet: {text}");
    open.end().await;

    let closed = Served::start(folder.path(), &[("SEGMENT_METRICS_TOKEN", "let-me-in")]).await;
    for headers in [vec![], vec!["authorization: Bearer other"], vec!["authorization: Basic let-me-in"]] {
        assert!(closed.metrics(&headers).await.0.contains(" 404 "), "{headers:?}");
    }
    let proxied = ["authorization: Bearer let-me-in", "x-forwarded-for: 203.0.113.7"];
    assert!(closed.metrics(&proxied).await.0.contains(" 200 "));
    closed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_worker_trains_what_is_asked_for_and_waits_while_somebody_asks() {
    let Sample { folder: _folder, catalog, store } = make(2_000).await;
    let (pool, catalog) = (database().await, Arc::new(catalog));
    let asked = catalog.products[1].clone();
    let mut request = new_request("click", "U1");
    request.conditions.product = asked.id.clone();
    queue::submit(&pool, &request).await.unwrap();
    let stop = CancellationToken::new();
    let idle = Idle::new("test", pool.clone(), catalog.clone(), store.clone());
    let idle = idle.looking_every(Duration::from_millis(20));
    let warming = tokio::spawn(idle.train_until(stop.clone()));

    let registry = Registry { store: &store, catalog: &catalog, seed: DEFAULT_SEED, reuse: Reuse::Allowed };
    let snapshot = Snapshot::open(&store, &catalog, LAST_DAY).await.unwrap();
    let cold = async || {
        let cold = registry.cold(catalog.products.iter(), &snapshot).await.unwrap();
        cold.iter().map(|product| product.id.to_string()).collect::<Vec<_>>()
    };
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(cold().await.len(), catalog.products.len(), "a request waits, so nothing is trained");

    performed(&pool, JobKind::Segment, Outcome::SegmentDone(summary())).await;
    let deadline = Instant::now() + Duration::from_mins(2);
    while cold().await.len() == catalog.products.len() {
        assert!(Instant::now() < deadline, "nothing is trained");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let left = cold().await;
    assert_eq!(left.len(), catalog.products.len() - 1, "nobody asked for the others: {left:?}");
    assert!(!left.contains(&asked.id.to_string()));
    stop.cancel();
    warming.await.unwrap();
}
