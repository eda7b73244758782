//! Promises of a worker: what it is given is done once, whatever dies meanwhile.

use std::{
    os::unix::process::ExitStatusExt,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use segment_bot::{
    config::Secret,
    demo::postgres::Cluster,
    jobs::{self, Children, Job, Overrun, StopReason, WorkerSettings},
    queue::{self, CancelOutcome, JobKind, Outcome, Request, RequestState},
    segment::Failure,
};
use sqlx::PgPool;
use tokio::{task::JoinHandle, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::support::{
    database::{database, database_url},
    proxy::Proxy,
    requests::{limits, now, submitted, summary},
};

/// How a child process of these tests performs: `done`, `deaf` or `dead`; unset, it is no child.
const CHILD_PERFORMS: &str = "SEGMENT_BOT_TEST_PERFORMS";
/// The database of such a child.
const CHILD_DATABASE: &str = "SEGMENT_BOT_TEST_DATABASE";

/// Much longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);
/// A lease that tests wait out, with room for a busy machine.
const LEASE: Duration = Duration::from_secs(2);
const LONG: Duration = Duration::from_secs(30);

fn settings(lease: Duration) -> WorkerSettings {
    WorkerSettings {
        poll: Duration::from_millis(50),
        grace: Duration::from_millis(50),
        stop_grace: Duration::from_millis(300),
        ..WorkerSettings::new("test", limits(lease))
    }
}

/// A worker in this process; it ends in good order with [`Worker::end`].
struct Worker {
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Worker {
    fn start<F, Fut>(pool: &PgPool, settings: WorkerSettings, perform: F) -> Self
    where
        F: Fn(Job) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Outcome> + Send + 'static,
    {
        let (pool, shutdown) = (pool.clone(), CancellationToken::new());
        let asked = shutdown.clone();
        let task = tokio::spawn(async move { jobs::run(&pool, JobKind::Segment, &settings, perform, asked).await });
        Self { shutdown, task }
    }

    async fn end(self) {
        self.shutdown.cancel();
        tokio::time::timeout(PATIENCE, self.task).await.unwrap().unwrap();
    }
}

async fn until(pool: &PgPool, request: &Request, state: RequestState) -> Request {
    let start = Instant::now();
    loop {
        let seen = now(pool, request.id).await;
        if seen.state == state {
            return seen;
        }
        assert!(start.elapsed() < PATIENCE, "still {:?} and not {state:?}", seen.state);
        sleep(Duration::from_millis(10)).await;
    }
}

/// Attempt and failures of the one segment job.
async fn tries(pool: &PgPool) -> (i32, i16) {
    sqlx::query_as("select attempt, failures from job where kind = 'segment'").fetch_one(pool).await.unwrap()
}

async fn done(_: Job) -> Outcome {
    Outcome::SegmentDone(summary())
}

/// Goes on until told to stop, as a good performer does.
async fn obedient(job: Job) -> Outcome {
    job.stop.stopped().await;
    job.stop.outcome()
}

#[tokio::test]
async fn a_submission_starts_within_a_second_although_the_poll_is_far() {
    let pool = database().await;
    let worker = Worker::start(&pool, WorkerSettings { poll: LONG, ..settings(LONG) }, done);
    sleep(Duration::from_millis(300)).await;
    let start = Instant::now();
    let request = submitted(&pool, "U1").await;
    until(&pool, &request, RequestState::Delivering).await;
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    worker.end().await;
}

#[tokio::test]
async fn jobs_that_nothing_announces_are_found_by_looking() {
    let pool = database().await;
    let request = submitted(&pool, "U1").await;
    sqlx::query("update job set run_at = now() + interval '300 ms'").execute(&pool).await.unwrap();
    let worker = Worker::start(&pool, settings(LONG), done);
    until(&pool, &request, RequestState::Delivering).await;
    worker.end().await;
}

#[tokio::test]
async fn a_killed_wake_up_connection_costs_no_job() {
    let pool = database().await;
    let worker = Worker::start(&pool, WorkerSettings { poll: Duration::from_secs(1), ..settings(LONG) }, done);
    sleep(Duration::from_millis(300)).await;
    let killed = sqlx::query(
        "select pg_terminate_backend(pid) from pg_stat_activity where query ilike 'listen %' and datname = current_database()",
    );
    assert_eq!(killed.execute(&pool).await.unwrap().rows_affected(), 1);
    let start = Instant::now();
    let request = submitted(&pool, "U1").await;
    until(&pool, &request, RequestState::Delivering).await;
    assert!(start.elapsed() < Duration::from_millis(1_500), "{:?}", start.elapsed());
    worker.end().await;
}

#[tokio::test]
async fn a_panic_fails_the_job_and_not_the_worker() {
    let pool = database().await;
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let request = submitted(&pool, "U1").await;
    let worker = Worker::start(&pool, settings(LONG), move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        async { panic!("of a test") }
    });
    let failed = until(&pool, &request, RequestState::Failed).await;
    assert_eq!((failed.failure, runs.load(Ordering::SeqCst)), (Some(Failure::Internal), 3));
    worker.end().await;
}

#[tokio::test]
async fn a_job_that_outlasts_its_lease_keeps_it_by_beating() {
    let pool = database().await;
    let request = submitted(&pool, "U1").await;
    let worker = Worker::start(&pool, settings(LEASE), |job: Job| async move {
        tokio::select! {
            () = sleep(2 * LEASE) => Outcome::SegmentDone(summary()),
            () = job.stop.stopped() => job.stop.outcome(),
        }
    });
    until(&pool, &request, RequestState::Delivering).await;
    assert_eq!(tries(&pool).await, (1, 0));
    worker.end().await;
}

#[tokio::test]
async fn a_heart_beats_while_the_runtime_is_busy() {
    let pool = database().await;
    let request = submitted(&pool, "U1").await;
    let worker = Worker::start(&pool, settings(LEASE), |_| async {
        // This runtime has one thread, and this blocks it.
        std::thread::sleep(2 * LEASE);
        Outcome::SegmentDone(summary())
    });
    until(&pool, &request, RequestState::Delivering).await;
    assert_eq!(tries(&pool).await, (1, 0));
    worker.end().await;
}

#[tokio::test]
async fn a_cancellation_stops_a_running_job_long_before_its_next_beat() {
    let pool = database().await;
    let request = submitted(&pool, "U1").await;
    let worker = Worker::start(&pool, settings(LONG), obedient);
    until(&pool, &request, RequestState::Running).await;
    sleep(Duration::from_millis(200)).await;
    let start = Instant::now();
    assert_eq!(queue::cancel(&pool, request.id).await.unwrap(), CancelOutcome::Stopping);
    until(&pool, &request, RequestState::Cancelled).await;
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    worker.end().await;
}

#[tokio::test]
async fn a_cancellation_that_nothing_announces_is_seen_by_the_next_beat() {
    let pool = database().await;
    let request = submitted(&pool, "U1").await;
    let worker = Worker::start(&pool, settings(LEASE), obedient);
    until(&pool, &request, RequestState::Running).await;
    sqlx::query("update job set cancel_at = now()").execute(&pool).await.unwrap();
    until(&pool, &request, RequestState::Cancelled).await;
    worker.end().await;
}

#[tokio::test]
async fn a_job_that_does_not_stop_is_dropped() {
    let pool = database().await;
    let request = submitted(&pool, "U1").await;
    let worker = Worker::start(&pool, settings(LONG), |_| std::future::pending());
    until(&pool, &request, RequestState::Running).await;
    queue::cancel(&pool, request.id).await.unwrap();
    until(&pool, &request, RequestState::Cancelled).await;
    worker.end().await;
}

#[tokio::test]
async fn whoever_lost_the_lease_is_told_and_writes_nothing() {
    let pool = database().await;
    let request = submitted(&pool, "U1").await;
    let reasons = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&reasons);
    let one = WorkerSettings { poll: LONG, ..settings(LEASE) };
    let worker = Worker::start(&pool, one, move |job: Job| {
        let seen = Arc::clone(&seen);
        async move {
            job.stop.stopped().await;
            seen.lock().unwrap().push(job.stop.reason());
            Outcome::Failed(Failure::Internal)
        }
    });
    until(&pool, &request, RequestState::Running).await;
    // Somebody else has it.
    sqlx::query("update job set attempt = 2, worker = 'other', lease_until = now() + interval '1 h'")
        .execute(&pool)
        .await
        .unwrap();
    let start = Instant::now();
    while reasons.lock().unwrap().is_empty() {
        assert!(start.elapsed() < PATIENCE);
        sleep(Duration::from_millis(10)).await;
    }
    worker.end().await;
    assert_eq!(*reasons.lock().unwrap(), [Some(StopReason::LeaseLost)]);
    assert_eq!(tries(&pool).await, (2, 0));
    assert_eq!(now(&pool, request.id).await.state, RequestState::Running);
}

#[tokio::test]
async fn a_shutdown_hands_the_job_back_and_counts_nothing() {
    let pool = database().await;
    let request = submitted(&pool, "U1").await;
    let worker = Worker::start(&pool, settings(LONG), obedient);
    until(&pool, &request, RequestState::Running).await;
    worker.end().await;
    assert_eq!(now(&pool, request.id).await.state, RequestState::Queued);
    assert_eq!(tries(&pool).await, (1, 0));
    let next = Worker::start(&pool, settings(LONG), done);
    until(&pool, &request, RequestState::Delivering).await;
    next.end().await;
}

#[tokio::test]
async fn cut_off_from_the_database_a_job_stops_before_another_worker_takes_it() {
    let (pool, proxy, through) = Proxy::database().await;
    let request = submitted(&pool, "U1").await;
    let stopped = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&stopped);
    let cut_off = Worker::start(&through, settings(LEASE), move |job: Job| {
        let seen = Arc::clone(&seen);
        async move {
            job.stop.stopped().await;
            *seen.lock().unwrap() = Some((Instant::now(), job.stop.reason()));
            job.stop.outcome()
        }
    });
    until(&pool, &request, RequestState::Running).await;
    sleep(LEASE / 2).await;
    proxy.freeze();
    let taken = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&taken);
    let other = Worker::start(&pool, settings(LEASE), move |job: Job| {
        *seen.lock().unwrap() = Some(Instant::now());
        done(job)
    });
    until(&pool, &request, RequestState::Delivering).await;
    let (stopped_at, reason) = stopped.lock().unwrap().unwrap();
    assert_eq!(reason, Some(StopReason::LeaseLost));
    assert!(stopped_at < taken.lock().unwrap().unwrap(), "both ran at once");
    assert_eq!(tries(&pool).await, (2, 1));
    other.end().await;
    cut_off.task.abort();
}

