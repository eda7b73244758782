//! One day's snapshot: people, rankings, then part after part.

use std::{collections::BTreeMap, path::Path};

use chrono::NaiveDate;
use polars::prelude::*;

use super::{Aggregated, Batch, Contents, back, horizons, locality::locality, reasons};
use crate::{
    contracts::columns::{HAS_EVENTS, USER_ID},
    features::{
        FeaturesError, Part, SnapshotColumn, TableRows,
        columns::fixed_columns,
        combine::{Combined, combine},
        cube, misfits,
        plan::{FeatureColumn, TablePlan, feature_columns},
        ranking::{Ranking, rank},
        write::{Ordered, write_file},
    },
    lake::tables::{self, Misfit, MisfitKind, People, Users, UsersCounts},
};

/// People a part, whatever memory is allowed: where parts end is part of the bytes. Each part's values are in memory.
const PART_ROWS: usize = 1_000_000;

impl Batch<'_> {
    pub(super) async fn build_day(&self, as_of: NaiveDate) -> Result<(), FeaturesError> {
        self.begin("reading users")?;
        // Listed before anything is read: what changes meanwhile is then seen as changed by the next batch.
        let inputs = tables::inputs(self.lake, self.catalog, as_of).await?;
        let users = Users::open(self.lake, self.catalog, as_of).await?;
        let id = users.id;
        let misfits = tokio::task::block_in_place(|| users.misfits(self.catalog, as_of))?;
        misfits::refuse_too_many(self.catalog, "users", &misfits)?;
        let people = users.people(self.memory.people_together).await?;
        self.refuse_too_many_unusable(&users_rows(people.counts()))?;
        let events = self.aggregated(id, as_of).await?;
        let features = self.columns(&events, as_of)?;
        let plans: Vec<TablePlan> =
            events.iter().map(|table| TablePlan::new(self.catalog, table.table, &features, as_of)).collect();
        let mut columns = fixed_columns(self.catalog);
        columns.extend(features.iter().map(FeatureColumn::described));
        self.refuse_what_does_not_fit(&plans, people.counts())?;
        let day = Day { as_of, columns, tables: events.iter().zip(&plans).collect() };
        let Written { parts, cube, matched, mut users } = self.write_parts(&day, people).await?;
        let columns = day.columns;
        users.misfits = misfits;
        let mut tables = vec![users];
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

    fn refuse_what_does_not_fit(&self, plans: &[TablePlan], users: UsersCounts) -> Result<(), FeaturesError> {
        let values = plans.iter().flat_map(|plan| &plan.values).map(|(_, value)| value.bytes()).sum();
        self.memory.refuse_if_full(users.rows.min(PART_ROWS as u64), values)
    }

    /// Writes every part, and the table of how many people there are of each kind.
    async fn write_parts(&self, day: &Day<'_>, mut people: People) -> Result<Written, FeaturesError> {
        self.begin("computing features")?;
        let scratch = scratch_folder()?;
        let (mut parts, mut cubes, mut matched) = (Vec::new(), Vec::new(), vec![0; day.tables.len()]);
        let (mut done, all) = (0, people.counts().rows);
        loop {
            if self.reporter.stopped() {
                return Err(FeaturesError::Stopped);
            }
            self.reporter.advance(done, all);
            let some = tokio::task::block_in_place(|| people.next(PART_ROWS))?;
            // Without anybody there is one empty part, so that every snapshot has files with its columns.
            if some.height() == 0 && !parts.is_empty() {
                break;
            }
            done += some.height() as u64;
            let (rows, events) = tokio::task::block_in_place(|| part(day, some))?;
            matched.iter_mut().zip(events).for_each(|(sum, events)| *sum += events);
            cubes.push(tokio::task::block_in_place(|| cube::count(&rows.rows, self.catalog, day.as_of))?);
            let name = format!("part-{:05}", parts.len());
            parts.push(self.write_one(rows, (day.as_of, name), scratch.path()).await?);
        }
        let cube = Ordered::as_it_is(tokio::task::block_in_place(|| cube::joined(cubes, self.catalog))?);
        let cube = self.write_one(cube, (day.as_of, "cube".to_owned()), scratch.path()).await?;
        self.reporter.advance(all, all);
        Ok(Written { parts, cube, matched, users: users_rows(people.counts()) })
    }

    async fn write_one(
        &self,
        rows: Ordered,
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
        let unknown = counted.usable - matched;
        rows.outside.extend(reasons([("unknown_user", unknown)]));
        if unknown > 0 {
            let (kind, column, examples) = (MisfitKind::UnknownUser, counted.table.user.clone(), Vec::new());
            rows.misfits.insert(0, Misfit { kind, column, rows: unknown, of: counted.usable, examples });
        }
        misfits::refuse_too_many(self.catalog, &rows.table, &rows.misfits)?;
        Ok(rows)
    }
}

/// The files of a snapshot, and per table how many events belong to somebody.
struct Written {
    parts: Vec<Part>,
    cube: Part,
    matched: Vec<u64>,
    users: TableRows,
}

/// A snapshot under way.
struct Day<'d> {
    as_of: NaiveDate,
    columns: Vec<SnapshotColumn>,
    tables: Vec<(&'d Aggregated<'d>, &'d TablePlan)>,
}

/// The snapshot's rows for some of its people (sorted by id), and the number of their events per table. Blocks.
fn part(day: &Day<'_>, people: DataFrame) -> Result<(Ordered, Vec<u64>), FeaturesError> {
    let order = locality(&people)?;
    let ids = people.column(USER_ID)?.as_materialized_series().clone();
    let mut columns: BTreeMap<String, Column> = BTreeMap::new();
    let mut add =
        |frame: DataFrame| columns.extend(frame.into_columns().into_iter().map(|c| (c.name().to_string(), c)));
    add(people);
    let (mut matched, mut active) = (Vec::new(), vec![false; ids.len()]);
    for (table, plan) in &day.tables {
        let Combined { values, events, active: here } = combine(plan, &table.partials, &ids)?;
        add(values);
        active.iter_mut().zip(here).for_each(|(active, here)| *active |= here);
        matched.push(events);
    }
    add(DataFrame::new(ids.len(), vec![Column::new(HAS_EVENTS.into(), active)])?);
    let ordered = day.columns.iter().map(|column| {
        let column = columns.remove(&column.name).expect("every described column was computed");
        debug_assert!(column.len() == ids.len());
        column
    });
    let rows = DataFrame::new(ids.len(), ordered.collect())?;
    Ok((Ordered { rows, order }, matched))
}

fn users_rows(counts: UsersCounts) -> TableRows {
    TableRows {
        table: "users".to_owned(),
        rows: counts.rows,
        rejected: reasons([("null_id", counts.null_id), ("duplicate_id", counts.duplicate_id)]),
        outside: reasons([("registered_later", counts.later)]),
        ..TableRows::default()
    }
}

fn scratch_folder() -> Result<tempfile::TempDir, FeaturesError> {
    tempfile::tempdir().map_err(FeaturesError::scratch(&std::env::temp_dir()))
}
