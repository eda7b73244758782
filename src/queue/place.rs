//! Where a waiting request stands and when it will probably start.

use sqlx::PgPool;
use uuid::Uuid;

use super::{QueueError, sql};

/// A place in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueuePosition {
    /// 1 is next.
    pub position: i64,
    /// When it probably starts; `None` while nothing was measured.
    pub eta: Option<Eta>,
}

/// Seconds until something probably happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Eta {
    /// If segments take as long as the quicker ones did.
    pub soonest: i64,
    pub likely: i64,
    /// If they take as long as the slower ones did.
    pub latest: i64,
}

impl Eta {
    /// Whether one number would promise more than is known.
    pub fn is_unsure(self) -> bool {
        self.latest - self.soonest > (self.likely / 2).max(10)
    }
}

/// Fewer measured segments than these say little about the next one.
const MEASURED_ENOUGH: usize = 5;

#[derive(sqlx::FromRow)]
struct Standing {
    position: i64,
    /// Seconds that each running job has run for.
    running_seconds: Vec<f64>,
    /// Seconds that finished jobs took: of the same product and size, else of the product, else of any.
    measured_seconds: Vec<f64>,
}

/// The place of a request that waits; `None` when it does not.
pub async fn place(pool: &PgPool, id: Uuid) -> Result<Option<QueuePosition>, QueueError> {
    let standing: Option<Standing> = sql::query_as(
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
         sized as (
             select id, conditions->>'product' as product,
                    case when conditions->'size' ? 'percent' then 'share'
                         when (conditions->'size'->>'people')::int8 <= 10000 then 'small'
                         when (conditions->'size'->>'people')::int8 <= 100000 then 'medium'
                         else 'large' end as size
             from segment_request
         ),
         finished as (
             select extract(epoch from j.finished_at - j.started_at)::float8 as seconds, j.finished_at,
                    (r.product = asked.product)::int + (r.product = asked.product and r.size = asked.size)::int as alike
             from job j join sized r on r.id = j.request_id cross join (select * from sized where id = $1) asked
             where j.kind = 'segment' and j.state = 'succeeded'
             order by j.finished_at desc
             limit 200
         )
         select position,
                coalesce((select array_agg(seconds) from running), '{}') as running_seconds,
                array(select seconds from finished where alike = (select max(alike) from finished)
                      order by finished_at desc limit 20) as measured_seconds
         from line where request_id = (select coalesce(built_by, id) from segment_request where id = $1)",
    )
    .bind(id)
    .fetch_optional(sql::once(pool))
    .await?;
    Ok(standing.map(|standing| QueuePosition { position: standing.position, eta: standing.eta() }))
}

impl Standing {
    fn eta(&self) -> Option<Eta> {
        let mut measured = self.measured_seconds.clone();
        measured.sort_by(f64::total_cmp);
        let at = |quarter: usize| measured.get((measured.len().max(1) - 1) * quarter / 4).copied();
        let (quick, usual, slow) = (at(1)?, at(2)?, at(3)?);
        let (quick, slow) = if measured.len() < MEASURED_ENOUGH {
            (quick.min(usual / 2.0), slow.max(usual * 2.0))
        } else {
            (quick, slow)
        };
        let start = |each: f64| seconds_until(self.position, &self.running_seconds, each);
        Some(Eta { soonest: start(quick), likely: start(usual), latest: start(slow) })
    }
}

/// Plays the queue forward: as many slots as run now, each free when its job has taken `each` seconds; every job ahead takes the
/// first free one.
#[expect(clippy::cast_possible_truncation, reason = "seconds of waiting, far below 2^53")]
fn seconds_until(position: i64, running_seconds: &[f64], each: f64) -> i64 {
    let mut free_at: Vec<f64> = running_seconds.iter().map(|ran| (each - ran).max(0.0)).collect();
    if free_at.is_empty() {
        free_at.push(0.0);
    }
    let mut start = 0.0;
    for _ in 0..position.clamp(1, 10_000) {
        let slot = (0..free_at.len()).min_by(|&a, &b| free_at[a].total_cmp(&free_at[b])).expect("there is a slot");
        start = free_at[slot];
        free_at[slot] = start + each;
    }
    start.ceil() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_is_what_runs_now_plus_what_is_ahead() {
        assert_eq!(seconds_until(1, &[], 30.0), 0);
        assert_eq!(seconds_until(3, &[], 30.0), 60);
        assert_eq!(seconds_until(1, &[10.0], 30.0), 20);
        assert_eq!(seconds_until(1, &[10.0, 25.0], 30.0), 5);
        assert_eq!(seconds_until(3, &[10.0, 25.0], 30.0), 35);
        assert_eq!(seconds_until(1, &[99.0], 30.0), 0, "an overdue job may end at any moment");
    }

    #[test]
    fn few_or_unequal_measurements_make_a_wide_range() {
        let eta = |measured: &[f64]| {
            let standing = Standing { position: 2, running_seconds: vec![0.0], measured_seconds: measured.to_vec() };
            standing.eta()
        };
        assert_eq!(eta(&[]), None);
        assert_eq!(eta(&[30.0]), Some(Eta { soonest: 30, likely: 60, latest: 120 }));
        let alike = eta(&[30.0, 31.0, 29.0, 30.0, 30.0]).unwrap();
        assert!(!alike.is_unsure() && alike.likely == 60, "{alike:?}");
        let unequal = eta(&[10.0, 90.0, 30.0, 20.0, 60.0]).unwrap();
        assert_eq!(unequal, Eta { soonest: 40, likely: 60, latest: 120 });
        assert!(unequal.is_unsure());
    }
}
