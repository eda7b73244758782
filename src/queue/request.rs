//! The row of a request: what was asked, and what people see of it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgExecutor, PgPool, Row, postgres::PgRow, types::Json};
use uuid::Uuid;

use super::{QueueError, sql};
use crate::{
    catalog::Locale,
    segment::{Conditions, Failure, Summary},
};

/// Where the result goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum DeliverTo {
    /// The thread below the root message.
    Thread,
    /// A direct message to the requester.
    Dm,
}

/// How far a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum RequestState {
    /// Waits for a worker, also between two tries.
    Queued,
    Running,
    /// The files are made; Slack gets them.
    Delivering,
    Done,
    Failed,
    Cancelled,
}

impl RequestState {
    /// As it stands in the table, in logs and in `/metrics`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Delivering => "delivering",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A message in Slack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRef {
    pub channel: String,
    pub ts: String,
}

/// A request as it stands now.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    pub id: Uuid,
    /// The short number that people see, as in `#128`.
    pub number: i64,
    pub team: String,
    pub user: String,
    pub locale: Locale,
    /// Where it was asked.
    pub channel: String,
    /// The existing thread to answer in; `None` means below a root message of our own.
    pub thread_ts: Option<String>,
    pub deliver_to: DeliverTo,
    pub conditions: Conditions,
    /// The request whose segment this one gets; `None` where it is built for itself.
    pub built_by: Option<Uuid>,
    /// That request's short number.
    pub built_by_number: Option<i64>,
    /// The one root message, once it is posted.
    pub root: Option<MessageRef>,
    pub state: RequestState,
    /// `None` until a worker reports one.
    pub stage: Option<String>,
    pub stage_done: i64,
    /// 0 when the stage has no measure.
    pub stage_of: i64,
    /// Whether somebody wants the segment although its order is no better than chance.
    pub anyway: bool,
    /// Set exactly when the state is `Failed`.
    pub failure: Option<Failure>,
    /// Short id for people and logs, derived from `id`.
    pub reference: String,
    /// Set once the segment is made.
    pub summary: Option<Summary>,
    pub created_at: DateTime<Utc>,
    /// When a worker first took it.
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    /// Grows with every change that a person can see.
    pub version: i64,
    /// The version that the root message shows.
    pub shown: i64,
}

impl Request {
    /// The folder below `segments/` in which its files are.
    pub fn folder(&self) -> String {
        self.built_by.unwrap_or(self.id).to_string()
    }
}

/// The first eight hexadecimal digits: enough to find the log lines, short enough to read out.
pub(super) fn reference(id: Uuid) -> String {
    id.simple().to_string()[..8].to_owned()
}

impl FromRow<'_, PgRow> for Request {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let id = row.try_get("id")?;
        let root = row.try_get::<Option<_>, _>("root_channel")?.zip(row.try_get("root_ts")?);
        Ok(Self {
            id,
            number: row.try_get("number")?,
            team: row.try_get("team")?,
            user: row.try_get("requester")?,
            locale: locale(row.try_get("locale")?)?,
            channel: row.try_get("channel")?,
            thread_ts: row.try_get("thread_ts")?,
            deliver_to: row.try_get("deliver_to")?,
            conditions: row.try_get::<Json<_>, _>("conditions")?.0,
            built_by: row.try_get("built_by")?,
            built_by_number: row.try_get("built_by_number")?,
            root: root.map(|(channel, ts)| MessageRef { channel, ts }),
            state: row.try_get("state")?,
            stage: row.try_get("stage")?,
            stage_done: row.try_get("stage_done")?,
            stage_of: row.try_get("stage_of")?,
            anyway: row.try_get("anyway")?,
            failure: row.try_get::<Option<Json<_>>, _>("failure")?.map(|Json(failure)| failure),
            reference: reference(id),
            summary: row.try_get::<Option<Json<_>>, _>("summary")?.map(|Json(summary)| summary),
            created_at: row.try_get("created_at")?,
            started_at: row.try_get("started_at")?,
            finished_at: row.try_get("finished_at")?,
            version: row.try_get("version")?,
            shown: row.try_get("shown")?,
        })
    }
}

fn locale(text: &str) -> Result<Locale, sqlx::Error> {
    Locale::from_slack(text).ok_or_else(|| sqlx::Error::ColumnDecode {
        index: "locale".to_owned(),
        source: format!("`{text}` is no language that texts exist in").into(),
    })
}

/// The columns are named, never `*`: a prepared `select *` breaks in running processes when a migration adds a column.
macro_rules! select_request {
    ($rest:literal) => {
        concat!(
            "select id, number, team, requester, locale, channel, thread_ts, deliver_to, conditions, root_channel, root_ts, state,
                    stage, stage_done, stage_of, failure, summary, created_at, started_at, finished_at, version, shown, built_by, anyway,
                    (select l.number from segment_request l where l.id = segment_request.built_by) as built_by_number
             from segment_request ",
            $rest
        )
    };
}

