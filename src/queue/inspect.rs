//! What operators look at: how many requests are in which state, which are in flight, which failed.

use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use super::{JobKind, QueueError, Request, RequestState, request::requests_by_id, sql};

/// A request in flight and the job that it waits for.
#[derive(Debug, Clone, PartialEq)]
pub struct InFlight {
    pub request: Request,
    /// `None` while it waits for another request's segment.
    pub job: Option<LiveJob>,
}

impl InFlight {
    /// Whether some process works on it now.
    pub fn is_worked_on(&self) -> bool {
        self.job.as_ref().is_some_and(|job| job.running)
    }
}

/// A job that is not over.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct LiveJob {
    pub request_id: Uuid,
    pub kind: JobKind,
    pub running: bool,
    pub attempt: i32,
    pub failures: i16,
    /// Who has it, while it runs.
    pub worker: Option<String>,
    /// Seconds since it was put into this state's queue or taken from it.
    pub seconds: i64,
    /// Seconds until a failed try is repeated; 0 when it is ready or running.
    pub waits_seconds: i64,
}

/// How many requests are in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct Tally {
    pub state: RequestState,
    pub requests: i64,
}

/// Requests by state; only states that occur.
pub async fn tallies(pool: &PgPool) -> Result<Vec<Tally>, QueueError> {
    let text = "select state, count(*) as requests from segment_request group by state order by state";
    Ok(sql::query_as(text).fetch_all(sql::once(pool)).await?)
}

/// How many jobs of a kind wait or are worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct JobTally {
    pub kind: JobKind,
    pub running: bool,
    pub jobs: i64,
    /// Since the oldest of them was put into the queue or taken from it.
    pub oldest_seconds: i64,
}

/// Jobs that are not over, by kind and state; only those that occur.
pub async fn live_jobs(pool: &PgPool) -> Result<Vec<JobTally>, QueueError> {
    let text = "select kind, state = 'running' as running, count(*) as jobs,
                       extract(epoch from now() - min(coalesce(case when state = 'running' then started_at end, created_at)))::int8
                           as oldest_seconds
                from job where state in ('queued', 'running') group by kind, state order by kind, state";
    Ok(sql::query_as(text).fetch_all(sql::once(pool)).await?)
}

/// Causes of failures that are not over.
pub async fn open_incidents(pool: &PgPool) -> Result<i64, QueueError> {
    let text = "select count(*) from incident where resolved_at is null";
    Ok(sql::query_scalar(text).fetch_one(sql::once(pool)).await?)
}

/// Everything that is not over, the oldest first.
pub async fn in_flight(pool: &PgPool) -> Result<Vec<InFlight>, QueueError> {
    let ids: Vec<Uuid> = sql::query_scalar(
        "select id from segment_request where state in ('queued', 'running', 'delivering') order by number",
    )
    .fetch_all(sql::once(pool))
    .await?;
    let jobs: Vec<LiveJob> = sql::query_as(
        "select request_id, kind, state = 'running' as running, attempt, failures, worker,
                extract(epoch from now() - coalesce(case when state = 'running' then started_at end, created_at))::int8
                    as seconds,
                greatest(0, extract(epoch from run_at - now()))::int8 as waits_seconds
         from job where request_id = any ($1) and state in ('queued', 'running')",
    )
    .bind(&ids)
    .fetch_all(sql::once(pool))
    .await?;
    let requests = requests_by_id(pool, &ids).await?;
    let job = |request: &Request| jobs.iter().find(|job| job.request_id == request.id).cloned();
    Ok(requests.into_iter().map(|request| InFlight { job: job(&request), request }).collect())
}

/// Whether no job of this kind waits or is worked on.
pub async fn is_idle(pool: &PgPool, kind: JobKind) -> Result<bool, QueueError> {
    let text = "select not exists (select from job where kind = $1 and state in ('queued', 'running'))";
    Ok(sql::query_scalar(text).bind(kind).fetch_one(sql::once(pool)).await?)
}

/// The jobs of a request, the first step first, each in one line for a person.
pub async fn history(pool: &PgPool, id: Uuid) -> Result<Vec<String>, QueueError> {
    Ok(sql::query_scalar(
        "select format('%s %s, attempt %s, %s failures%s', kind, state, attempt, failures,
                       coalesce(', ' || (failure->>'code'), ''))
         from job where request_id = $1 order by created_at, kind = 'notify'",
    )
    .bind(id)
    .fetch_all(sql::once(pool))
    .await?)
}

/// A request that came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, FromRow, serde::Serialize)]
pub struct FailedRequest {
    pub number: i64,
    /// The cause, such as `storage_unreachable`.
    pub code: String,
}

/// Failed requests, the oldest first; of one cause when a `code` is given.
pub async fn failed(pool: &PgPool, code: Option<&str>) -> Result<Vec<FailedRequest>, QueueError> {
    let text = "select number, failure->>'code' as code from segment_request
               where state = 'failed' and ($1::text is null or failure->>'code' = $1) order by number";
    Ok(sql::query_as(text).bind(code).fetch_all(sql::once(pool)).await?)
}
