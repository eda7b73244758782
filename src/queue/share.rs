//! Equal requests share one computation: the first builds, the others follow and get the same files.
//!
//! A follower has no segment job. When its leader's ends well, it is delivered; when it fails, the follower fails the same way; when
//! the leader is cancelled, the first follower leads. Locks: the leader's job, its request, then followers' requests.

use chrono::NaiveDate;
use sqlx::{FromRow, PgConnection, PgPool};
use uuid::Uuid;

use super::{
    JobKind, NewRequest, QueueError, Request, RequestState, Submitted, listen,
    request::{request_by_id, request_by_source},
    sql,
    step::{Next, insert_job},
    submit::insert_request,
};
use crate::segment::Conditions;

/// A request that waits for another one's segment.
#[derive(Debug, FromRow)]
pub(super) struct Follower {
    pub(super) id: Uuid,
    pub(super) owner_key: String,
}

/// The request in flight that asks for the same people; it cannot end before the caller's transaction does. Equal requests are
/// looked at one after the other, so that of two at the same moment one leads. What only one person wants all the same leads
/// nobody.
pub(super) async fn leader(conn: &mut PgConnection, new: &NewRequest) -> Result<Option<Uuid>, sqlx::Error> {
    let key = new.conditions.asked();
    sql::query("select pg_advisory_xact_lock(hashtextextended('segment_bot.same:' || $1 || ':' || $2, 0))")
        .bind(&new.team)
        .bind(&key)
        .execute(&mut *conn)
        .await?;
    sql::query_scalar(
        "select j.request_id from job j join segment_request r on r.id = j.request_id
         where r.team = $1 and r.same_key = md5($2) and r.built_by is null
           and not r.anyway and j.kind = 'segment' and j.state in ('queued', 'running') and j.cancel_at is null
         order by r.number
         limit 1
         for update of j",
    )
    .bind(&new.team)
    .bind(&key)
    .fetch_optional(conn)
    .await
}

/// Those who wait for `leader`, locked, the first to ask first.
pub(super) async fn followers(conn: &mut PgConnection, leader: Uuid) -> Result<Vec<Follower>, sqlx::Error> {
    sql::query_as(
        "select id, team || ':' || requester as owner_key from segment_request
         where built_by = $1 and state = 'queued' order by number for update",
    )
    .bind(leader)
    .fetch_all(conn)
    .await
}

/// Lets the first follower build what its leader will not.
pub(super) async fn promote(conn: &mut PgConnection, leader: Uuid) -> Result<(), sqlx::Error> {
    let followers = followers(conn, leader).await?;
    let Some(first) = followers.first() else { return Ok(()) };
    sql::query(
        "update segment_request set built_by = nullif($2, id), version = version + 1, changed_at = now()
         where built_by = $1 and state = 'queued'",
    )
    .bind(leader)
    .bind(first.id)
    .execute(&mut *conn)
    .await?;
    insert_job(conn, &Next::segment(first.id, &first.owner_key)).await?;
    for follower in &followers {
        listen::wake_request(&mut *conn, follower.id).await?;
    }
    Ok(())
}

/// The newest finished segment of the same team that has the same people on data of the same day, with the suppression list
/// that is in force now.
pub async fn finished_same(
    pool: &PgPool,
    team: &str,
    conditions: &Conditions,
    as_of: NaiveDate,
) -> Result<Option<Request>, QueueError> {
    let id: Option<Uuid> = sql::query_scalar(
        "select id from segment_request
         where team = $1 and same_key = md5($2) and not anyway and state in ('delivering', 'done') and summary->>'as_of' = $3
           and summary->>'suppression' is not distinct from (select sha256 from suppression_in_force)
         order by number desc
         limit 1",
    )
    .bind(team)
    .bind(conditions.asked())
    .bind(as_of.to_string())
    .fetch_optional(sql::once(pool))
    .await?;
    match id {
        Some(id) => request_by_id(pool, id).await,
        None => Ok(None),
    }
}

/// Stores a request that gets the segment of `of`, which has one; only its delivery is left to do.
pub async fn submit_sharing(pool: &PgPool, new: &NewRequest, of: &Request) -> Result<Submitted, QueueError> {
    let mut tx = sql::begin(pool).await?;
    let id = insert_request(&mut tx, new, Some(of.built_by.unwrap_or(of.id))).await?;
    if let Some(id) = id {
        sql::query(
            "update segment_request r set state = $3, summary = s.summary from segment_request s where r.id = $1 and s.id = $2",
        )
        .bind(id)
        .bind(of.id)
        .bind(RequestState::Delivering)
        .execute(&mut *tx)
        .await?;
        let owner = format!("{}:{}", new.team, new.user);
        insert_job(&mut tx, &Next::of_request(JobKind::Deliver, id, &owner)).await?;
        listen::wake_request(&mut *tx, id).await?;
    }
    let request = request_by_source(&mut *tx, &new.source_key).await?;
    tx.commit().await?;
    Ok(Submitted { request, fresh: id.is_some() })
}
