//! Finished requests and their jobs are removed after a while; the stored segments are not touched.

use std::time::Duration;

use sqlx::PgPool;

use super::{QueueError, sql};

/// Rows that one statement removes, so that nobody waits for it.
const BATCH: i64 = 500;

/// Removes requests that finished longer than `keep` ago, with their jobs; how many there were.
///
/// One whose segment a kept request shares stays, and so does one that still has something to say.
pub async fn forget(pool: &PgPool, keep: Duration) -> Result<u64, QueueError> {
    let mut forgotten = 0;
    loop {
        let removed = sql::query(
            "delete from segment_request where id in (
                 select r.id from segment_request r
                 where r.finished_at < now() - make_interval(secs => $1)
                   and not exists (select from segment_request f where f.built_by = r.id)
                   and not exists (select from job j where j.request_id = r.id and j.state in ('queued', 'running'))
                 order by r.finished_at
                 limit $2
                 for update skip locked
             )",
        )
        .bind(keep.as_secs_f64())
        .bind(BATCH)
        .execute(sql::once(pool))
        .await?
        .rows_affected();
        forgotten += removed;
        // One more round, because those that shared a segment may have gone just now.
        if removed == 0 {
            return Ok(forgotten);
        }
    }
}
