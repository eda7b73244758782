//! How long segments usually take to build.

use std::time::Duration;

use sqlx::PgPool;

use super::{QueueError, sql};
use crate::catalog::ProductId;

const QUANTILES: [f64; 3] = [0.5, 0.95, 1.0];

/// The median of the product's last twenty segments, from a worker's start to the files; of any product's where it has none, and
/// `None` where nothing was built yet.
pub async fn usual_duration(pool: &PgPool, product: &ProductId) -> Result<Option<Duration>, QueueError> {
    let seconds: Option<f64> = sql::query_scalar(
        "with finished as (
             select extract(epoch from j.finished_at - j.started_at)::float8 as seconds,
                    r.conditions->>'product' = $1 as same,
                    j.finished_at
             from job j join segment_request r on r.id = j.request_id
             where j.kind = 'segment' and j.state = 'succeeded'
             order by j.finished_at desc
             limit 200
         ),
         last as (
             select seconds from finished order by same desc, finished_at desc
             limit (select case when count(*) = 0 then 20 else least(20, count(*)) end from finished where same)
         )
         select percentile_cont(0.5) within group (order by seconds) from last",
    )
    .bind(product.as_str())
    .fetch_one(sql::once(pool))
    .await?;
    Ok(seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()))
}

/// Quantiles of how long the segments of the last 24 hours took to build, in seconds; none where none was built.
pub async fn build_seconds(pool: &PgPool) -> Result<Vec<(f64, f64)>, QueueError> {
    let seconds: Option<Vec<f64>> = sql::query_scalar(
        "select percentile_cont($1::float8[]) within group (order by extract(epoch from finished_at - started_at)::float8)
         from job where kind = 'segment' and state = 'succeeded' and finished_at > now() - interval '24 hours'",
    )
    .bind(&QUANTILES[..])
    .fetch_one(sql::once(pool))
    .await?;
    Ok(QUANTILES.into_iter().zip(seconds.unwrap_or_default()).collect())
}

/// Products that somebody asked for in the last so many days, the most asked for first.
pub async fn products_asked(pool: &PgPool, days: u16) -> Result<Vec<String>, QueueError> {
    let text = "select conditions->>'product' as product from segment_request
                where created_at > now() - make_interval(days => $1) group by product order by count(*) desc, product";
    Ok(sql::query_scalar(text).bind(i32::from(days)).fetch_all(sql::once(pool)).await?)
}
