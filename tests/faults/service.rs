//! Faults 1 and 19: the real program, killed while it builds, delivers and tells; its Slack is the fault server, its data a small lake.

use std::{
    fs,
    net::TcpListener,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use segment_bot::{
    config::Secret,
    queue::{self, Request, RequestState},
    segment::Draft,
};
use sqlx::PgPool;
use tokio::time::sleep;
use uuid::Uuid;

use crate::{
    support::{
        fault_server::FaultServer,
        requests::{new_request, now},
        sample::{Sample, sample},
        stage::SIGNING_SECRET,
    },
    table::{Row, alone, longest, quick_or_full, seconds},
    workers::{LEASE, ended, shared_database, signal, tries, until, until_attempt},
};

static ASKED: AtomicUsize = AtomicUsize::new(0);

/// Everything that the program talks to.
pub(crate) struct Site {
    sample: Arc<Sample>,
    url: Secret,
    pub(crate) pool: PgPool,
    slack: FaultServer,
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Site {
    pub(crate) async fn new() -> Self {
        let (url, pool) = shared_database().await;
        Self { sample: sample().await, url, pool, slack: FaultServer::start().await }
    }

    fn start(&self, args: &[&str]) -> Child {
        self.start_at(args, free_port())
    }

    /// Listens at `port` of this machine alone.
    pub(crate) fn start_at(&self, args: &[&str], port: u16) -> Child {
        let folder = self.sample.folder.path();
        Command::new(env!("CARGO_BIN_EXE_segment-bot"))
            .args(args)
            .env("SEGMENT_CATALOG", folder.join("catalog.toml"))
            .env("SEGMENT_LAKE", format!("file://{}", folder.display()))
            .env("SEGMENT_STORE", format!("file://{}", folder.display()))
            .env("SEGMENT_CACHE_DIR", folder.join("cache"))
            .env("SEGMENT_LISTEN", format!("127.0.0.1:{port}"))
            .env("SEGMENT_LEASE_SECONDS", LEASE.as_secs().to_string())
            .env("SEGMENT_WORKERS", "2")
            .env("SEGMENT_LOG", "warn")
            .env("DATABASE_URL", self.url.expose())
            .env("SLACK_BOT_TOKEN", "xoxb-test")
            .env("SLACK_SIGNING_SECRET", SIGNING_SECRET)
            .env("SLACK_APP_TOKEN", "")
            .env("SLACK_API_URL", format!("{}/api", self.slack.origin))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    async fn submitted(&self) -> Request {
        let mut new = new_request(&Uuid::new_v4().to_string(), "U1");
        // No two are the same, for that would be one computation.
        let size = 500 + ASKED.fetch_add(1, Ordering::Relaxed);
        let draft = Draft::from_text(&self.sample.catalog, &format!("product=skincare gender=f size={size}")).unwrap();
        new.conditions = draft.check(&self.sample.catalog).unwrap();
        queue::submit(&self.pool, &new).await.unwrap().request
    }

    /// So that the next request trains again, which takes long enough to be killed in.
    fn forget_models(&self) {
        let _ = fs::remove_dir_all(self.sample.folder.path().join("models"));
    }

    /// Last words in the thread of `request`.
    async fn words(&self, request: &Request) -> usize {
        let root = now(&self.pool, request.id).await.root.unwrap();
        let posts = self.slack.calls("chat.postMessage");
        posts.iter().filter(|post| post["thread_ts"] == root.ts.as_str()).count()
    }
}

/// The worker that holds the job of `request`, by the name that it gave itself.
async fn holder(site: &Site, request: &Request) -> Option<u32> {
    let sql = "select worker from job where request_id = $1 and kind = 'segment' and state = 'running'";
    let name: Option<String> = sqlx::query_scalar(sql).bind(request.id).fetch_optional(&site.pool).await.unwrap();
    name?.strip_prefix("worker-")?.parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_instant_a_request_ends_with_one_file() {
    let _alone = alone().await;
    let site = Site::new().await;
    let mut serve = site.start(&["serve"]);
    let first = site.submitted().await;
    until(&site.pool, first.id, RequestState::Running).await;
    let start = Instant::now();
    until(&site.pool, first.id, RequestState::Delivering).await;
    let build = start.elapsed();
    until(&site.pool, first.id, RequestState::Done).await;
    let whole = start.elapsed();

    let rounds = quick_or_full(6, 30);
    let (mut requests, mut restarts, mut hit) = (vec![first], Vec::new(), 0);
    for round in 0..rounds {
        site.forget_models();
        let request = site.submitted().await;
        until(&site.pool, request.id, RequestState::Running).await;
        let service = round % 3 == 2;
        sleep((if service { whole } else { build }) * round / rounds).await;
        let killed = Instant::now();
        if service {
            // The service itself: the delivery jobs are gone too, and the workers follow.
            serve.kill().unwrap();
            serve.wait().unwrap();
            serve = site.start(&["serve"]);
        } else if let Some(worker) = holder(&site, &request).await {
            signal(worker, Signal::SIGKILL);
            hit += 1;
            let again = async {
                until_attempt(&site.pool, request.id, 2).await;
                killed.elapsed()
            };
            // The worker may have been done in the same instant.
            tokio::select! {
                took = again => restarts.push(took),
                _ = until(&site.pool, request.id, RequestState::Done) => {}
            }
        }
        until(&site.pool, request.id, RequestState::Done).await;
        requests.push(request);
    }
    let mut most = 0;
    for request in &requests {
        assert_eq!(site.words(request).await, 1, "{request:?}");
        most = most.max(tries(&site.pool, request.id).await.0);
    }
    let (files, wanted) = (site.slack.shared().len(), 2 * requests.len());
    signal(serve.id(), Signal::SIGTERM);
    assert!(ended(serve).await.success());
    let bar = LEASE + Duration::from_secs(2);
    Row {
        number: "1",
        fault: "kill -9 of the worker or the whole service, at instants spread over a request's life",
        bar: format!("taken over ≤ lease + 2 s ({}); attempt ≤ 2; all done; one delivery, one last word", seconds(bar)),
        measured: format!(
            "{rounds} kills, {hit} in a build: taken over ≤ {}; attempts ≤ {most}; {files} files for {} requests of two",
            seconds(longest(&restarts)),
            requests.len()
        ),
        test: "service::killed_at_any_instant_a_request_ends_with_one_file",
    }
    .judge(longest(&restarts) <= bar && most <= 2 && files == wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_comes_back_under_its_name_vouches_for_nobody() {
    let _alone = alone().await;
    let site = Site::new().await;
    let args = ["worker", "--name", "statefulset-0", "--while-stdin-open"];
    let mut doomed = site.start(&args);
    site.forget_models();
    let request = site.submitted().await;
    until(&site.pool, request.id, RequestState::Running).await;
    doomed.kill().unwrap();
    doomed.wait().unwrap();
    let killed = Instant::now();
    let next = site.start(&args);
    until_attempt(&site.pool, request.id, 2).await;
    let taken_over = killed.elapsed();
    until(&site.pool, request.id, RequestState::Delivering).await;
    // In good order: the job that it holds is finished first.
    let last = site.submitted().await;
    until(&site.pool, last.id, RequestState::Running).await;
    let asked = Instant::now();
    // Twice, as where a service manager signals every process and the service its workers.
    signal(next.id(), Signal::SIGTERM);
    signal(next.id(), Signal::SIGTERM);
    let status = ended(next).await;
    let took = asked.elapsed();
    let finished = now(&site.pool, last.id).await.state;
    Row {
        number: "19",
        fault: "a killed worker restarts under the same name; then SIGTERM in the middle of a build",
        bar: "recovered ≤ lease + 2 s; after SIGTERM done or handed back ≤ 27 s, exit 0, no failure counted".to_owned(),
        measured: format!(
            "taken over after {}; ended after {} with {status}, the request is {}",
            seconds(taken_over),
            seconds(took),
            serde_json::to_string(&finished).unwrap().trim_matches('"')
        ),
        test: "service::a_worker_that_comes_back_under_its_name_vouches_for_nobody",
    }
    .judge(
        taken_over <= LEASE + Duration::from_secs(2)
            && status.success()
            && took <= Duration::from_secs(27)
            && tries(&site.pool, last.id).await == (1, 0)
            && matches!(finished, RequestState::Delivering | RequestState::Queued),
    );
}