#[tokio::test]
async fn a_restart_of_the_database_costs_no_attempt() {
    let folder = std::env::temp_dir().join(format!("cluster-{}", uuid::Uuid::new_v4().simple()));
    let cluster = Cluster::start(&folder).unwrap();
    let pool = queue::connect(&Secret::new(cluster.url())).await.unwrap();
    queue::migrate(&pool).await.unwrap();
    let request = submitted(&pool, "U1").await;
    let go_on = CancellationToken::new();
    let told = go_on.clone();
    let worker = Worker::start(&pool, settings(Duration::from_secs(12)), move |job: Job| {
        let told = told.clone();
        async move {
            tokio::select! {
                () = told.cancelled() => Outcome::SegmentDone(summary()),
                () = job.stop.stopped() => job.stop.outcome(),
            }
        }
    });
    until(&pool, &request, RequestState::Running).await;
    cluster.stop();
    // It ends while the database is away.
    go_on.cancel();
    sleep(Duration::from_millis(500)).await;
    let cluster = Cluster::start(&folder).unwrap();
    until(&pool, &request, RequestState::Delivering).await;
    assert_eq!(tries(&pool).await, (1, 0));
    worker.end().await;
    cluster.stop();
    std::fs::remove_dir_all(folder).unwrap();
}

