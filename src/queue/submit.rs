//! What people do to requests: ask, cancel, ask again for one that failed.

use sqlx::{PgConnection, PgPool, types::Json};
use uuid::Uuid;

use super::{
    DeliverTo, JobKind, QueueError, Request, RequestState, listen,
    request::{request_by_id_on, request_by_source},
    share, sql,
    step::{self, Held, Next, Step},
};
use crate::{
    catalog::Locale,
    segment::{Conditions, Failure},
};

/// A request that was just made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRequest {
    /// Slack's view or trigger id: unique for ever, so that a repeated click starts nothing.
    pub source_key: String,
    pub team: String,
    pub user: String,
    pub locale: Locale,
    /// Where it was asked.
    pub channel: String,
    /// An existing thread to answer in.
    pub thread_ts: Option<String>,
    pub deliver_to: DeliverTo,
    pub conditions: Conditions,
    /// Of the product: higher starts first, within the caps.
    pub priority: u8,
}

/// The request that a click made.
#[derive(Debug, Clone, PartialEq)]
pub struct Submitted {
    pub request: Request,
    /// `false` when it is the same click again.
    pub fresh: bool,
}

/// Stores the request and its first job, in one transaction; the same `source_key` again finds the first request. One that asks
/// for what another in flight asks for gets no job: it shares that one's segment.
pub async fn submit(pool: &PgPool, new: &NewRequest) -> Result<Submitted, QueueError> {
    let mut tx = sql::begin(pool).await?;
    let leader = share::leader(&mut tx, new).await?;
    let id = insert_request(&mut tx, new, leader).await?;
    if let Some(id) = id {
        if leader.is_none() {
            step::insert_job(&mut tx, &Next::segment(id, &format!("{}:{}", new.team, new.user))).await?;
        }
        listen::wake_request(&mut *tx, id).await?;
    }
    let request = request_by_source(&mut *tx, &new.source_key).await?;
    tx.commit().await?;
    Ok(Submitted { request, fresh: id.is_some() })
}

/// `None` when the click is known. The first half spares the numbers that a conflict would burn.
pub(super) async fn insert_request(
    conn: &mut PgConnection,
    new: &NewRequest,
    built_by: Option<Uuid>,
) -> Result<Option<Uuid>, sqlx::Error> {
    sql::query_scalar(
        "insert into segment_request
             (source_key, team, requester, locale, channel, thread_ts, deliver_to, conditions, same_key, built_by, priority)
         select $1, $2, $3, $4, $5, $6, $7, $8, md5($9), $10, $11
         where not exists (select from segment_request where source_key = $1)
         on conflict (source_key) do nothing
         returning id",
    )
    .bind(&new.source_key)
    .bind(&new.team)
    .bind(&new.user)
    .bind(new.locale.as_str())
    .bind(&new.channel)
    .bind(&new.thread_ts)
    .bind(new.deliver_to)
    .bind(Json(&new.conditions))
    .bind(new.conditions.asked())
    .bind(built_by)
    .bind(i16::from(new.priority))
    .fetch_optional(conn)
    .await
}

/// What a cancellation came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelOutcome {
    /// It was waiting and is cancelled.
    Now,
    /// It runs; its worker hears of it and stops.
    Stopping,
    /// It is delivering, or over.
    TooLate(RequestState),
}

/// Cancels a request that has not been delivered.
pub async fn cancel(pool: &PgPool, id: Uuid) -> Result<CancelOutcome, QueueError> {
    let mut tx = sql::begin(pool).await?;
    let live: Option<LiveSegment> = sql::query_as(
        "select id, kind, request_id, owner_key, failures, failures_max, cancel_at is not null as cancel_asked,
                state = 'running' as running
         from job where request_id = $1 and kind = 'segment' and state in ('queued', 'running') for update",
    )
    .bind(id)
    .fetch_optional(&mut *tx)
    .await?;
    let outcome = match live {
        Some(LiveSegment { held, running: false }) => {
            step::apply(&mut tx, &held, &Step::Cancelled).await?;
            CancelOutcome::Now
        }
        Some(LiveSegment { held, running: true }) => {
            let text = "update job set cancel_at = coalesce(cancel_at, now()) where id = $1";
            sql::query(text).bind(held.id).execute(&mut *tx).await?;
            listen::wake_cancel(&mut tx, id).await?;
            CancelOutcome::Stopping
        }
        None if cancel_follower(&mut tx, id).await? => CancelOutcome::Now,
        None => {
            let request = request_by_id_on(&mut *tx, id).await?.ok_or(QueueError::NoSuchRequest(id))?;
            CancelOutcome::TooLate(request.state)
        }
    };
    tx.commit().await?;
    Ok(outcome)
}

