//! The operator's tables with checked, canonical columns.
//!
//! [`Users`]: `user_id` (text or Int64), `age` Int16, `gender` (the catalog's gender id), `region` (a listed code),
//! `opted_out` Boolean. [`Events`]: `user_id`, `day` Date in the catalog's zone, `kind`, `category` text, `amount` Int64 in minor
//! units (and `amount:fault`, why there is none), and every further column as `extra:<name>`. Whoever holds one need not check a column again.

mod amounts;
mod codes;
mod columns;
mod events;
mod files;
mod keys;
mod misfit;
mod people;
mod scan;
pub mod spelling;
mod survey;
mod text;
mod time;
mod typed;
mod users;

pub use amounts::{AmountFaults, count_faults};
pub use columns::IdType;
pub use events::{Events, event_files, extra_column, newest_day};
pub use files::same_day;
pub use misfit::{Example, Limit, Misfit, MisfitKind};
pub use people::{People, UsersCounts};
pub use survey::{Holds, Surveyed, SurveyedColumn, survey};
pub use users::{Users, user_files};

use std::num::NonZeroUsize;

use chrono::NaiveDate;
use polars::prelude::{DataFrame, Engine, LazyFrame, PlanCallback, PolarsResult};

use super::{LakeError, Object, Store};
use crate::catalog::Catalog;

/// Every object that a snapshot of `as_of` is made from, sorted by key. Fetches nothing.
pub async fn inputs(lake: &Store, catalog: &Catalog, as_of: NaiveDate) -> Result<Vec<Object>, LakeError> {
    let mut inputs = user_files(lake, catalog, as_of).await?;
    for table in &catalog.events {
        inputs.extend(event_files(lake, catalog, table, as_of).await?);
    }
    inputs.sort();
    inputs.dedup();
    Ok(inputs)
}

/// Runs a query on the streaming engine. Blocks.
fn collect_now(frame: LazyFrame) -> PolarsResult<DataFrame> {
    scan::guarded(|| Ok(frame.collect_with_engine(Engine::Streaming)?.unwrap_single()))
}

/// Runs what computes or waits for disks away from the async threads.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked.into_panic()))
}

/// Gives the frame's rows to `each`, in order and at most `rows` at a time; what comes next is read meanwhile. Blocks.
fn for_each_batch<E: From<LakeError>>(
    frame: LazyFrame,
    rows: NonZeroUsize,
    mut each: impl FnMut(DataFrame) -> Result<(), E>,
) -> Result<(), E> {
    let (sender, batches) = std::sync::mpsc::sync_channel(1);
    // Sending fails once nobody listens any more, and the query then stops.
    let send = PlanCallback::new(move |batch| Ok(sender.send(batch).is_err()));
    let query = frame.sink_batches(send, true, Some(rows)).map_err(LakeError::from)?;
    std::thread::scope(|scope| {
        let query = scope.spawn(|| collect_now(query));
        let fed = batches.into_iter().try_for_each(&mut each);
        let ended = query.join().unwrap_or_else(|panicked| std::panic::resume_unwind(panicked));
        fed.and(ended.map(drop).map_err(|error| LakeError::from(error).into()))
    })
}
