//! One day's snapshot: people, rankings, then part after part.

use std::{collections::BTreeMap, path::Path};

use chrono::NaiveDate;
use polars::prelude::*;

use super::{Batch, Contents, Counted, back, horizons, reasons};
use crate::{
    catalog::FeatureDecl,
    features::{
        FeaturesError, Part, SnapshotColumn, TableRows,
        aggregate::{Aggregated, aggregate},
        columns::{USER_ID, fixed_columns},
        plan::{FeatureColumn, TablePlan, feature_columns},
        ranking::{Ranking, rank},
        selection::Moment,
        write::write_part,
    },
    lake::tables::{self, Users, UsersCounts},
};

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
        let events = self.counted(id, as_of).await?;
        let features = self.columns(&events, as_of).await?;
        let plans: Vec<TablePlan> = events
            .iter()
            .map(|counted| TablePlan::new(self.catalog, counted.table, &features, Moment::of(as_of)))
            .collect();
        let mut columns = fixed_columns(self.catalog);
        columns.extend(features.iter().map(FeatureColumn::described));
        let day = Day { as_of, people, columns, tables: events.iter().zip(&plans).collect() };
        let (parts, matched) = self.write_parts(&day).await?;
        let columns = day.columns;
        let mut tables = vec![users_rows(counts)];
        for (counted, matched) in events.into_iter().zip(matched) {
            tables.push(self.matched_rows(counted, matched)?);
        }
        self.publish(Contents { as_of, columns, inputs, parts, tables }).await
    }

    /// The feature columns: categories as this day's events rank them, and as those one horizon earlier do.
    async fn columns(&self, events: &[Counted<'_>], as_of: NaiveDate) -> Result<Vec<FeatureColumn<'_>>, FeaturesError> {
        self.begin("ranking categories")?;
        let own = self.ranking(events, as_of).await?;
        let mut carried = Vec::new();
        for earlier in horizons(self.catalog).into_iter().filter_map(|horizon| back(as_of, horizon)) {
            carried.push(self.ranking(events, earlier).await?);
        }
        feature_columns(self.catalog, &own, &carried)
    }

    async fn ranking(&self, events: &[Counted<'_>], as_of: NaiveDate) -> Result<Ranking, FeaturesError> {
        let mut ranking = Ranking::new();
        for counted in events {
            let features = &self.catalog.features;
            let decls: Vec<&FeatureDecl> = features.iter().filter(|decl| decl.table == counted.table.name).collect();
            ranking.extend(rank(&decls, counted.events.usable(as_of), Moment::of(as_of)).await?);
        }
        Ok(ranking)
    }

    /// Writes every part; gives their entries and, per table, how many events belong to somebody.
    async fn write_parts(&self, day: &Day<'_>) -> Result<(Vec<Part>, Vec<u64>), FeaturesError> {
        self.begin("computing features")?;
        let scratch = scratch_folder()?;
        let (mut parts, mut matched) = (Vec::new(), vec![0; day.tables.len()]);
        let count = day.people.height().div_ceil(PART_ROWS);
        for index in 0..count {
            if self.reporter.stopped() {
                return Err(FeaturesError::Stopped);
            }
            self.reporter.advance(index as u64, count as u64);
            let people = day.people.slice(offset(index * PART_ROWS), PART_ROWS);
            let (rows, events) = part(day, people).await?;
            matched.iter_mut().zip(events).for_each(|(sum, events)| *sum += events);
            parts.push(self.write_one(rows, (day.as_of, index), scratch.path()).await?);
        }
        self.reporter.advance(count as u64, count as u64);
        Ok((parts, matched))
    }

    async fn write_one(
        &self,
        rows: DataFrame,
        (as_of, index): (NaiveDate, usize),
        scratch: &Path,
    ) -> Result<Part, FeaturesError> {
        let folder = scratch.to_owned();
        let written = tokio::task::spawn_blocking(move || write_part(&rows, (as_of, index), &folder)).await;
        let (part, path) = written.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked.into_panic()))?;
        self.store.write_file(&part.key, &path).await?;
        tokio::fs::remove_file(&path).await.map_err(|source| FeaturesError::Scratch { path, source })?;
        Ok(part)
    }

    fn matched_rows(&self, counted: Counted<'_>, matched: u64) -> Result<TableRows, FeaturesError> {
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

/// A snapshot under way.
struct Day<'d> {
    as_of: NaiveDate,
    /// Sorted by id.
    people: DataFrame,
    columns: Vec<SnapshotColumn>,
    tables: Vec<(&'d Counted<'d>, &'d TablePlan)>,
}

/// The snapshot's rows for some of its people, and the number of their events per table.
async fn part(day: &Day<'_>, people: DataFrame) -> Result<(DataFrame, Vec<u64>), FeaturesError> {
    let ids = people.column(USER_ID)?.as_materialized_series().clone();
    let everybody = people.height() == day.people.height();
    let mut columns: BTreeMap<String, Column> = BTreeMap::new();
    let mut add =
        |frame: DataFrame| columns.extend(frame.into_columns().into_iter().map(|c| (c.name().to_string(), c)));
    add(people);
    let mut matched = Vec::new();
    for (counted, plan) in &day.tables {
        let events = counted.events.usable(day.as_of);
        let events = if everybody { events } else { events.filter(between_ends(&ids)?) };
        let Aggregated { values, events } = aggregate(plan, &ids, events).await?;
        add(values);
        matched.push(events);
    }
    let ordered = day.columns.iter().map(|column| {
        let column = columns.remove(&column.name).expect("every described column was computed");
        debug_assert!(column.len() == ids.len());
        column
    });
    Ok((DataFrame::new(ids.len(), ordered.collect())?, matched))
}

/// Lets readers skip row groups of other people.
fn between_ends(ids: &Series) -> PolarsResult<Expr> {
    let end = |index: usize| Ok::<_, PolarsError>(lit(Scalar::new(ids.dtype().clone(), ids.get(index)?.into_static())));
    Ok(col("user_id").gt_eq(end(0)?).and(col("user_id").lt_eq(end(ids.len() - 1)?)))
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
    tempfile::tempdir().map_err(|source| FeaturesError::Scratch { path: std::env::temp_dir(), source })
}

fn offset(row: usize) -> i64 {
    i64::try_from(row).expect("row counts fit 63 bits")
}
