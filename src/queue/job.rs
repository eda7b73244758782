//! A leased job, and what its holder may write while the lease lasts.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgConnection, PgPool, Row, postgres::PgRow};
use uuid::Uuid;

use super::{Backoff, Fenced, QueueError, listen, sql};

/// The steps of a request, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum JobKind {
    /// Makes the files.
    Segment,
    /// Puts them into Slack.
    Deliver,
    /// Tells the requester, once, how it ended.
    Notify,
}

impl JobKind {
    /// As it stands in the table, in logs and in wake-ups.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Segment => "segment",
            Self::Deliver => "deliver",
            Self::Notify => "notify",
        }
    }

    /// How often a job may fail, crashes counted. Slack's steps are short and, waiting five
    /// minutes at most, outlive an outage of a day.
    pub fn failures_max(self) -> i16 {
        match self {
            Self::Segment => 3,
            Self::Deliver | Self::Notify => 290,
        }
    }
}

/// The right to work on one job, until somebody else has a higher `attempt`.
#[derive(Debug, Clone, PartialEq)]
pub struct Lease {
    pub job_id: Uuid,
    pub kind: JobKind,
    pub request_id: Uuid,
    /// The fence: grows with every claim.
    pub attempt: i32,
    /// Tries that failed before this one.
    pub failures: i16,
    /// What earlier attempts noted, as it was when the lease was taken.
    pub progress: serde_json::Value,
    /// How long a failed try waits for the next.
    pub backoff: Backoff,
}

impl Lease {
    pub(super) fn from_row(row: &PgRow, backoff: Backoff) -> Result<Self, sqlx::Error> {
        Ok(Self {
            job_id: row.try_get("id")?,
            kind: row.try_get("kind")?,
            request_id: row.try_get("request_id")?,
            attempt: row.try_get("attempt")?,
            failures: row.try_get("failures")?,
            progress: row.try_get("progress")?,
            backoff,
        })
    }
}

/// What a heartbeat found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    /// The lease is renewed.
    Alive,
    /// The lease is renewed, and the requester wants the job stopped.
    CancelAsked,
    /// Somebody else has the job, it is over, or it ran past its deadline.
    Lost,
}

/// Renews the lease for `length` from now, by the database's clock.
pub async fn beat(conn: &mut PgConnection, lease: &Lease, length: Duration) -> Result<Beat, QueueError> {
    let mut tx = sql::begin_briefly(conn).await?;
    let cancel: Option<bool> = sql::query_scalar(
        "update job set lease_until = now() + make_interval(secs => $3)
         where id = $1 and attempt = $2 and state = 'running' and now() < deadline_at
         returning cancel_at is not null",
    )
    .bind(lease.job_id)
    .bind(lease.attempt)
    .bind(length.as_secs_f64())
    .fetch_optional(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(match cancel {
        Some(false) => Beat::Alive,
        Some(true) => Beat::CancelAsked,
        None => Beat::Lost,
    })
}

/// Merges `patch`, an object, into the job's progress, for a later attempt to resume from.
pub async fn note(pool: &PgPool, lease: &Lease, patch: &serde_json::Value) -> Result<(), Fenced> {
    let written =
        sql::query("update job set progress = progress || $3 where id = $1 and attempt = $2 and state = 'running'")
            .bind(lease.job_id)
            .bind(lease.attempt)
            .bind(patch)
            .execute(sql::once(pool))
            .await?;
    if written.rows_affected() == 1 { Ok(()) } else { Err(Fenced::Lost) }
}

#[derive(FromRow)]
struct Reported {
    seen: bool,
}

/// Shows how far the job is. A new stage is shown at once, numbers within a stage every three seconds.
pub async fn report(pool: &PgPool, lease: &Lease, stage: &str, done: i64, of: i64) -> Result<(), Fenced> {
    let reported: Option<Reported> = sql::query_as(
        "with held as (
             select request_id from job where id = $1 and attempt = $2 and state = 'running' for update
         )
         update segment_request r
         set stage = $3, stage_done = $4, stage_of = $5,
             version = case when s.seen then version + 1 else version end,
             changed_at = case when s.seen then now() else changed_at end
         from held
         cross join lateral (
             select q.stage is distinct from $3 or q.changed_at < now() - interval '3 seconds' as seen
             from segment_request q where q.id = held.request_id
         ) s
         where r.id = held.request_id
         returning s.seen",
    )
    .bind(lease.job_id)
    .bind(lease.attempt)
    .bind(stage)
    .bind(done)
    .bind(of)
    .fetch_optional(sql::once(pool))
    .await?;
    match reported {
        None => Err(Fenced::Lost),
        Some(Reported { seen: false }) => Ok(()),
        Some(Reported { seen: true }) => Ok(listen::wake_request(sql::once(pool), lease.request_id).await?),
    }
}
