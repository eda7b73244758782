//! What is no longer needed goes: old snapshots, and partial aggregates of input that has changed since.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::{
    FeaturesError, Snapshot,
    build::{back, horizons},
    partials::{self, Aggregator, Columns},
    snapshot,
};
use crate::{
    catalog::Catalog,
    lake::{
        Store,
        tables::{self, Users},
    },
};

/// Removes all snapshots but the newest `keep` and those that the newest one's models are trained and judged on, and
/// partial aggregates that no build of the newest day would read. Gives the days whose snapshots are gone, ascending.
/// A request that still reads one of them fails and can be made again; a segment of a removed snapshot can no longer be
/// built again to compare.
pub async fn retire(
    lake: &Store,
    store: &Store,
    catalog: &Catalog,
    keep: usize,
) -> Result<Vec<NaiveDate>, FeaturesError> {
    let days = Snapshot::days(store).await?;
    let Some(&newest) = days.last() else { return Ok(Vec::new()) };
    let mut kept: BTreeSet<NaiveDate> = days.iter().rev().take(keep).copied().collect();
    for horizon in horizons(catalog) {
        let training = back(newest, horizon);
        kept.extend(training.into_iter().chain(training.and_then(|day| back(day, horizon))));
    }
    let gone: Vec<NaiveDate> = days.into_iter().filter(|day| !kept.contains(day)).collect();
    for day in &gone {
        // Without its manifest a snapshot does not exist, so nobody finds half of one.
        store.delete(&snapshot::manifest_key(*day)).await?;
        for part in store.list(&format!("{}/", snapshot::folder(*day))).await? {
            store.delete(&part.key).await?;
        }
    }
    retire_partials(lake, store, catalog, newest).await?;
    Ok(gone)
}

async fn retire_partials(
    lake: &Store,
    store: &Store,
    catalog: &Catalog,
    newest: NaiveDate,
) -> Result<(), FeaturesError> {
    let id = Users::open(lake, catalog, newest).await?.id;
    let mut needed = BTreeSet::new();
    for table in &catalog.events {
        let inputs = tables::event_files(lake, catalog, table, newest).await?;
        let columns = Columns::of(catalog, table);
        needed.extend(Aggregator { lake, store, catalog, table, id, columns }.keys(&inputs));
    }
    for object in store.list(partials::ROOT).await? {
        if !needed.contains(&object.key) {
            store.delete(&object.key).await?;
        }
    }
    Ok(())
}