/// The request that people call `#number`.
pub async fn request(pool: &PgPool, number: i64) -> Result<Option<Request>, QueueError> {
    Ok(sql::query_as(select_request!("where number = $1")).bind(number).fetch_optional(sql::once(pool)).await?)
}

/// The request with this id.
pub async fn request_by_id(pool: &PgPool, id: Uuid) -> Result<Option<Request>, QueueError> {
    Ok(request_by_id_on(sql::once(pool), id).await?)
}

/// [`request_by_id`] in the caller's transaction.
pub(super) async fn request_by_id_on(db: impl PgExecutor<'_>, id: Uuid) -> Result<Option<Request>, sqlx::Error> {
    sql::query_as(select_request!("where id = $1")).bind(id).fetch_optional(db).await
}

/// The requests with these ids, the oldest first.
pub(super) async fn requests_by_id(pool: &PgPool, ids: &[Uuid]) -> Result<Vec<Request>, QueueError> {
    Ok(sql::query_as(select_request!("where id = any ($1) order by number"))
        .bind(ids)
        .fetch_all(sql::once(pool))
        .await?)
}

/// The request that this click made.
pub(super) async fn request_by_source(db: impl PgExecutor<'_>, source_key: &str) -> Result<Request, sqlx::Error> {
    sql::query_as(select_request!("where source_key = $1")).bind(source_key).fetch_one(db).await
}

/// What this person asked for, newest first.
pub async fn requests_of(pool: &PgPool, team: &str, user: &str, limit: i64) -> Result<Vec<Request>, QueueError> {
    let text = select_request!("where team = $1 and requester = $2 order by number desc limit $3");
    Ok(sql::query_as(text).bind(team).bind(user).bind(limit).fetch_all(sql::once(pool)).await?)
}

/// Requests whose root message is behind, the oldest change first.
pub async fn unshown(pool: &PgPool, limit: i64) -> Result<Vec<Request>, QueueError> {
    let text = select_request!("where version > shown order by changed_at, number limit $1");
    Ok(sql::query_as(text).bind(limit).fetch_all(sql::once(pool)).await?)
}

/// Remembers the one root message. The first one wins: a second is never stored over it.
pub async fn set_root(pool: &PgPool, id: Uuid, root: &MessageRef) -> Result<(), QueueError> {
    let text = "update segment_request set root_channel = $2, root_ts = $3 where id = $1 and root_ts is null";
    sql::query(text).bind(id).bind(&root.channel).bind(&root.ts).execute(sql::once(pool)).await?;
    Ok(())
}

/// Who may post a request's root message now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RootClaim {
    /// The caller, and nobody else for a while.
    Ours,
    /// The caller, and somebody who tried before may have posted it without noting it.
    OursInDoubt,
    /// Somebody else is about to.
    Theirs,
}

/// Claims the posting of a root message that is not there yet: of several processes on one database one posts.
pub async fn claim_root(pool: &PgPool, id: Uuid) -> Result<RootClaim, QueueError> {
    let claimed: Option<bool> = sql::query_scalar(
        "update segment_request r set root_claimed_until = now() + interval '15 seconds'
         from (select id, root_ts, root_claimed_until from segment_request where id = $1 for update) before
         where r.id = before.id and before.root_ts is null and coalesce(before.root_claimed_until, '-infinity') < now()
         returning before.root_claimed_until is not null",
    )
    .bind(id)
    .fetch_optional(sql::once(pool))
    .await?;
    Ok(match claimed {
        Some(true) => RootClaim::OursInDoubt,
        Some(false) => RootClaim::Ours,
        None => RootClaim::Theirs,
    })
}

/// Gives a claim back: whether it was posted is not known.
pub async fn doubt_root(pool: &PgPool, id: Uuid) -> Result<(), QueueError> {
    let text = "update segment_request set root_claimed_until = '-infinity' where id = $1 and root_ts is null";
    sql::query(text).bind(id).execute(sql::once(pool)).await?;
    Ok(())
}

/// Gives a claim back: nothing was posted.
pub async fn release_root(pool: &PgPool, id: Uuid) -> Result<(), QueueError> {
    let text = "update segment_request set root_claimed_until = null where id = $1 and root_ts is null";
    sql::query(text).bind(id).execute(sql::once(pool)).await?;
    Ok(())
}

/// Remembers that the root message shows `version`; an older one than it shows already changes nothing.
pub async fn mark_shown(pool: &PgPool, id: Uuid, version: i64) -> Result<(), QueueError> {
    let text = "update segment_request set shown = $2 where id = $1 and shown < $2";
    sql::query(text).bind(id).bind(version).execute(sql::once(pool)).await?;
    Ok(())
}
