//! One step of a job and of its request, in the caller's transaction. The next job is inserted in the same one: that is the outbox.

use std::time::Duration;

use sqlx::{FromRow, PgConnection, types::Json};
use uuid::Uuid;

use super::{JobKind, RequestState, incident, listen, share, sql};
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

    /// Back into the queue as if it had never been taken, to be taken again once `wait` is over.
    pub(super) fn after_hand_back(&self, wait: Duration) -> Step {
        if self.cancel_asked { Step::Cancelled } else { Step::Again { failures: self.failures, wait, failure: None } }
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
    sql::query(
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
            built(conn, &Next::after(held, JobKind::Deliver), summary.as_deref()).await?;
            if summary.as_ref().is_some_and(|summary| summary.quality.missed.is_some()) {
                incident::count_missed(conn, held).await?;
            }
            for follower in share::followers(conn, held.request_id).await? {
                let next = Next::of_request(JobKind::Deliver, follower.id, &follower.owner_key);
                built(conn, &next, summary.as_deref()).await?;
                listen::wake_request(&mut *conn, follower.id).await?;
            }
            Ok(())
        }
        Step::Again { .. } => move_request(conn, held.request_id, RequestState::Queued, None).await,
        Step::Failed { failure, .. } => {
            for follower in share::followers(conn, held.request_id).await? {
                move_request(conn, follower.id, RequestState::Failed, Some(failure)).await?;
                insert_job(conn, &Next::failed_with(held, &follower)).await?;
                listen::wake_request(&mut *conn, follower.id).await?;
            }
            fail_request(conn, held, failure).await
        }
        Step::Cancelled => {
            move_request(conn, held.request_id, RequestState::Cancelled, None).await?;
            share::promote(conn, held.request_id).await
        }
    }
}

/// The segment of `next`'s request is there; delivery follows.
async fn built(conn: &mut PgConnection, next: &Next<'_>, summary: Option<&Summary>) -> Result<(), sqlx::Error> {
    store_summary(conn, next.request_id, summary).await?;
    move_request(conn, next.request_id, RequestState::Delivering, None).await?;
    insert_job(conn, next).await
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
    let delivered: bool = sql::query_scalar(
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
    incident::count_failure(conn, held, failure).await
}

async fn store_summary(conn: &mut PgConnection, id: Uuid, summary: Option<&Summary>) -> Result<(), sqlx::Error> {
    let text = "update segment_request set summary = $2 where id = $1";
    sql::query(text).bind(id).bind(summary.map(Json)).execute(conn).await?;
    Ok(())
}

/// Nothing leaves a final state this way.
async fn move_request(
    conn: &mut PgConnection,
    id: Uuid,
    state: RequestState,
    failure: Option<&Failure>,
) -> Result<(), sqlx::Error> {
    sql::query(
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
    insert_job(conn, &Next::after(held, kind)).await
}

/// A job that becomes ready.
pub(super) struct Next<'a> {
    pub(super) kind: JobKind,
    pub(super) request_id: Uuid,
    /// The job that it follows.
    pub(super) parent: Option<Uuid>,
    pub(super) owner_key: &'a str,
    /// Unique for ever: the same step is never taken twice.
    pub(super) source_key: String,
}

impl<'a> Next<'a> {
    /// The step after `held`.
    fn after(held: &'a Held, kind: JobKind) -> Self {
        Self {
            kind,
            request_id: held.request_id,
            parent: Some(held.id),
            owner_key: &held.owner_key,
            source_key: format!("{}:{}", kind.as_str(), held.id),
        }
    }

    /// A step that no job of the request itself leads to.
    pub(super) fn of_request(kind: JobKind, request_id: Uuid, owner_key: &'a str) -> Self {
        Self { kind, request_id, parent: None, owner_key, source_key: format!("{}:{request_id}", kind.as_str()) }
    }

    /// The first step.
    pub(super) fn segment(request_id: Uuid, owner_key: &'a str) -> Self {
        Self::of_request(JobKind::Segment, request_id, owner_key)
    }

    /// Tells a follower that what it waited for failed.
    fn failed_with(held: &Held, follower: &'a share::Follower) -> Self {
        let source_key = format!("{}:{}:{}", JobKind::Notify.as_str(), held.id, follower.id);
        Self { source_key, ..Self::of_request(JobKind::Notify, follower.id, &follower.owner_key) }
    }
}

/// Stores the job with its product's priority, and wakes whoever takes such jobs.
pub(super) async fn insert_job(conn: &mut PgConnection, next: &Next<'_>) -> Result<(), sqlx::Error> {
    sql::query(
        "insert into job (kind, request_id, parent_id, owner_key, source_key, failures_max, priority)
         select $1, id, $3, $4, $5, $6, priority from segment_request where id = $2",
    )
    .bind(next.kind)
    .bind(next.request_id)
    .bind(next.parent)
    .bind(next.owner_key)
    .bind(&next.source_key)
    .bind(next.kind.failures_max())
    .execute(&mut *conn)
    .await?;
    listen::wake_job(conn, next.kind).await
}