/// Not a test of its own: a worker process, for the tests below.
#[tokio::test]
async fn a_child_that_works() {
    #[expect(clippy::disallowed_methods, reason = "how a test speaks to its child")]
    let (Ok(performs), Ok(database)) = (std::env::var(CHILD_PERFORMS), std::env::var(CHILD_DATABASE)) else { return };
    let pool = queue::connect(&Secret::new(database)).await.unwrap();
    let shutdown = CancellationToken::new();
    jobs::follow_parent(shutdown.clone()).unwrap();
    let settings = WorkerSettings { overrun: Overrun::Abort, ..settings(LEASE) };
    let perform = move |job: Job| {
        let performs = performs.clone();
        async move {
            match performs.as_str() {
                "done" => done(job).await,
                "dead" => std::process::abort(),
                // As polars does, which nobody can interrupt.
                _ => tokio::task::spawn_blocking(|| std::thread::sleep(PATIENCE))
                    .await
                    .map_or(Outcome::HandBack, |()| Outcome::HandBack),
            }
        }
    };
    jobs::run(&pool, JobKind::Segment, &settings, perform, shutdown).await;
}

fn children(performs: &str, url: &Secret) -> Children {
    Children {
        program: std::env::current_exe().unwrap(),
        args: ["--exact", "jobs::a_child_that_works", "--nocapture"].map(Into::into).to_vec(),
        envs: vec![(CHILD_PERFORMS.into(), performs.into()), (CHILD_DATABASE.into(), url.expose().into())],
        count: 1,
        grace: Duration::from_secs(5),
    }
}