/// Cancels a request that waits for another one's segment; `false` when it does not.
async fn cancel_follower(conn: &mut PgConnection, id: Uuid) -> Result<bool, sqlx::Error> {
    let cancelled = sql::query(
        "update segment_request set state = 'cancelled', finished_at = now(), version = version + 1, changed_at = now()
         where id = $1 and state = 'queued' and built_by is not null",
    )
    .bind(id)
    .execute(&mut *conn)
    .await?;
    if cancelled.rows_affected() == 1 {
        listen::wake_request(conn, id).await?;
        return Ok(true);
    }
    Ok(false)
}

#[derive(sqlx::FromRow)]
struct LiveSegment {
    #[sqlx(flatten)]
    held: Held,
    running: bool,
}

/// Puts a failed request back into the queue, at the step that failed, with a fresh budget; `false` when it is not failed.
///
/// The new job resumes from the old one's progress, except after an unconfirmed delivery: there somebody looked and wants the
/// files sent anew. A segment that waited for a person's word has it now.
pub async fn retry(pool: &PgPool, id: Uuid) -> Result<bool, QueueError> {
    let mut tx = sql::begin(pool).await?;
    let failed: Option<Uuid> =
        sql::query_scalar("select id from segment_request where id = $1 and state = 'failed' for update")
            .bind(id)
            .fetch_optional(&mut *tx)
            .await?;
    if failed.is_none() {
        return Ok(false);
    }
    let kind = insert_again(&mut tx, id).await?;
    if kind.is_none() {
        // It waited for another one's segment, which failed; now it builds its own.
        build_its_own(&mut tx, id).await?;
    }
    let kind = kind.unwrap_or(JobKind::Segment);
    let state = if kind == JobKind::Deliver { RequestState::Delivering } else { RequestState::Queued };
    sql::query(
        "update segment_request
         set state = $2, anyway = anyway or failure->>'code' = $3, failure = null, finished_at = null,
             version = version + 1, changed_at = now()
         where id = $1",
    )
    .bind(id)
    .bind(state)
    .bind(Failure::NO_BETTER_THAN_CHANCE)
    .execute(&mut *tx)
    .await?;
    listen::wake_job(&mut tx, kind).await?;
    listen::wake_request(&mut *tx, id).await?;
    tx.commit().await?;
    Ok(true)
}

/// A failed job stays as it is; its successor is a row of its own.
async fn insert_again(conn: &mut PgConnection, request_id: Uuid) -> Result<Option<JobKind>, sqlx::Error> {
    sql::query_scalar(
        "insert into job (kind, request_id, parent_id, owner_key, source_key, failures_max, priority, progress)
         select kind, request_id, id, owner_key, 'retry:' || id, failures_max, priority,
                case when failure->>'code' = 'delivery_unconfirmed' then '{}' else progress end
         from job
         where request_id = $1 and kind in ('segment', 'deliver') and state = 'failed'
         order by finished_at desc
         limit 1
         returning kind",
    )
    .bind(request_id)
    .fetch_optional(conn)
    .await
}

async fn build_its_own(conn: &mut PgConnection, id: Uuid) -> Result<(), sqlx::Error> {
    let text = "update segment_request set built_by = null where id = $1 returning team || ':' || requester";
    let owner: String = sql::query_scalar(text).bind(id).fetch_one(&mut *conn).await?;
    step::insert_job(conn, &Next::segment(id, &owner)).await
}
