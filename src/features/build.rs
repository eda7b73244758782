//! The nightly batch: the snapshot of a day, and the older ones that its models are trained and judged on.

mod assemble;
mod locality;
mod notes;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};

use super::{
    FeaturesError, Memory, Snapshot, SnapshotManifest, TableRows,
    definition::definition_sha256,
    misfits,
    partials::{Aggregator, Columns, Index, Stored},
    snapshot::{FORMAT, manifest_key},
};
use crate::{
    catalog::{Catalog, EventsTable},
    lake::{
        Object, Store,
        tables::{self, IdType, Users},
    },
    progress::Report,
};

/// How many horizons back from a day the newest model of that day looks: each begins with a snapshot of its own.
pub const TRAINING_WINDOWS: u16 = 3;

/// As [`Batch::build`], with as much memory as is allowed unless somebody says otherwise.
pub async fn build(
    lake: &Store,
    store: &Store,
    catalog: &Catalog,
    as_of: NaiveDate,
    reporter: &dyn Report,
) -> Result<Vec<NaiveDate>, FeaturesError> {
    Batch { lake, store, catalog, memory: Memory::default(), reporter }.build(as_of).await
}

/// As [`Batch::build_again`], with as much memory as is allowed unless somebody says otherwise.
pub async fn build_again(
    lake: &Store,
    store: &Store,
    catalog: &Catalog,
    as_of: NaiveDate,
    reporter: &dyn Report,
) -> Result<(), FeaturesError> {
    Batch { lake, store, catalog, memory: Memory::default(), reporter }.build_again(as_of).await
}

/// What every step of a batch needs.
pub struct Batch<'b> {
    pub lake: &'b Store,
    pub store: &'b Store,
    pub catalog: &'b Catalog,
    pub memory: Memory,
    pub reporter: &'b dyn Report,
}

/// One events table, aggregated by person and day.
struct Aggregated<'b> {
    table: &'b EventsTable,
    partials: Vec<Stored>,
    rows: TableRows,
    usable: u64,
}

