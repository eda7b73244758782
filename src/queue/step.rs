//! One step of a job and of its request, in the caller's transaction. The next job is inserted in the same one: that is the outbox.

use std::time::Duration;

use sqlx::{FromRow, PgConnection, types::Json};
use uuid::Uuid;

use super::{JobKind, RequestState, incident, listen};
use crate::segment::{Failure, Summary};

/// A live job whose row the caller has locked.
#[derive(Debug, FromRow)]
pub(super) struct Held {
    pub(super) id: Uuid,
    pub(super) kind: JobKind,
    pub(super) request_id: Uuid,
    pub(super) owner_key: String,
    pub(super) failures: i16,
    pub(super) failures_max: i16,
    pub(super) cancel_asked: bool,
}

impl Held {
    /// What a failed try comes to: another one, or the end.
    pub(super) fn after_failure(&self, failure: Failure, wait: impl FnOnce(i16) -> Duration) -> Step {
        let failures = self.failures + 1;
        if self.cancel_asked {
            Step::Cancelled
        } else if failure.may_pass() && failures < self.failures_max {
            Step::Again { failures, wait: wait(failures), failure: Some(failure) }
        } else {
            Step::Failed { failures, failure }
        }
    }

    /// Back into the queue as if it had never been taken.
    pub(super) fn after_hand_back(&self) -> Step {
        if self.cancel_asked {
            Step::Cancelled
        } else {
            Step::Again { failures: self.failures, wait: Duration::ZERO, failure: None }
        }
    }
}

/// Where a live job goes.
#[derive(Debug)]
pub(super) enum Step {
    /// `Some` for segment jobs.
    Succeeded(Option<Box<Summary>>),
    Again {
        failures: i16,
        wait: Duration,
        failure: Option<Failure>,
    },
    Failed {
        failures: i16,
        failure: Failure,
    },
    Cancelled,
}

/// Moves the job, then its request, then inserts what follows.
pub(super) async fn apply(conn: &mut PgConnection, held: &Held, step: &Step) -> Result<(), sqlx::Error> {
    move_job(conn, held, step).await?;
    match held.kind {
        JobKind::Segment => after_segment(conn, held, step).await?,
        JobKind::Deliver => after_deliver(conn, held, step).await?,
        JobKind::Notify => after_notify(conn, held, step).await?,
    }
    listen::wake_request(conn, held.request_id).await
}

async fn move_job(conn: &mut PgConnection, held: &Held, step: &Step) -> Result<(), sqlx::Error> {
    let (state, failures, failure) = match step {
        Step::Succeeded(_) => ("succeeded", held.failures, None),
        Step::Again { failures, failure, .. } => ("queued", *failures, failure.as_ref()),
        Step::Failed { failures, failure } => ("failed", *failures, Some(failure)),
        Step::Cancelled => ("cancelled", held.failures, None),
    };
    let wait = if let Step::Again { wait, .. } = step { *wait } else { Duration::ZERO };
    sqlx::query(
        "update job
         set state = $2, failures = $3, failure = coalesce($4, failure), run_at = now() + make_interval(secs => $5),
             worker = null, lease_until = null, deadline_at = null,
             finished_at = case when $2 = 'queued' then null else now() end
         where id = $1",
    )
    .bind(held.id)
    .bind(state)
    .bind(failures)
    .bind(failure.map(Json))
    .bind(wait.as_secs_f64())
    .execute(&mut *conn)
    .await?;
    if state == "queued" { listen::wake_job(conn, held.kind).await } else { Ok(()) }
}

async fn after_segment(conn: &mut PgConnection, held: &Held, step: &Step) -> Result<(), sqlx::Error> {
    match step {
        Step::Succeeded(summary) => {
            store_summary(conn, held.request_id, summary.as_deref()).await?;
            move_request(conn, held.request_id, RequestState::Delivering, None).await?;
            insert_next(conn, held, JobKind::Deliver).await
        }
        Step::Again { .. } => move_request(conn, held.request_id, RequestState::Queued, None).await,
        Step::Failed { failure, .. } => fail_request(conn, held, failure).await,
        Step::Cancelled => move_request(conn, held.request_id, RequestState::Cancelled, None).await,
    }
}

async fn after_deliver(conn: &mut PgConnection, held: &Held, step: &Step) -> Result<(), sqlx::Error> {
    match step {
        Step::Succeeded(_) => insert_next(conn, held, JobKind::Notify).await,
        Step::Again { .. } => Ok(()),
        Step::Failed { failure, .. } => fail_request(conn, held, failure).await,
        Step::Cancelled => move_request(conn, held.request_id, RequestState::Cancelled, None).await,
    }
}

/// The files are in Slack by now, so the request is done even when the last word could not be said. A notice of a failure
/// changes nothing: the request may have been retried since.
async fn after_notify(conn: &mut PgConnection, held: &Held, step: &Step) -> Result<(), sqlx::Error> {
    if let Step::Again { .. } = step {
        return Ok(());
    }
    let delivered: bool = sqlx::query_scalar(
        "select exists (
             select from job n join job d on d.id = n.parent_id
             where n.id = $1 and d.kind = 'deliver' and d.state = 'succeeded'
         )",
    )
    .bind(held.id)
    .fetch_one(&mut *conn)
    .await?;
    if delivered { move_request(conn, held.request_id, RequestState::Done, None).await } else { Ok(()) }
}

async fn fail_request(conn: &mut PgConnection, held: &Held, failure: &Failure) -> Result<(), sqlx::Error> {
    move_request(conn, held.request_id, RequestState::Failed, Some(failure)).await?;
    insert_next(conn, held, JobKind::Notify).await?;
    incident::count(conn, held, failure).await
}

async fn store_summary(conn: &mut PgConnection, id: Uuid, summary: Option<&Summary>) -> Result<(), sqlx::Error> {
    let sql = "update segment_request set summary = $2 where id = $1";
    sqlx::query(sql).bind(id).bind(summary.map(Json)).execute(conn).await?;
    Ok(())
}

/// Nothing leaves a final state this way.
async fn move_request(
    conn: &mut PgConnection,
    id: Uuid,
    state: RequestState,
    failure: Option<&Failure>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update segment_request
         set state = $2, failure = $3, stage = null, stage_done = 0, stage_of = 0,
             finished_at = case when $2 in ('done', 'failed', 'cancelled') then now() end,
             version = version + 1, changed_at = now()
         where id = $1 and state not in ('done', 'failed', 'cancelled')",
    )
    .bind(id)
    .bind(state)
    .bind(failure.map(Json))
    .execute(conn)
    .await?;
    Ok(())
}

async fn insert_next(conn: &mut PgConnection, held: &Held, kind: JobKind) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into job (kind, request_id, parent_id, owner_key, source_key, failures_max)
         values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(kind)
    .bind(held.request_id)
    .bind(held.id)
    .bind(&held.owner_key)
    .bind(format!("{}:{}", kind.as_str(), held.id))
    .bind(kind.failures_max())
    .execute(&mut *conn)
    .await?;
    listen::wake_job(conn, kind).await
}
