//! The loop of a worker: woken by the database, claims while there is room, takes lost jobs back, ends in good order.

use std::{future::Future, sync::Arc, time::Duration};

use sqlx::PgPool;
use tokio::{
    sync::Notify,
    task::{AbortHandle, JoinSet},
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Job, StopFlag, StopReason, WorkerSettings, attempt};
use crate::queue::{self, JobKind, Lease, Listener, Outcome, Wake};

/// How long one claim, or one reaping, may take before its connection counts as dead.
const QUERY_TIMEOUT: Duration = Duration::from_secs(5);

/// Works on jobs of `kind` until `shutdown`; then running jobs get their grace, are told to stop, and are handed back.
///
/// A database that is away is waited for. A job that panics fails alone.
pub async fn run<F, Fut>(
    pool: &PgPool,
    kind: JobKind,
    settings: &WorkerSettings,
    perform: F,
    shutdown: CancellationToken,
) where
    F: Fn(Job) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Outcome> + Send + 'static,
{
    let reaper = tokio::spawn(reap_always(pool.clone(), settings.poll));
    let mut listener = Listener::start(pool);
    let mut running = Running::new(pool, settings);
    while !shutdown.is_cancelled() {
        while running.tasks.len() < settings.slots && !shutdown.is_cancelled() {
            let asked_at = Instant::now();
            let Some(lease) = claim(pool, kind, settings).await else { break };
            running.start(lease, asked_at, perform.clone());
        }
        tokio::select! {
            () = shutdown.cancelled() => {}
            Some(_) = running.tasks.join_next(), if !running.tasks.is_empty() => running.forget_ended(),
            wake = listener.next(settings.poll) => if let Wake::Cancel(request) = wake { running.beat_soon(request) },
        }
    }
    running.drain().await;
    reaper.abort();
}

async fn claim(pool: &PgPool, kind: JobKind, settings: &WorkerSettings) -> Option<Lease> {
    match timeout(QUERY_TIMEOUT, queue::claim(pool, kind, &settings.name, &settings.limits)).await {
        Ok(Ok(lease)) => lease,
        Ok(Err(error)) => {
            tracing::warn!(%error, kind = kind.as_str(), "cannot claim");
            None
        }
        Err(_) => {
            tracing::warn!(kind = kind.as_str(), "cannot claim: the database does not answer");
            None
        }
    }
}

async fn reap_always(pool: PgPool, every: Duration) {
    loop {
        match timeout(QUERY_TIMEOUT, queue::reap(&pool)).await {
            Ok(Ok(reaped)) => {
                for job in reaped {
                    tracing::warn!(job_id = %job.job_id, kind = job.kind.as_str(), again = job.again, "took a lost job back");
                }
            }
            Ok(Err(error)) => tracing::debug!(%error, "cannot look for lost jobs"),
            Err(_) => tracing::debug!("cannot look for lost jobs: the database does not answer"),
        }
        tokio::time::sleep(every).await;
    }
}

/// The jobs of this process.
struct Running {
    pool: PgPool,
    settings: WorkerSettings,
    tasks: JoinSet<()>,
    handles: Vec<Handle>,
}

/// What reaches a running job from outside.
struct Handle {
    request_id: Uuid,
    stop: StopFlag,
    beat_soon: Arc<Notify>,
    task: AbortHandle,
}

impl Running {
    fn new(pool: &PgPool, settings: &WorkerSettings) -> Self {
        Self { pool: pool.clone(), settings: settings.clone(), tasks: JoinSet::new(), handles: Vec::new() }
    }

    fn start<F, Fut>(&mut self, lease: Lease, asked_at: Instant, perform: F)
    where
        F: FnOnce(Job) -> Fut + Send + 'static,
        Fut: Future<Output = Outcome> + Send + 'static,
    {
        let request_id = lease.request_id;
        match attempt::begin(&self.pool, &self.settings, lease, asked_at) {
            Ok(attempt) => {
                let (stop, beat_soon) = (attempt.stop.clone(), attempt.heartbeat.soon());
                let task = self.tasks.spawn(attempt.run(perform));
                self.handles.push(Handle { request_id, stop, beat_soon, task });
            }
            // The lease runs out, and somebody whose machine has threads left takes the job.
            Err(error) => tracing::error!(%error, "cannot start a heartbeat"),
        }
    }

    /// Hears of a cancellation now rather than at the next beat.
    fn beat_soon(&self, request_id: Uuid) {
        for handle in self.handles.iter().filter(|handle| handle.request_id == request_id) {
            handle.beat_soon.notify_one();
        }
    }

    fn forget_ended(&mut self) {
        self.handles.retain(|handle| !handle.task.is_finished());
    }

    /// Lets jobs go on for the grace, then tells them to stop and waits until they have.
    async fn drain(&mut self) {
        if timeout(self.settings.grace, self.all_ended()).await.is_ok() {
            return;
        }
        for handle in &self.handles {
            handle.stop.set(StopReason::ShuttingDown);
        }
        self.all_ended().await;
    }

    async fn all_ended(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}
