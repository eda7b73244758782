//! One day's snapshot: people, rankings, then part after part.

use std::{collections::BTreeMap, path::Path};

use chrono::NaiveDate;
use polars::prelude::*;

use super::{Aggregated, Batch, Contents, back, horizons, reasons};
use crate::{
    features::{
        FeaturesError, Part, SnapshotColumn, TableRows,
        columns::{AGE, GENDER, REGION, USER_ID, fixed_columns},
        combine::{Combined, combine},
        cube,
        plan::{FeatureColumn, TablePlan, feature_columns},
        ranking::{Ranking, rank},
        write::write_file,
    },
    lake::tables::{self, Users, UsersCounts},
};

/// The order of a part's rows: people whom conditions choose together lie together, so that readers skip row groups.
const LOCALITY: [&str; 4] = [REGION, GENDER, AGE, USER_ID];
/// People a part. Each part reads the events once more, and its partial results are in memory.
const PART_ROWS: usize = 1_000_000;

impl Batch<'_> {
    pub(super) async fn build_day(&self, as_of: NaiveDate) -> Result<(), FeaturesError> {
        self.begin("reading users")?;
        // Listed before anything is read: what changes meanwhile is then seen as changed by the next batch.
        let inputs = tables::inputs(self.lake, self.catalog, as_of).await?;
        let users = Users::open(self.lake, self.catalog, as_of).await?;
        let id = users.id;
        let (people, counts) = users.distinct().await?;
        let events = self.aggregated(id, as_of).await?;
        let features = self.columns(&events, as_of)?;
        let plans: Vec<TablePlan> =
            events.iter().map(|table| TablePlan::new(self.catalog, table.table, &features, as_of)).collect();
        let mut columns = fixed_columns(self.catalog);
        columns.extend(features.iter().map(FeatureColumn::described));
        let day = Day { as_of, people, columns, tables: events.iter().zip(&plans).collect() };
        let Written { parts, cube, matched } = self.write_parts(&day).await?;
        let columns = day.columns;
        let mut tables = vec![users_rows(counts)];
        for (counted, matched) in events.into_iter().zip(matched) {
            tables.push(self.matched_rows(counted, matched)?);
        }
        self.publish(Contents { as_of, columns, inputs, parts, cube, tables }).await
    }

    /// The feature columns: categories as this day's events rank them, and as those one horizon earlier do.
    fn columns(&self, events: &[Aggregated<'_>], as_of: NaiveDate) -> Result<Vec<FeatureColumn<'_>>, FeaturesError> {
        let own = self.ranking(events, as_of);
        let earlier = horizons(self.catalog).into_iter().filter_map(|horizon| back(as_of, horizon));
        let carried: Vec<Ranking> = earlier.map(|day| self.ranking(events, day)).collect();
        feature_columns(self.catalog, &own, &carried)
    }

    fn ranking(&self, events: &[Aggregated<'_>], as_of: NaiveDate) -> Ranking {
        let ranked = events.iter().flat_map(|of| {
            let decls: Vec<_> = self.catalog.features.iter().filter(|decl| decl.table == of.table.name).collect();
            let table: Vec<_> = of.partials.iter().map(|stored| &stored.index).collect();
            rank(&decls, &table, as_of.to_epoch_days())
        });
        ranked.collect()
    }

    /// Writes every part, and the table of how many people there are of each kind.
    async fn write_parts(&self, day: &Day<'_>) -> Result<Written, FeaturesError> {
        self.begin("computing features")?;
        let scratch = scratch_folder()?;
        let (mut parts, mut cubes, mut matched) = (Vec::new(), Vec::new(), vec![0; day.tables.len()]);
        // Without anybody there is one empty part, so that every snapshot has files with its columns.
        let count = day.people.height().div_ceil(PART_ROWS).max(1);
        for index in 0..count {
            if self.reporter.stopped() {
                return Err(FeaturesError::Stopped);
            }
            self.reporter.advance(index as u64, count as u64);
            let people = day.people.slice(offset(index * PART_ROWS), PART_ROWS);
            let (rows, events) = tokio::task::block_in_place(|| part(day, people))?;
            matched.iter_mut().zip(events).for_each(|(sum, events)| *sum += events);
            cubes.push(tokio::task::block_in_place(|| cube::count(&rows, self.catalog, day.as_of))?);
            parts.push(self.write_one(rows, (day.as_of, format!("part-{index:05}")), scratch.path()).await?);
        }
        let cube = tokio::task::block_in_place(|| cube::joined(cubes))?;
        let cube = self.write_one(cube, (day.as_of, "cube".to_owned()), scratch.path()).await?;
        self.reporter.advance(count as u64, count as u64);
        Ok(Written { parts, cube, matched })
    }

    async fn write_one(
        &self,
        rows: DataFrame,
        (as_of, name): (NaiveDate, String),
        scratch: &Path,
    ) -> Result<Part, FeaturesError> {
        let folder = scratch.to_owned();
        let (part, path) = tables::blocking(move || write_file(&rows, (as_of, &name), &folder)).await?;
        self.store.write_file(&part.key, &path).await?;
        tokio::fs::remove_file(&path).await.map_err(FeaturesError::scratch(&path))?;
        Ok(part)
    }

    fn matched_rows(&self, counted: Aggregated<'_>, matched: u64) -> Result<TableRows, FeaturesError> {
        let mut rows = counted.rows;
        if counted.usable > 0 && matched == 0 {
            return Err(FeaturesError::NothingMatches {
                table: rows.table,
                rows: counted.usable,
                users_id: self.catalog.users.id.clone(),
                events_user: counted.table.user.clone(),
            });
        }
        rows.outside.extend(reasons([("unknown_user", counted.usable - matched)]));
        Ok(rows)
    }
}

/// The files of a snapshot, and per table how many events belong to somebody.
struct Written {
    parts: Vec<Part>,
    cube: Part,
    matched: Vec<u64>,
}

/// A snapshot under way.
struct Day<'d> {
    as_of: NaiveDate,
    /// Sorted by id.
    people: DataFrame,
    columns: Vec<SnapshotColumn>,
    tables: Vec<(&'d Aggregated<'d>, &'d TablePlan)>,
}

/// The snapshot's rows for some of its people, and the number of their events per table. Blocks.
fn part(day: &Day<'_>, people: DataFrame) -> Result<(DataFrame, Vec<u64>), FeaturesError> {
    let ids = people.column(USER_ID)?.as_materialized_series().clone();
    let mut columns: BTreeMap<String, Column> = BTreeMap::new();
    let mut add =
        |frame: DataFrame| columns.extend(frame.into_columns().into_iter().map(|c| (c.name().to_string(), c)));
    add(people);
    let mut matched = Vec::new();
    for (table, plan) in &day.tables {
        let Combined { values, events } = combine(plan, &table.partials, &ids)?;
        add(values);
        matched.push(events);
    }
    let ordered = day.columns.iter().map(|column| {
        let column = columns.remove(&column.name).expect("every described column was computed");
        debug_assert!(column.len() == ids.len());
        column
    });
    let rows = DataFrame::new(ids.len(), ordered.collect())?;
    let nulls_last = SortMultipleOptions::default().with_nulls_last(true);
    Ok((rows.sort(LOCALITY, nulls_last)?, matched))
}

fn users_rows(counts: UsersCounts) -> TableRows {
    TableRows {
        table: "users".to_owned(),
        rows: counts.rows,
        rejected: reasons([("null_id", counts.null_id), ("duplicate_id", counts.duplicate_id)]),
        ..TableRows::default()
    }
}

fn scratch_folder() -> Result<tempfile::TempDir, FeaturesError> {
    tempfile::tempdir().map_err(FeaturesError::scratch(&std::env::temp_dir()))
}

fn offset(row: usize) -> i64 {
    i64::try_from(row).expect("row counts fit 63 bits")
}
