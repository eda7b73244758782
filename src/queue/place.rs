//! Where a waiting request stands and when it will probably start.

use sqlx::PgPool;
use uuid::Uuid;

use super::QueueError;

/// A place in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// 1 is next.
    pub position: i64,
    /// Seconds until it probably starts; `None` while nothing was measured.
    pub eta_seconds: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct Standing {
    position: i64,
    /// Seconds that each running job has run for.
    running_seconds: Vec<f64>,
    median_seconds: Option<f64>,
}

/// The place of a request that waits; `None` when it does not.
pub async fn place(pool: &PgPool, id: Uuid) -> Result<Option<Place>, QueueError> {
    let standing: Option<Standing> = sqlx::query_as(
        "with running as (
             select owner_key, extract(epoch from now() - started_at)::float8 as seconds
             from job where kind = 'segment' and state = 'running'
         ),
         -- the order in which `claim` will take them: requesters take turns
         turn as (
             select j.id, j.request_id, j.owner_key, j.priority, j.run_at,
                    (select count(*) from running r where r.owner_key = j.owner_key)
                        + row_number() over (partition by j.owner_key order by j.priority desc, j.run_at, j.id) as turn,
                    (select max(s.started_at) from job s where s.kind = 'segment' and s.owner_key = j.owner_key) as served
             from job j where j.kind = 'segment' and j.state = 'queued'
         ),
         line as (
             select request_id, row_number() over (order by priority desc, turn, served nulls first, run_at, id) as position
             from turn
         ),
         finished as (
             select extract(epoch from j.finished_at - j.started_at)::float8 as seconds,
                    r.conditions->>'product' = (select conditions->>'product' from segment_request where id = $1) as same,
                    j.finished_at
             from job j join segment_request r on r.id = j.request_id
             where j.kind = 'segment' and j.state = 'succeeded'
             order by j.finished_at desc
             limit 200
         ),
         median as (
             select percentile_cont(0.5) within group (order by seconds) as seconds
             from (select seconds from finished where same order by finished_at desc limit 20) last_of_product
         ),
         median_of_any as (
             select percentile_cont(0.5) within group (order by seconds) as seconds
             from (select seconds from finished order by finished_at desc limit 20) last_of_any
         )
         select position,
                coalesce((select array_agg(seconds) from running), '{}') as running_seconds,
                coalesce((select seconds from median), (select seconds from median_of_any)) as median_seconds
         from line where request_id = (select coalesce(built_by, id) from segment_request where id = $1)",
    )
    .bind(id)
    .fetch_optional(pool)
    .await?;
    Ok(standing.map(|Standing { position, running_seconds, median_seconds }| Place {
        position,
        eta_seconds: median_seconds.map(|median| eta_seconds(position, &running_seconds, median)),
    }))
}

/// Plays the queue forward: as many slots as run now, each free when its job reaches the median; every job ahead takes the first free one.
#[expect(clippy::cast_possible_truncation, reason = "seconds of waiting, far below 2^53")]
fn eta_seconds(position: i64, running_seconds: &[f64], median: f64) -> i64 {
    let mut free_at: Vec<f64> = running_seconds.iter().map(|ran| (median - ran).max(0.0)).collect();
    if free_at.is_empty() {
        free_at.push(0.0);
    }
    let mut start = 0.0;
    for _ in 0..position.clamp(1, 10_000) {
        let slot = (0..free_at.len()).min_by(|&a, &b| free_at[a].total_cmp(&free_at[b])).expect("there is a slot");
        start = free_at[slot];
        free_at[slot] = start + median;
    }
    start.ceil() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_is_what_runs_now_plus_what_is_ahead() {
        assert_eq!(eta_seconds(1, &[], 30.0), 0);
        assert_eq!(eta_seconds(3, &[], 30.0), 60);
        assert_eq!(eta_seconds(1, &[10.0], 30.0), 20);
        assert_eq!(eta_seconds(1, &[10.0, 25.0], 30.0), 5);
        assert_eq!(eta_seconds(3, &[10.0, 25.0], 30.0), 35);
        assert_eq!(eta_seconds(1, &[99.0], 30.0), 0, "an overdue job may end at any moment");
    }
}
