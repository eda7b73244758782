//! Taking the next job: caps and fairness are decided here and nowhere else.

use std::time::Duration;

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{JobKind, Lease, QueueError, listen, sql};

/// How many waiting requests hear that their place changed; those further back see it later.
const PLACES_REFRESHED: i64 = 5;

/// How long and how many; the same numbers in every worker of a kind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClaimLimits {
    /// How long a silent worker keeps its job.
    pub lease: Duration,
    /// How long one attempt may take, beating or not.
    pub deadline: Duration,
    /// Jobs of the kind that may run at once, over all workers.
    pub running_max: i64,
    /// The same of one requester.
    pub running_per_owner_max: i64,
    pub backoff: Backoff,
}

impl ClaimLimits {
    /// No caps, a deadline of an hour, the usual backoff.
    pub fn new(lease: Duration) -> Self {
        Self {
            lease,
            deadline: Duration::from_hours(1),
            running_max: i64::from(i32::MAX),
            running_per_owner_max: i64::from(i32::MAX),
            backoff: Backoff::default(),
        }
    }
}

/// Waits between tries: `first`, then four times as long each time, at most `longest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    pub first: Duration,
    pub longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_secs(5), longest: Duration::from_mins(5) }
    }
}

impl Backoff {
    /// The wait after the `failures`-th failure, which counts from 1.
    pub fn after(self, failures: i16) -> Duration {
        let doublings = 2 * u32::from(failures.clamp(1, 15).unsigned_abs() - 1);
        self.first.saturating_mul(1 << doublings).min(self.longest)
    }
}

/// Takes the next job of `kind` for `worker`, or `None` when none may start now.
///
/// Within the caps, requesters take turns: first who has the fewest running, then who was served longest ago.
pub async fn claim(
    pool: &PgPool,
    kind: JobKind,
    worker: &str,
    limits: &ClaimLimits,
) -> Result<Option<Lease>, QueueError> {
    let mut tx = sql::begin(pool).await?;
    // A statement of its own: the next one must see what the previous claim committed, and a snapshot is taken per statement.
    sql::query("select pg_advisory_xact_lock(hashtextextended('segment_bot.claim:' || $1, 0))")
        .bind(kind.as_str())
        .execute(&mut *tx)
        .await?;
    let Some(lease) = take(&mut tx, kind, worker, limits).await? else { return Ok(None) };
    if kind == JobKind::Segment {
        start_request(&mut tx, lease.request_id).await?;
        refresh_places(&mut tx).await?;
    }
    tx.commit().await?;
    Ok(Some(lease))
}

async fn take(
    conn: &mut PgConnection,
    kind: JobKind,
    worker: &str,
    limits: &ClaimLimits,
) -> Result<Option<Lease>, sqlx::Error> {
    let row = sql::query(
        "with running as materialized (
             select owner_key, count(*) as jobs from job where kind = $1 and state = 'running' group by owner_key
         ),
         -- the first waiting job of everyone who may start one
         head as (
             select distinct on (j.owner_key) j.id, j.owner_key, j.priority, j.run_at, coalesce(r.jobs, 0) as jobs
             from job j left join running r using (owner_key)
             where j.kind = $1 and j.state = 'queued' and j.run_at <= now()
               and coalesce(r.jobs, 0) < $6
               and coalesce((select sum(jobs) from running), 0) < $5
               and ($1 <> 'segment' or not exists (select from queue_pause where paused_at is not null))
             order by j.owner_key, j.priority desc, j.run_at, j.id
         ),
         pick as (
             select h.id
             from head h
             cross join lateral (
                 select max(s.started_at) as at from job s where s.kind = $1 and s.owner_key = h.owner_key
             ) served
             order by h.priority desc, h.jobs, served.at nulls first, h.run_at, h.id
             limit 1
         )
         update job j
         set state = 'running', attempt = attempt + 1, worker = $2,
             lease_until = now() + make_interval(secs => $3),
             deadline_at = now() + make_interval(secs => $4),
             started_at = coalesce(started_at, now())
         from pick
         where j.id = pick.id and j.state = 'queued'
         returning j.id, j.kind, j.request_id, j.attempt, j.failures, j.progress",
    )
    .bind(kind)
    .bind(worker)
    .bind(limits.lease.as_secs_f64())
    .bind(limits.deadline.as_secs_f64())
    .bind(limits.running_max)
    .bind(limits.running_per_owner_max)
    .fetch_optional(conn)
    .await?;
    row.map(|row| Lease::from_row(&row, limits.backoff)).transpose()
}

async fn start_request(conn: &mut PgConnection, id: Uuid) -> Result<(), sqlx::Error> {
    sql::query(
        "update segment_request
         set state = 'running', started_at = coalesce(started_at, now()), version = version + 1, changed_at = now()
         where id = $1",
    )
    .bind(id)
    .execute(&mut *conn)
    .await?;
    listen::wake_request(conn, id).await
}

/// Everyone behind moved up by one, which they can see. Rows that somebody is changing anyway are passed over, so nothing waits.
async fn refresh_places(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sql::query(
        "with waiting as (
             select r.id
             from job j join segment_request r on r.id = j.request_id
             where j.kind = 'segment' and j.state = 'queued'
             order by j.run_at, j.id
             limit $1
             for update of r skip locked
         )
         update segment_request r set version = version + 1, changed_at = now() from waiting where r.id = waiting.id",
    )
    .bind(PLACES_REFRESHED)
    .execute(conn)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_fourfold_up_to_the_longest() {
        let waits: Vec<u64> = [1, 2, 3, 4, 100].map(|failures| Backoff::default().after(failures).as_secs()).to_vec();
        assert_eq!(waits, [5, 20, 80, 300, 300]);
    }
}
