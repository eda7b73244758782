//! The training set: features as of one day, labels from the horizon after it, people split by a hash of their id.
//!
//! Point in time: features come from the snapshot of `D − H` alone; the later snapshot says only who converted within
//! `(D − H, D]`.

use std::path::{Path, PathBuf};

use polars::prelude::*;

use crate::{
    audience,
    catalog::{Catalog, ProductId},
    digest::stable_hash,
    features::{HAS_EVENTS, Snapshot, conversion_column},
    lake::Report,
};

use super::ModelError;

/// More people than this are thinned by a hash of their id; the base rate stays.
const PEOPLE_MAX: u64 = 1_000_000;

/// Parts of a hundred; the rest trains.
const HOLDOUT_PERCENT: u64 = 20;
const VALIDATION_PERCENT: u64 = 16;

/// Column-major features (NaN = missing) and whether each person converted.
#[derive(Debug, Default, Clone)]
pub(super) struct Split {
    pub(super) columns: Vec<Vec<f32>>,
    pub(super) labels: Vec<bool>,
}

/// People to learn from, in three parts that share nobody.
#[derive(Debug, Default)]
pub(super) struct TrainingSet {
    pub(super) train: Split,
    /// Decides when boosting stops.
    pub(super) validation: Split,
    /// Judges the model; never seen while it is made.
    pub(super) holdout: Split,
    /// People in none of them: without any event up to the day of the features, so that nobody knows whether they were there.
    pub(super) without_events: u64,
}

impl TrainingSet {
    /// Converters in all parts together.
    pub(super) fn positives(&self) -> u64 {
        [&self.train, &self.validation, &self.holdout].into_iter().map(Split::positives).sum()
    }

    /// People in all parts together.
    pub(super) fn people(&self) -> u64 {
        [&self.train, &self.validation, &self.holdout].into_iter().map(|part| part.labels.len() as u64).sum()
    }
}

impl Split {
    pub(super) fn positives(&self) -> u64 {
        self.labels.iter().filter(|&&label| label).count() as u64
    }

    fn append(&mut self, columns: Vec<Vec<f32>>, labels: impl Iterator<Item = bool>) {
        if self.columns.is_empty() {
            self.columns = columns;
        } else {
            for (all, new) in self.columns.iter_mut().zip(columns) {
                all.extend(new);
            }
        }
        self.labels.extend(labels);
    }
}

/// What a training set is made of.
pub(super) struct Source<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) product: &'a ProductId,
    /// Columns, in the model's order.
    pub(super) features: &'a [String],
    /// Decides who is in which part.
    pub(super) seed: u64,
}

/// Reads `features_of` and labels its people by who converted up to `labels_of`'s day. Who is not in both is left out.
pub(super) async fn assemble(
    source: &Source<'_>,
    features_of: &Snapshot,
    labels_of: &Snapshot,
    report: &dyn Report,
) -> Result<TrainingSet, ModelError> {
    let feature_parts = features_of.local_parts().await?;
    let converted = conversion_column(source.product);
    let label_parts = labels_of.local_parts().await?;
    let people = features_of.manifest().rows;
    let labels = labels(&label_parts, (&converted, features_of), (source.seed, people))?;
    let mut set = TrainingSet::default();
    // Who registered later is not in the snapshot; where nobody says when, no event may mean that somebody joined later.
    let judged_by_events = source.catalog.users.registered.is_none();
    for (done, part) in feature_parts.iter().enumerate() {
        if report.stopped() {
            return Err(ModelError::Stopped);
        }
        let mut columns = source.features.to_vec();
        columns.extend(judged_by_events.then(|| HAS_EVENTS.to_owned()));
        let frame = read(part, &columns)?;
        let labelled = frame.lazy().join(
            labels.clone().lazy(),
            [col("user_id")],
            [col("user_id")],
            JoinArgs { maintain_order: MaintainOrderJoin::Left, ..JoinArgs::new(JoinType::Inner) },
        );
        let mut labelled = labelled.collect()?;
        if judged_by_events {
            let there = labelled.column(HAS_EVENTS)?.bool()?.clone();
            let people = labelled.height();
            labelled = labelled.filter(&there)?;
            set.without_events += (people - labelled.height()) as u64;
        }
        split(&mut set, &labelled, source)?;
        report.advance(done as u64 + 1, feature_parts.len() as u64);
    }
    Ok(set)
}

