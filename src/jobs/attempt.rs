//! One attempt at one job: from the lease to the settled row.

use std::{future::Future, time::Duration};

use sqlx::PgPool;
use tokio::{
    task::{JoinError, JoinHandle},
    time::{Instant, sleep, timeout},
};
use tracing::Instrument;

use super::{Job, Overrun, StopFlag, StopReason, WorkerSettings, heartbeat::Heartbeat};
use crate::{
    queue::{self, Lease, Outcome, QueueError, Request, Settled},
    segment::Failure,
};

/// How soon a write that found no database is tried again.
const SETTLE_RETRY: Duration = Duration::from_millis(500);
/// How long one such try may take.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(5);

/// An attempt under way.
pub(super) struct Attempt {
    pub(super) pool: PgPool,
    pub(super) settings: WorkerSettings,
    pub(super) lease: Lease,
    pub(super) stop: StopFlag,
    /// Kept until the end of the attempt, settling included.
    pub(super) heartbeat: Heartbeat,
}

impl Attempt {
    /// Performs and settles. Never fails: what goes wrong here is logged and found by the reaper.
    pub(super) async fn run<F, Fut>(self, perform: F)
    where
        F: FnOnce(Job) -> Fut + Send + 'static,
        Fut: Future<Output = Outcome> + Send + 'static,
    {
        let Some(request) = self.request().await else { return };
        let span = tracing::info_span!(
            "job",
            request = request.number,
            reference = request.reference,
            kind = self.lease.kind.as_str(),
            job_id = %self.lease.job_id,
            attempt = self.lease.attempt,
        );
        let job = Job { lease: self.lease.clone(), request, pool: self.pool.clone(), stop: self.stop.clone() };
        let performed = tokio::spawn(async move { perform(job).await }.instrument(span.clone()));
        async {
            tracing::info!("started");
            let outcome = self.outcome(performed).await;
            self.heartbeat.performer_returned();
            self.settle(outcome).await;
        }
        .instrument(span)
        .await;
    }

    /// The row that the job is about, however long that takes; `None` when the lease is lost meanwhile.
    async fn request(&self) -> Option<Request> {
        self.until_lost("reading the request", || async {
            let request = queue::request_by_id(&self.pool, self.lease.request_id).await?;
            request.ok_or(QueueError::NoSuchRequest(self.lease.request_id))
        })
        .await
    }

    /// What the performer returned, or what its not returning comes to.
    async fn outcome(&self, mut performed: JoinHandle<Outcome>) -> Outcome {
        tokio::select! {
            returned = &mut performed => return outcome_of(returned),
            () = self.stop.stopped() => {}
        }
        tracing::info!(reason = ?self.stop.reason(), "stopping");
        if self.settings.overrun == Overrun::Abort {
            // If it does not return, the heartbeat's thread ends the process.
            return outcome_of(performed.await);
        }
        if let Ok(returned) = timeout(self.settings.stop_grace, &mut performed).await {
            return outcome_of(returned);
        }
        performed.abort();
        let _ = performed.await;
        tracing::warn!("the job did not stop in time and was dropped");
        self.stop.outcome()
    }

    /// A job that stopped because it lost its lease says nothing: the reaper decides, who knows about deadlines. One that was done
    /// all the same may try; the fence decides.
    async fn settle(&self, outcome: Outcome) {
        let done = matches!(outcome, Outcome::SegmentDone(_) | Outcome::Delivered | Outcome::Notified);
        if !done && self.stop.reason() == Some(StopReason::LeaseLost) {
            return tracing::warn!(outcome = named(&outcome), "stopped without the lease");
        }
        let settled = self.until_lost("settling", || queue::settle(&self.pool, &self.lease, outcome.clone())).await;
        let outcome = named(&outcome);
        match settled {
            Some(Settled::Yes) => tracing::info!(outcome, "settled"),
            Some(Settled::TooLate) => {
                tracing::warn!(outcome, "the job was somebody else's by now; nothing was changed");
            }
            None => tracing::warn!(outcome, "could not be settled; the job is tried again when its lease is over"),
        }
    }

    /// Tries until it works, the lease is lost, or waiting cannot help.
    async fn until_lost<T, F, Fut>(&self, doing: &'static str, mut work: F) -> Option<T>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, QueueError>>,
    {
        loop {
            match timeout(SETTLE_TIMEOUT, work()).await {
                Ok(Ok(result)) => return Some(result),
                Ok(Err(error)) if !error.is_transient() => {
                    tracing::error!(%error, doing, "cannot go on with a job");
                    return None;
                }
                Ok(Err(error)) => tracing::warn!(%error, doing, "the database does not answer; trying again"),
                Err(_) => tracing::warn!(doing, "the database does not answer; trying again"),
            }
            if self.stop.reason() == Some(StopReason::LeaseLost) {
                return None;
            }
            sleep(SETTLE_RETRY).await;
        }
    }
}

/// Starts the heart before anything else of the attempt.
pub(super) fn begin(
    pool: &PgPool,
    settings: &WorkerSettings,
    lease: Lease,
    asked_at: Instant,
) -> std::io::Result<Attempt> {
    let stop = StopFlag::new();
    let options = pool.connect_options().as_ref().clone();
    let heartbeat = Heartbeat::start(options, lease.clone(), asked_at, stop.clone(), settings)?;
    Ok(Attempt { pool: pool.clone(), settings: settings.clone(), lease, stop, heartbeat })
}

fn outcome_of(returned: Result<Outcome, JoinError>) -> Outcome {
    match returned {
        Ok(outcome) => outcome,
        Err(error) => {
            tracing::error!(panic = %panic_text(error), "a job panicked");
            Outcome::Failed(Failure::Internal)
        }
    }
}

fn panic_text(error: JoinError) -> String {
    let Ok(payload) = error.try_into_panic() else { return "the task was cancelled".to_owned() };
    let text = payload.downcast_ref::<String>().cloned();
    text.or_else(|| payload.downcast_ref::<&str>().map(|&text| text.to_owned())).unwrap_or_default()
}

/// For the log: the result without its contents.
fn named(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::SegmentDone(_) => "segment_done",
        Outcome::Delivered => "delivered",
        Outcome::Notified => "notified",
        Outcome::Failed(_) => "failed",
        Outcome::Cancelled => "cancelled",
        Outcome::HandBack => "handed_back",
        Outcome::Later(_) => "later",
    }
}
