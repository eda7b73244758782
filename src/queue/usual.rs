//! How long segments usually take to build.

use std::time::Duration;

use sqlx::PgPool;

use super::{QueueError, sql};
use crate::catalog::ProductId;

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

/// Products that somebody asked for in the last so many days, sorted.
pub async fn products_asked(pool: &PgPool, days: i32) -> Result<Vec<String>, QueueError> {
    let text = "select distinct conditions->>'product' as product from segment_request
                where created_at > now() - make_interval(days => $1) order by product";
    Ok(sql::query_scalar(text).bind(days).fetch_all(sql::once(pool)).await?)
}
