//! Jobs whose worker fell silent, or that run past their deadline. Every worker reaps; none leads.

use std::time::Duration;

use sqlx::PgPool;
use uuid::Uuid;

use super::{
    JobKind, QueueError, sql,
    step::{self, Held, Step},
};
use crate::segment::Failure;

/// A job that was taken from its worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaped {
    pub job_id: Uuid,
    pub kind: JobKind,
    pub request_id: Uuid,
    /// Whether it is tried again.
    pub again: bool,
}

#[derive(sqlx::FromRow)]
struct Overdue {
    #[sqlx(flatten)]
    held: Held,
    past_deadline: bool,
}

/// Takes jobs back: a lost worker counts as a failure and the job is tried again at once; a missed deadline ends it.
pub async fn reap(pool: &PgPool) -> Result<Vec<Reaped>, QueueError> {
    let mut tx = sql::begin(pool).await?;
    let mut overdue: Vec<Overdue> = sql::query_as(
        "select id, kind, request_id, owner_key, failures, failures_max, cancel_at is not null as cancel_asked,
                deadline_at <= now() as past_deadline
         from job
         where state = 'running' and (lease_until <= now() or deadline_at <= now())
         order by lease_until
         limit 20
         for update skip locked",
    )
    .fetch_all(&mut *tx)
    .await?;
    // By cause, so that two reapers never wait for each other's incidents.
    overdue.sort_by_key(|job| job.past_deadline);
    let mut reaped = Vec::with_capacity(overdue.len());
    for Overdue { held, past_deadline } in overdue {
        let step = if past_deadline && !held.cancel_asked {
            Step::Failed { failures: held.failures + 1, failure: Failure::TookTooLong }
        } else {
            held.after_failure(Failure::WorkerLost, |_| Duration::ZERO)
        };
        step::apply(&mut tx, &held, &step).await?;
        let again = matches!(step, Step::Again { .. });
        reaped.push(Reaped { job_id: held.id, kind: held.kind, request_id: held.request_id, again });
    }
    tx.commit().await?;
    Ok(reaped)
}
