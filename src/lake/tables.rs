//! The operator's tables with checked, canonical columns.
//!
//! [`Users`]: `user_id` (text or Int64), `age` Int16, `gender` (the catalog's gender id), `region` (a listed code),
//! `opted_out` Boolean. [`Events`]: `user_id`, `day` Date in the catalog's zone, `kind`, `category` text, `amount` Int64 in minor
//! units, and every further column as `extra:<name>`. Whoever holds one need not check a column again.

mod columns;
mod events;
mod files;
mod scan;
mod time;
mod users;

pub use columns::IdType;
pub use events::{EventCounts, Events, extra_column};
pub use users::{Users, UsersCounts};

use chrono::NaiveDate;

use super::{LakeError, Object, Store};
use crate::catalog::Catalog;

/// Every object that a snapshot of `as_of` is made from, sorted by key. Fetches nothing.
pub async fn inputs(lake: &Store, catalog: &Catalog, as_of: NaiveDate) -> Result<Vec<Object>, LakeError> {
    let mut inputs = files::find(lake, "users", &catalog.users.path, None).await?;
    for table in &catalog.events {
        let until = events::last_partition(as_of, catalog.time_zone);
        inputs.extend(files::find(lake, &table.name, &table.path, Some(until)).await?);
    }
    inputs.sort();
    inputs.dedup();
    Ok(inputs)
}

/// Runs a query on the streaming engine, away from the async threads.
pub async fn collect(frame: polars::prelude::LazyFrame) -> Result<polars::prelude::DataFrame, LakeError> {
    blocking(move || Ok(collect_now(frame)?)).await
}

/// As [`collect`], on the calling thread.
fn collect_now(frame: polars::prelude::LazyFrame) -> polars::prelude::PolarsResult<polars::prelude::DataFrame> {
    Ok(frame.collect_with_engine(polars::prelude::Engine::Streaming)?.unwrap_single())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LakeError> + Send + 'static,
) -> Result<T, LakeError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}