/// `user_id` and `label` of everyone in the later snapshot who is not thinned out.
fn labels(
    parts: &[PathBuf],
    (converted, features_of): (&str, &Snapshot),
    (seed, people): (u64, u64),
) -> Result<DataFrame, ModelError> {
    let column = [converted.to_owned()];
    let mut all: Option<DataFrame> = None;
    for part in parts {
        let frame = read(part, &column)?
            .lazy()
            .select([col("user_id"), col(converted).gt(lit(features_of.as_of())).fill_null(false).alias("label")])
            .collect()?;
        let frame = frame.filter(&kept(frame.column("user_id")?, seed, people)?)?;
        match &mut all {
            None => all = Some(frame),
            Some(all) => drop(all.vstack_mut(&frame)?),
        }
    }
    all.ok_or(ModelError::EmptySnapshot(features_of.as_of()))
}

/// `user_id` and `columns` of one part.
fn read(part: &Path, columns: &[String]) -> Result<DataFrame, ModelError> {
    let file = std::fs::File::open(part).map_err(|source| ModelError::Read { part: part.to_owned(), source })?;
    let columns = std::iter::once("user_id".to_owned()).chain(columns.iter().cloned()).collect();
    Ok(ParquetReader::new(file).with_columns(Some(columns)).finish()?)
}

fn split(set: &mut TrainingSet, frame: &DataFrame, source: &Source<'_>) -> Result<(), ModelError> {
    let places = of_ids(frame.column("user_id")?, |id| place(id, source.seed))?;
    for (place, part) in
        [(Place::Train, &mut set.train), (Place::Validation, &mut set.validation), (Place::Holdout, &mut set.holdout)]
    {
        let mask: BooleanChunked = places.iter().map(|at| Some(*at == place)).collect();
        let chosen = frame.filter(&mask)?;
        let columns = audience::encode(&chosen, source.features, source.catalog)?;
        part.append(columns, chosen.column("label")?.bool()?.iter().map(|label| label == Some(true)));
    }
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Train,
    Validation,
    Holdout,
}

/// Who takes part, where there are more `people` than training needs.
fn kept(ids: &Column, seed: u64, people: u64) -> Result<BooleanChunked, ModelError> {
    if people <= PEOPLE_MAX {
        return Ok(BooleanChunked::full(PlSmallStr::EMPTY, true, ids.len()));
    }
    Ok(of_ids(ids, |id| takes_part(id, seed, people))?.into_iter().map(Some).collect())
}

fn takes_part(id: &str, seed: u64, people: u64) -> bool {
    stable_hash(seed ^ 0x7468_696e, id.as_bytes()) % people.max(1) < PEOPLE_MAX
}

fn of_ids<T>(ids: &Column, one: impl Fn(&str) -> T) -> Result<Vec<T>, ModelError> {
    let text = ids.cast(&DataType::String)?;
    Ok(text.str()?.iter().map(|id| one(id.unwrap_or_default())).collect())
}

fn place(id: &str, seed: u64) -> Place {
    match stable_hash(seed, id.as_bytes()) % 100 {
        percent if percent < HOLDOUT_PERCENT => Place::Holdout,
        percent if percent < HOLDOUT_PERCENT + VALIDATION_PERCENT => Place::Validation,
        _ => Place::Train,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_split_as_promised_and_always_the_same() {
        let places: Vec<Place> = (0..10_000).map(|id| place(&id.to_string(), 1)).collect();
        let count = |wanted| places.iter().filter(|place| **place == wanted).count();
        assert!((1_900..2_100).contains(&count(Place::Holdout)), "{}", count(Place::Holdout));
        assert!((1_500..1_700).contains(&count(Place::Validation)), "{}", count(Place::Validation));
        assert_eq!(place("42", 1), place("42", 1));
        let other: Vec<Place> = (0..10_000).map(|id| place(&id.to_string(), 2)).collect();
        assert_ne!(places, other);
    }

    #[test]
    fn more_people_than_needed_are_thinned() {
        let kept = (0..10_000).filter(|id| takes_part(&id.to_string(), 1, 4 * PEOPLE_MAX)).count();
        assert!((2_300..2_700).contains(&kept), "{kept}");
    }
}
