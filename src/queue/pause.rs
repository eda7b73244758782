//! Holding new segments back: what runs goes on, what waits waits, and deliveries are not held.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use super::{JobKind, QueueError, listen, sql};

/// Lets no further segment start, in any worker; since when it is so.
pub async fn pause(pool: &PgPool) -> Result<DateTime<Utc>, QueueError> {
    let text = "update queue_pause set paused_at = coalesce(paused_at, now()) returning paused_at";
    Ok(sql::query_scalar(text).fetch_one(sql::once(pool)).await?)
}

/// Lets segments start again; `false` when they were not held back.
pub async fn resume(pool: &PgPool) -> Result<bool, QueueError> {
    let mut tx = sql::begin(pool).await?;
    let resumed = sql::query("update queue_pause set paused_at = null where paused_at is not null");
    let resumed = resumed.execute(&mut *tx).await?.rows_affected() > 0;
    listen::wake_job(&mut tx, JobKind::Segment).await?;
    tx.commit().await?;
    Ok(resumed)
}

/// Since when segments are held back; `None` when they are not.
pub async fn paused(pool: &PgPool) -> Result<Option<DateTime<Utc>>, QueueError> {
    Ok(sql::query_scalar("select paused_at from queue_pause").fetch_one(sql::once(pool)).await?)
}
