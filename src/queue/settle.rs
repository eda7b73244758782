//! How an attempt ended, written under its fence.

use std::time::Duration;

use sqlx::{PgConnection, PgPool};

use super::{
    JobKind, Lease, QueueError, sql,
    step::{self, Held, Step},
};
use crate::segment::{Failure, Summary};

/// What a performer comes back with.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "one value a job, moved a few times; a box would only be noise at every use"
)]
pub enum Outcome {
    /// The files are stored; delivery follows.
    SegmentDone(Summary),
    /// The files are in Slack; the last word follows.
    Delivered,
    /// The requester knows.
    Notified,
    /// Tried again while it may pass and the budget lasts; else the request failed.
    Failed(Failure),
    /// Stopped because the requester wanted it.
    Cancelled,
    /// Stopped because the process ends: queued again, nothing counted.
    HandBack,
    /// Nothing to do before so much time has passed: queued until then, nothing counted.
    Later(Duration),
}

/// Whether an outcome counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    Yes,
    /// The lease was somebody else's by then; nothing was changed.
    TooLate,
}

/// Writes how the attempt ended, and what follows, in one transaction.
pub async fn settle(pool: &PgPool, lease: &Lease, outcome: Outcome) -> Result<Settled, QueueError> {
    settle_on(&mut *pool.acquire().await?, lease, outcome).await
}

/// [`settle`] on one connection.
pub async fn settle_on(conn: &mut PgConnection, lease: &Lease, outcome: Outcome) -> Result<Settled, QueueError> {
    let mut tx = sql::begin_on(conn).await?;
    let held: Option<Held> = sql::query_as(
        "select id, kind, request_id, owner_key, failures, failures_max, cancel_at is not null as cancel_asked
         from job where id = $1 and attempt = $2 and state = 'running' for update",
    )
    .bind(lease.job_id)
    .bind(lease.attempt)
    .fetch_optional(&mut *tx)
    .await?;
    let Some(held) = held else { return Ok(Settled::TooLate) };
    step::apply(&mut tx, &held, &decide(&held, lease, outcome)).await?;
    tx.commit().await?;
    Ok(Settled::Yes)
}

fn decide(held: &Held, lease: &Lease, outcome: Outcome) -> Step {
    match (held.kind, outcome) {
        (JobKind::Segment, Outcome::SegmentDone(summary)) => Step::Succeeded(Some(Box::new(summary))),
        (JobKind::Deliver, Outcome::Delivered) | (JobKind::Notify, Outcome::Notified) => Step::Succeeded(None),
        (_, Outcome::Failed(failure)) => held.after_failure(failure, |failures| lease.backoff.after(failures)),
        (_, Outcome::Cancelled) => Step::Cancelled,
        (_, Outcome::HandBack) => held.after_hand_back(Duration::ZERO),
        (_, Outcome::Later(wait)) => held.after_hand_back(wait),
        (kind, outcome @ (Outcome::SegmentDone(_) | Outcome::Delivered | Outcome::Notified)) => {
            tracing::error!(kind = kind.as_str(), ?outcome, "a job ended as another kind does");
            Step::Failed { failures: held.failures + 1, failure: Failure::Internal }
        }
    }
}