impl Batch<'_> {
    /// Builds the snapshots of `as_of` = D, of D − H for each different product horizon H and, where events reach back
    /// far enough, of D − 2H and D − 3H. What exists with the same definition and the same input stays. Gives the days that were
    /// built, ascending. A failure leaves every earlier snapshot in force.
    pub async fn build(&self, as_of: NaiveDate) -> Result<Vec<NaiveDate>, FeaturesError> {
        let mut built = Vec::new();
        for day in self.days(as_of).await? {
            if !self.is_current(day).await? {
                self.build_day(day).await?;
                built.push(day);
            }
        }
        Ok(built)
    }

    /// Builds the snapshot of `as_of` alone, also when there is one: the way out when its files no longer are what was
    /// written.
    pub async fn build_again(&self, as_of: NaiveDate) -> Result<(), FeaturesError> {
        self.build_day(as_of).await
    }

    /// The days that the batch of `as_of` covers, ascending.
    async fn days(&self, as_of: NaiveDate) -> Result<Vec<NaiveDate>, FeaturesError> {
        let first_day = self.first_day(as_of).await?;
        let reaches = |day: NaiveDate| first_day.is_some_and(|first| first <= day);
        let mut days = BTreeSet::from([as_of]);
        for horizon in horizons(self.catalog) {
            let mut training = training_days(as_of, horizon);
            days.extend(training.next().filter(|day| reaches(*day)));
            // Further back, what was known of people must be worth learning from: a horizon of history at least.
            days.extend(training.filter(|day| back(*day, horizon).is_some_and(reaches)));
        }
        Ok(days.into_iter().collect())
    }

    /// The first day with usable events up to `as_of`.
    async fn first_day(&self, as_of: NaiveDate) -> Result<Option<NaiveDate>, FeaturesError> {
        let tables = if let Some(snapshot) = self.current(as_of).await? {
            snapshot.manifest().tables.clone()
        } else {
            let id = Users::open(self.lake, self.catalog, as_of).await?.id;
            self.aggregated(id, as_of).await?.into_iter().map(|table| table.rows).collect()
        };
        Ok(tables.iter().filter_map(|table| table.first_day).min())
    }

    async fn is_current(&self, as_of: NaiveDate) -> Result<bool, FeaturesError> {
        Ok(self.current(as_of).await?.is_some())
    }

    /// The snapshot of `as_of` if building it again would give the same.
    async fn current(&self, as_of: NaiveDate) -> Result<Option<Snapshot>, FeaturesError> {
        let snapshot = match Snapshot::read(self.store, as_of).await {
            Ok(Some(snapshot)) => snapshot,
            Ok(None) | Err(FeaturesError::Damaged { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let manifest = snapshot.manifest();
        let same = manifest.definition_sha256 == definition_sha256(self.catalog)
            && manifest.inputs == tables::inputs(self.lake, self.catalog, as_of).await?
            && snapshot.is_whole().await?;
        Ok(same.then_some(snapshot))
    }

    /// Every events table, checked, aggregated and counted; too many rows that cannot be used are an error.
    async fn aggregated(&self, id: IdType, as_of: NaiveDate) -> Result<Vec<Aggregated<'_>>, FeaturesError> {
        self.begin("reading events")?;
        let mut tables = Vec::new();
        for table in &self.catalog.events {
            let Self { lake, store, catalog, memory, reporter } = *self;
            let columns = Columns::of(catalog, table);
            let inputs = tables::event_files(lake, catalog, table, as_of).await?;
            let aggregator = Aggregator { lake, store, catalog, table, id, columns };
            let partials = aggregator.partials(&inputs, &memory, reporter).await?;
            let (rows, usable) = counted(catalog, table, &partials, as_of.to_epoch_days());
            self.refuse_too_many_unusable(&rows)?;
            tables.push(Aggregated { table, partials, rows, usable });
        }
        Ok(tables)
    }

    fn refuse_too_many_unusable(&self, rows: &TableRows) -> Result<(), FeaturesError> {
        let unusable: u64 = rows.rejected.values().sum();
        let share_max = self.catalog.limits.unusable_rows_share;
        #[expect(clippy::cast_precision_loss, reason = "a share of rows, compared with a rounded limit")]
        let too_many = unusable as f64 > share_max * rows.rows as f64;
        if !too_many {
            return Ok(());
        }
        let reasons: Vec<String> = rows.rejected.iter().map(|(reason, count)| format!("{reason}: {count}")).collect();
        Err(FeaturesError::TooManyUnusable {
            table: rows.table.clone(),
            unusable,
            rows: rows.rows,
            reasons: reasons.join(", "),
            share_max,
        })
    }

    /// Says what comes next, unless somebody asked to stop.
    fn begin(&self, stage: &'static str) -> Result<(), FeaturesError> {
        if self.reporter.stopped() {
            return Err(FeaturesError::Stopped);
        }
        self.reporter.stage(stage);
        Ok(())
    }

    /// Writes the manifest: from here on the snapshot exists.
    async fn publish(&self, contents: Contents) -> Result<(), FeaturesError> {
        let Contents { as_of, columns, inputs, parts, cube, tables } = contents;
        let manifest = SnapshotManifest {
            format: FORMAT,
            as_of,
            rows: parts.iter().map(|part| part.rows).sum(),
            columns,
            definition_sha256: definition_sha256(self.catalog),
            catalog_sha256: self.catalog.sha256.clone(),
            code_version: env!("CARGO_PKG_VERSION").to_owned(),
            inputs,
            parts,
            cube,
            tables,
        };
        let text = serde_json::to_vec_pretty(&manifest).expect("a manifest has only text keys");
        Ok(self.store.write(&manifest_key(as_of), text.into()).await?)
    }
}

/// What one day's snapshot turned out to hold.
struct Contents {
    as_of: NaiveDate,
    columns: Vec<super::SnapshotColumn>,
    inputs: Vec<Object>,
    parts: Vec<super::Part>,
    cube: super::Part,
    tables: Vec<TableRows>,
}

/// Every different horizon of the catalog's products.
pub(super) fn horizons(catalog: &Catalog) -> BTreeSet<u16> {
    catalog.products.iter().map(|product| product.horizon_days).collect()
}

/// The days whose snapshots a model of `day` learns from, the newest first.
pub(super) fn training_days(day: NaiveDate, horizon: u16) -> impl Iterator<Item = NaiveDate> {
    std::iter::successors(back(day, horizon), move |day| back(*day, horizon)).take(TRAINING_WINDOWS.into())
}

pub(super) fn back(day: NaiveDate, days: u16) -> Option<NaiveDate> {
    day.checked_sub_days(Days::new(u64::from(days)))
}

/// How many rows there are, by whether they can be used, and how many count on `as_of`.
fn counted(catalog: &Catalog, table: &EventsTable, partials: &[Stored], as_of: i32) -> (TableRows, u64) {
    let sum = |count: fn(&Index) -> u64| partials.iter().map(|stored| count(&stored.index)).sum::<u64>();
    let (rows, null_user, null_time) = (sum(|i| i.rows), sum(|i| i.null_user), sum(|i| i.null_time));
    let usable = partials.iter().map(|stored| stored.index.usable(as_of)).sum();
    let mut amounts = BTreeMap::new();
    for (reason, count) in partials.iter().flat_map(|stored| &stored.index.amounts) {
        *amounts.entry(reason.clone()).or_default() += count;
    }
    let rows = TableRows {
        table: table.name.clone(),
        amounts,
        rows,
        rejected: reasons([("null_user", null_user), ("null_time", null_time)]),
        outside: reasons([("after_as_of", rows - null_user - null_time - usable)]),
        first_day: partials.iter().filter_map(|stored| stored.index.first_day(as_of)).min(),
        misfits: misfits::of_events(catalog, table, partials.iter().map(|stored| &stored.index), as_of),
    };
    (rows, usable)
}

/// Only the reasons that happened.
fn reasons<const N: usize>(counts: [(&str, u64); N]) -> BTreeMap<String, u64> {
    counts.into_iter().filter(|(_, count)| *count > 0).map(|(reason, count)| (reason.to_owned(), count)).collect()
}