fn child(performs: &str, url: &Secret) -> Child {
    let Children { program, args, envs, .. } = children(performs, url);
    let mut command = Command::new(program);
    command.args(args).envs(envs).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn signal(child: &Child, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
}

async fn ended(mut child: Child) -> std::process::ExitStatus {
    tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_killed_worker_is_replaced_and_its_job_runs_again() {
    let url = database_url().await;
    let pool = queue::connect(&url).await.unwrap();
    queue::migrate(&pool).await.unwrap();
    let request = submitted(&pool, "U1").await;
    let mut doomed = child("deaf", &url);
    until(&pool, &request, RequestState::Running).await;
    doomed.kill().unwrap();
    let shutdown = CancellationToken::new();
    let supervisor = tokio::spawn(jobs::supervise(children("done", &url), shutdown.clone()));
    until(&pool, &request, RequestState::Delivering).await;
    assert_eq!(tries(&pool).await, (2, 1));
    shutdown.cancel();
    tokio::time::timeout(PATIENCE, supervisor).await.unwrap().unwrap();
    doomed.wait().unwrap();
}

#[tokio::test]
async fn a_job_that_kills_its_process_runs_three_times() {
    let url = database_url().await;
    let pool = queue::connect(&url).await.unwrap();
    queue::migrate(&pool).await.unwrap();
    let request = submitted(&pool, "U1").await;
    let shutdown = CancellationToken::new();
    let supervisor = tokio::spawn(jobs::supervise(children("dead", &url), shutdown.clone()));
    let failed = until(&pool, &request, RequestState::Failed).await;
    assert_eq!((failed.failure, tries(&pool).await), (Some(Failure::WorkerLost), (3, 3)));
    shutdown.cancel();
    supervisor.await.unwrap();
}

#[tokio::test]
async fn a_stopped_process_that_wakes_up_writes_nothing_and_ends() {
    let url = database_url().await;
    let pool = queue::connect(&url).await.unwrap();
    queue::migrate(&pool).await.unwrap();
    let request = submitted(&pool, "U1").await;
    let zombie = child("deaf", &url);
    until(&pool, &request, RequestState::Running).await;
    signal(&zombie, Signal::SIGSTOP);
    let other = Worker::start(&pool, settings(LONG), done);
    let taken_over = until(&pool, &request, RequestState::Delivering).await;
    signal(&zombie, Signal::SIGCONT);
    let status = ended(zombie).await;
    assert_eq!(status.signal(), Some(Signal::SIGABRT as i32), "nothing else stops a deaf job");
    assert_eq!(now(&pool, request.id).await, taken_over);
    assert_eq!(tries(&pool).await, (2, 1));
    other.end().await;
}

#[tokio::test]
async fn a_deaf_job_is_cancelled_by_ending_its_process() {
    let url = database_url().await;
    let pool = queue::connect(&url).await.unwrap();
    queue::migrate(&pool).await.unwrap();
    let request = submitted(&pool, "U1").await;
    let deaf = child("deaf", &url);
    until(&pool, &request, RequestState::Running).await;
    queue::cancel(&pool, request.id).await.unwrap();
    assert_eq!(ended(deaf).await.signal(), Some(Signal::SIGABRT as i32));
    assert_eq!(now(&pool, request.id).await.state, RequestState::Cancelled);
}

#[tokio::test]
async fn a_child_hands_its_job_back_when_its_parent_is_gone() {
    let url = database_url().await;
    let pool = queue::connect(&url).await.unwrap();
    queue::migrate(&pool).await.unwrap();
    let request = submitted(&pool, "U1").await;
    let mut orphan = child("deaf", &url);
    until(&pool, &request, RequestState::Running).await;
    drop(orphan.stdin.take());
    ended(orphan).await;
    assert_eq!(now(&pool, request.id).await.state, RequestState::Queued);
    assert_eq!(tries(&pool).await, (1, 0));
}
