//! Failures of one cause, kept together: counted in the transaction that fails the request, shown as one message.
//!
//! Always locked last, after job and request.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use sqlx::{FromRow, PgConnection, PgPool, Row, postgres::PgRow, types::Json};
use uuid::Uuid;

use super::{MessageRef, QueueError, request::reference, sql, step::Held};
use crate::segment::Failure;

/// Before a product's id: its promises missed more often than chance explains. No request fails of it.
pub const PROMISE_MISSED: &str = "promise_missed";
/// A month of data must come before a promise can be judged anew, so this one lasts while somebody asks for the product.
const MISSED_LASTS_DAYS: i32 = 7;
/// A cause that comes back so soon after it was resolved was never gone.
const REOPEN_SECONDS: f64 = 600.0;
/// How many requests are named.
const EXAMPLES_MAX: i32 = 5;
/// Incidents that are looked at in one pass.
const PASS: i64 = 50;

/// Failures of one cause, from the first until they stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    pub id: Uuid,
    /// As [`Failure::cause`] writes it, or [`PROMISE_MISSED`] with a product.
    pub cause: String,
    /// Requests that met it.
    pub count: i64,
    /// The last of them, the newest first.
    pub examples: Vec<Example>,
    pub opened_at: DateTime<Utc>,
    /// When the last request failed.
    pub last_at: DateTime<Utc>,
    /// `None` while it lasts.
    pub resolved_at: Option<DateTime<Utc>>,
    /// The message in the operators' channel, once posted.
    pub message: Option<MessageRef>,
    /// Grows with every change that the message should show.
    pub version: i64,
}

/// A request that met the cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    pub number: i64,
    /// What its log lines are found by.
    pub reference: String,
}

/// When a cause counts as gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calm {
    /// Nobody met it for so long.
    pub quiet: Duration,
    /// Nobody met it for so long, and a request that would have met it did not.
    pub proven: Duration,
}

#[derive(Deserialize)]
struct StoredExample {
    number: i64,
    id: Uuid,
}

impl FromRow<'_, PgRow> for Incident {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let Json(examples) = row.try_get::<Json<Vec<StoredExample>>, _>("examples")?;
        let message = row.try_get::<Option<_>, _>("channel")?.zip(row.try_get("ts")?);
        Ok(Self {
            id: row.try_get("id")?,
            cause: row.try_get("cause")?,
            count: row.try_get("count")?,
            examples: examples
                .into_iter()
                .map(|stored| Example { number: stored.number, reference: reference(stored.id) })
                .collect(),
            opened_at: row.try_get("opened_at")?,
            last_at: row.try_get("last_at")?,
            resolved_at: row.try_get("resolved_at")?,
            message: message.map(|(channel, ts)| MessageRef { channel, ts }),
            version: row.try_get("version")?,
        })
    }
}

/// Counts a request that failed now, unless its requester can mend it.
pub(super) async fn count_failure(conn: &mut PgConnection, held: &Held, failure: &Failure) -> Result<(), sqlx::Error> {
    if failure.is_the_requests() { Ok(()) } else { count(conn, held, &failure.cause()).await }
}

/// Counts a segment of a product whose promises missed more often than chance explains.
pub(super) async fn count_missed(conn: &mut PgConnection, held: &Held) -> Result<(), sqlx::Error> {
    let text = "select conditions->>'product' from segment_request where id = $1";
    let product: String = sql::query_scalar(text).bind(held.request_id).fetch_one(&mut *conn).await?;
    count(conn, held, &format!("{PROMISE_MISSED}:{product}")).await
}

async fn count(conn: &mut PgConnection, held: &Held, cause: &str) -> Result<(), sqlx::Error> {
    sql::query(
        "with example as (
             select jsonb_build_array(jsonb_build_object('number', number, 'id', id)) as added
             from segment_request where id = $3
         ),
         again as (
             update incident i
             set count = count + 1, kind = $2, last_at = clock_timestamp(), resolved_at = null, version = version + 1,
                 examples = jsonb_path_query_array(e.added || i.examples, '$[0 to $n]', jsonb_build_object('n', $5 - 1))
             from example e
             where i.id = (
                 select id from incident
                 where cause = $1
                   and (resolved_at is null or resolved_at > now() - make_interval(secs => $4))
                 order by opened_at desc
                 limit 1
                 for update
             )
             returning i.id
         )
         insert into incident (cause, kind, examples)
         select $1, $2, added from example where not exists (select from again)
         -- somebody else met it first, just now
         on conflict (cause) where resolved_at is null do update
         set count = incident.count + 1, last_at = clock_timestamp(), version = incident.version + 1,
             examples = jsonb_path_query_array(
                 excluded.examples || incident.examples, '$[0 to $n]', jsonb_build_object('n', $5 - 1))",
    )
    .bind(cause)
    .bind(held.kind)
    .bind(held.request_id)
    .bind(REOPEN_SECONDS)
    .bind(EXAMPLES_MAX)
    .execute(conn)
    .await?;
    Ok(())
}

/// Closes what is gone. What concerns one product, channel or file is only gone when nobody meets it for long: that others
/// succeed says nothing about it.
pub async fn resolve_incidents(pool: &PgPool, calm: Calm) -> Result<u64, QueueError> {
    let resolved = sql::query(
        "update incident i
         set resolved_at = now(), version = version + 1
         where resolved_at is null
           and (last_at < now() - case split_part(cause, ':', 1)
                                      when $4 then make_interval(days => $5)
                                      else make_interval(secs => $1)
                                  end
                or (last_at < now() - make_interval(secs => $2)
                    and split_part(cause, ':', 1) <> all ($3)
                    and split_part(cause, ':', 1) <> $4
                    and exists (
                        select from job j
                        where j.kind = i.kind and j.state = 'succeeded'
                          and j.finished_at > i.last_at and j.started_at > i.last_at
                    )))",
    )
    .bind(calm.quiet.as_secs_f64())
    .bind(calm.proven.as_secs_f64())
    .bind(&Failure::LOCAL_CAUSES[..])
    .bind(PROMISE_MISSED)
    .bind(MISSED_LASTS_DAYS)
    .execute(sql::once(pool))
    .await?;
    Ok(resolved.rows_affected())
}

/// Incidents whose message is behind, and was not changed within `interval`.
pub async fn unshown_incidents(pool: &PgPool, interval: Duration) -> Result<Vec<Incident>, QueueError> {
    Ok(sql::query_as(
        "select id, cause, count, examples, opened_at, last_at, resolved_at, channel, ts, version
         from incident
         where version > shown and (shown_at is null or shown_at <= now() - make_interval(secs => $1))
         order by last_at
         limit $2",
    )
    .bind(interval.as_secs_f64())
    .bind(PASS)
    .fetch_all(sql::once(pool))
    .await?)
}

/// Notes that `version` is shown, in `message` if there is one.
pub async fn mark_incident_shown(
    pool: &PgPool,
    id: Uuid,
    version: i64,
    message: Option<&MessageRef>,
) -> Result<(), QueueError> {
    sql::query("update incident set shown = $2, shown_at = clock_timestamp(), channel = $3, ts = $4 where id = $1")
        .bind(id)
        .bind(version)
        .bind(message.map(|message| &message.channel))
        .bind(message.map(|message| &message.ts))
        .execute(sql::once(pool))
        .await?;
    Ok(())
}
