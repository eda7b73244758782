//! Workers for these tests: in this process, or as processes of their own that can be killed.

use std::{
    os::unix::process::ExitStatusExt,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use segment_bot::{
    config::Secret,
    jobs::{self, Job, Overrun, WorkerSettings},
    queue::{self, JobKind, Outcome, Request, RequestState},
};
use sqlx::PgPool;
use tokio::{task::JoinHandle, time::sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::{
    database::database_url,
    requests::{limits, now, summary},
};

/// Fifteen times shorter than the usual one.
pub(crate) const LEASE: Duration = Duration::from_secs(2);
/// Much longer than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// The database of a child process; unset, it is no child.
const CHILD_DATABASE: &str = "FAULTS_CHILD_DATABASE";
/// Its jobs at the same time.
const CHILD_SLOTS: &str = "FAULTS_CHILD_SLOTS";

/// Requesters whose jobs a child performs in a way of their own; everybody else's are done at once.
pub(crate) const ABORTS: &str = "ABORTS";
pub(crate) const DEAF: &str = "DEAF";

/// A short grace, so that tests are quick; everything else is as usual.
pub(crate) fn settings(lease: Duration) -> WorkerSettings {
    WorkerSettings {
        poll: Duration::from_millis(100),
        grace: Duration::from_millis(50),
        ..WorkerSettings::new("test", limits(lease))
    }
}

/// A worker in this process; it ends in good order with [`Worker::end`].
pub(crate) struct Worker {
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Worker {
    /// Works on segments.
    pub(crate) fn start<F, Fut>(pool: &PgPool, settings: WorkerSettings, perform: F) -> Self
    where
        F: Fn(Job) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Outcome> + Send + 'static,
    {
        Self::of(JobKind::Segment, pool, settings, perform)
    }

    pub(crate) fn of<F, Fut>(kind: JobKind, pool: &PgPool, settings: WorkerSettings, perform: F) -> Self
    where
        F: Fn(Job) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Outcome> + Send + 'static,
    {
        let (pool, shutdown) = (pool.clone(), CancellationToken::new());
        let asked = shutdown.clone();
        let task = tokio::spawn(async move { jobs::run(&pool, kind, &settings, perform, asked).await });
        Self { shutdown, task }
    }

    /// How long ending in good order took.
    pub(crate) async fn end(self) -> Duration {
        let start = Instant::now();
        self.shutdown.cancel();
        tokio::time::timeout(PATIENCE, self.task).await.unwrap().unwrap();
        start.elapsed()
    }
}

/// Done at once.
pub(crate) async fn done(_: Job) -> Outcome {
    Outcome::SegmentDone(summary())
}

/// Goes on until told to stop, as a good performer does.
pub(crate) async fn obedient(job: Job) -> Outcome {
    job.stop.stopped().await;
    job.stop.outcome()
}

/// Waits until `id` is in `state`.
pub(crate) async fn until(pool: &PgPool, id: Uuid, state: RequestState) -> Request {
    let start = Instant::now();
    loop {
        let seen = now(pool, id).await;
        if seen.state == state {
            return seen;
        }
        assert!(start.elapsed() < PATIENCE, "still {:?} and not {state:?}: {seen:?}", seen.state);
        sleep(Duration::from_millis(10)).await;
    }
}

/// Attempt and failures of the segment job of `id`.
pub(crate) async fn tries(pool: &PgPool, id: Uuid) -> (i32, i16) {
    let sql = "select attempt, failures from job where kind = 'segment' and request_id = $1";
    sqlx::query_as(sql).bind(id).fetch_one(pool).await.unwrap()
}

/// Waits until the segment job of `id` is at `attempt`.
pub(crate) async fn until_attempt(pool: &PgPool, id: Uuid, attempt: i32) {
    let start = Instant::now();
    while tries(pool, id).await.0 < attempt {
        assert!(start.elapsed() < PATIENCE, "attempt {attempt} did not start");
        sleep(Duration::from_millis(5)).await;
    }
}

/// A fresh database with tables, by its address too, for processes of their own.
pub(crate) async fn shared_database() -> (Secret, PgPool) {
    let url = database_url().await;
    let pool = queue::connect(&url).await.unwrap();
    queue::migrate(&pool).await.unwrap();
    (url, pool)
}

/// Not a test of its own: a worker process, for the tests.
#[tokio::test]
async fn a_child_that_works() {
    #[expect(clippy::disallowed_methods, reason = "how a test speaks to its child")]
    let (database, slots) = (std::env::var(CHILD_DATABASE), std::env::var(CHILD_SLOTS));
    let Ok(database) = database else { return };
    let pool = queue::connect(&Secret::new(database)).await.unwrap();
    let shutdown = CancellationToken::new();
    jobs::follow_parent(shutdown.clone()).unwrap();
    let slots = slots.unwrap().parse().unwrap();
    let settings = WorkerSettings { overrun: Overrun::Abort, slots, ..settings(LEASE) };
    jobs::run(&pool, JobKind::Segment, &settings, perform, shutdown).await;
}

async fn perform(job: Job) -> Outcome {
    // Tests that count runs have this table.
    let count = "insert into ran (job_id) select $1 where to_regclass('ran') is not null";
    let _ = sqlx::query(count).bind(job.lease.job_id).execute(&job.pool).await;
    match job.request.user.as_str() {
        ABORTS => std::process::abort(),
        // As polars does, which nobody can interrupt.
        DEAF if job.lease.attempt == 1 => {
            let _ = tokio::task::spawn_blocking(|| std::thread::sleep(PATIENCE)).await;
            Outcome::HandBack
        }
        _ => done(job).await,
    }
}

/// Program, arguments and variables of a child process that works on `url`.
pub(crate) fn child_command(url: &Secret, slots: usize) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "workers::a_child_that_works", "--nocapture"]);
    command.env(CHILD_DATABASE, url.expose()).env(CHILD_SLOTS, slots.to_string());
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// A child process that works on `url`, one job at a time.
pub(crate) fn child(url: &Secret) -> Child {
    child_command(url, 1).spawn().unwrap()
}

pub(crate) fn signal(process: u32, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(process).unwrap()), signal).unwrap();
}

/// Waits for the end of a process.
pub(crate) async fn ended(mut child: Child) -> ExitStatus {
    tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap()
}

/// Whether a process was ended by its own abort.
pub(crate) fn aborted(status: ExitStatus) -> bool {
    status.signal() == Some(Signal::SIGABRT as i32)
}
