//! What is no longer needed goes: old snapshots, and partial aggregates of input that has changed since.

use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime},
};

use chrono::NaiveDate;

use super::{
    FeaturesError, Snapshot,
    build::{horizons, training_days},
    partials::{self, Aggregator, Columns},
    snapshot,
};
use crate::{
    catalog::Catalog,
    contracts::keys,
    lake::{
        Store,
        tables::{self, Users},
    },
};

/// What no manifest names may belong to a build that is under way, or be read by a request that began before a rebuild;
/// after this time neither is so.
const LEFTOVERS_STAY: Duration = Duration::from_hours(24);

/// Removes all snapshots but the newest `keep` and those that the newest one's models are trained and judged on, partial
/// aggregates that no build of the newest day would read, and files that no snapshot names and that were written more than
/// a day before `now`: those of builds that were killed, or replaced by another build of their day. Gives the days whose snapshots are gone, ascending.
/// A request that still reads one of them fails and can be made again; a segment of a removed snapshot can no longer be
/// built again to compare.
pub async fn retire(
    lake: &Store,
    store: &Store,
    catalog: &Catalog,
    keep: usize,
    now: SystemTime,
) -> Result<Vec<NaiveDate>, FeaturesError> {
    let days = Snapshot::days(store).await?;
    let Some(&newest) = days.last() else { return Ok(Vec::new()) };
    let mut kept: BTreeSet<NaiveDate> = days.iter().rev().take(keep).copied().collect();
    for horizon in horizons(catalog) {
        kept.extend(training_days(newest, horizon));
    }
    let gone: Vec<NaiveDate> = days.into_iter().filter(|day| !kept.contains(day)).collect();
    for day in &gone {
        // Without its manifest a snapshot does not exist, so nobody finds half of one.
        store.delete(&snapshot::manifest_key(*day)).await?;
        for part in store.list(&format!("{}/", snapshot::folder(*day))).await? {
            store.delete(&part.key).await?;
        }
    }
    retire_leftovers(store, now).await?;
    retire_partials(lake, store, catalog, newest).await?;
    Ok(gone)
}

async fn retire_leftovers(store: &Store, now: SystemTime) -> Result<(), FeaturesError> {
    let mut kept = BTreeSet::new();
    for day in Snapshot::days(store).await? {
        match Snapshot::read(store, day).await {
            Ok(Some(snapshot)) => kept.extend(snapshot.keys()),
            Ok(None) => {}
            // Whoever can read it may know its files.
            Err(FeaturesError::Damaged { .. }) => {
                let files = store.list(&format!("{}/", snapshot::folder(day))).await?;
                kept.extend(files.into_iter().map(|file| file.key));
            }
            Err(error) => return Err(error),
        }
    }
    for (object, written) in store.list_dated(keys::SNAPSHOTS).await? {
        let old = now.duration_since(written).is_ok_and(|age| age > LEFTOVERS_STAY);
        if old && !kept.contains(&object.key) {
            store.delete(&object.key).await?;
        }
    }
    Ok(())
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
        needed.extend(Aggregator { lake, store, catalog, table, id, columns }.stems(&inputs));
    }
    for object in store.list(keys::PARTIALS).await? {
        if !needed.contains(partials::stem(&object.key)) {
            store.delete(&object.key).await?;
        }
    }
    Ok(())
}
