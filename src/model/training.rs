//! The training set: features as of several past days, labels from the horizon after each, people in three folds.
//!
//! Point in time: features of a window come from the snapshot of its first day alone; the snapshot one horizon later says
//! only who converted in between. Whoever is in several windows is in the same fold in each.

use std::path::{Path, PathBuf};

use polars::prelude::*;

use crate::{
    catalog::{Catalog, ProductId},
    contracts::columns,
    digest::stable_hash,
    features::{self, Snapshot},
    progress::Report,
};

use super::{
    ModelError,
    replay::{LABEL, LOG_ODDS, Replay},
};

/// Negatives that are learned from for each positive, where there are more.
const NEGATIVES_PER_POSITIVE: u64 = 20;
/// So many negatives are learned from in any case, if there are so many.
const NEGATIVES_MIN: u64 = 200_000;
/// More rows than about this are never learned from; positives are thinned last.
const ROWS_MAX: u64 = 1_000_000;
/// People of the newest window that judge the model, at most.
const JUDGES_MAX: u64 = 200_000;

/// Parts of a hundred; the rest trains.
const JUDGE_PERCENT: u64 = 20;
const WATCH_PERCENT: u64 = 16;

/// A day to learn from: what was known then, and who converted in the horizon after it.
pub(super) struct Window<'a> {
    pub(super) features_of: &'a Snapshot,
    pub(super) labels_of: &'a Snapshot,
}

/// What a training set is made of.
pub(super) struct Source<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) product: &'a ProductId,
    /// Columns, in the model's order.
    pub(super) features: &'a [String],
    /// Decides who is in which fold.
    pub(super) seed: u64,
}

/// People to learn from; the rows of the newest window come first.
#[derive(Debug, Default)]
pub(super) struct TrainingSet {
    /// Column-major features; NaN = missing.
    pub(super) columns: Vec<Vec<f32>>,
    /// Whether each row's person converted.
    pub(super) labels: Vec<bool>,
    /// How many rows like it each stands for; 0 for those that only judge.
    pub(super) weights: Vec<f32>,
    pub(super) folds: Vec<Fold>,
    /// Whether each row is of the newest window and was drawn without a look at its label.
    judges: Vec<bool>,
    /// Rows of the newest window.
    newest: usize,
    /// People of the newest window who are not learned from: without any event up to the day of the features, so that nobody
    /// knows whether they were there.
    pub(super) without_events: u64,
    /// People of the newest window and converters among them, thinned or not.
    pub(super) people: u64,
    pub(super) converted: u64,
}

/// Which part in training a person plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fold {
    /// Grows the trees.
    Learn,
    /// Decides when boosting stops, and calibrates.
    Watch,
    /// Judges the model that learned without it.
    Judge,
}

impl TrainingSet {
    /// Converters that are learned from, in all windows.
    pub(super) fn positives(&self) -> u64 {
        self.labels.iter().zip(&self.weights).filter(|(label, weight)| **label && **weight > 0.0).count() as u64
    }

    /// The rows of a fold; of those that do not grow trees, the newest window's alone.
    pub(super) fn rows(&self, fold: Fold) -> Vec<u32> {
        let of_fold = |row: usize| {
            let taken = match fold {
                Fold::Learn => self.weights[row] > 0.0,
                Fold::Watch => row < self.newest && self.weights[row] > 0.0,
                Fold::Judge => self.judges[row],
            };
            taken && self.folds[row] == fold
        };
        (0..self.labels.len()).filter(|row| of_fold(*row)).map(row_number).collect()
    }

    /// Rows, of all windows, of people who grow no tree while the model is watched.
    pub(super) fn unseen(&self) -> Vec<u32> {
        let unseen = |row: &usize| self.folds[*row] != Fold::Learn && self.weights[*row] > 0.0;
        (0..self.labels.len()).filter(unseen).map(row_number).collect()
    }

    /// Rows of the newest window that are learned from: they say how many will convert.
    pub(super) fn newest_rows(&self) -> Vec<u32> {
        (0..self.newest).filter(|row| self.weights[*row] > 0.0).map(row_number).collect()
    }
}

fn row_number(row: usize) -> u32 {
    u32::try_from(row).expect("rows are at most a few times ROWS_MAX")
}

/// Reads the windows, the newest first, and labels their people. Who is not in both snapshots of a window is left out.
pub(super) async fn assemble(
    source: &Source<'_>,
    windows: &[Window<'_>],
    report: &dyn Report,
) -> Result<TrainingSet, ModelError> {
    let converted = columns::converted_on(source.product);
    let mut all_labels = Vec::new();
    for window in windows {
        all_labels.push(labels(&window.labels_of.local_parts().await?, &converted, window.features_of)?);
    }
    let mut draw = Draw::of(&all_labels, source.seed)?;
    if draw.negatives > 1 {
        tracing::info!(
            product = source.product.as_str(),
            positive_of = draw.positives,
            negative_of = draw.negatives,
            "learns from one in so many of the people"
        );
    }
    let mut set = TrainingSet::default();
    let parts_of_all: usize = windows.iter().map(|window| window.features_of.manifest().parts.len()).sum();
    let mut done = 0;
    for (age, (window, labels)) in windows.iter().zip(all_labels).enumerate() {
        draw.window = age as u64;
        let labels = labels.lazy();
        for part in window.features_of.local_parts().await? {
            if report.stopped() {
                return Err(ModelError::Stopped);
            }
            let (rows, without_events) = labelled(&part, source, source.features, labels.clone())?;
            if age == 0 {
                set.without_events += without_events;
            }
            set.take(&rows, source, &draw)?;
            done += 1;
            report.advance(done, parts_of_all as u64);
        }
        if age == 0 {
            set.newest = set.labels.len();
        }
    }
    Ok(set)
}

/// A window's people as `booster` ranks them and what they did, those whose id is `taken`.
pub(super) async fn ranked(
    source: &Source<'_>,
    window: &Window<'_>,
    booster: &gbdt::Gbdt,
    taken: &(dyn Fn(&str) -> bool + Sync),
) -> Result<DataFrame, ModelError> {
    let kept = Replay::columns(source.catalog, source.product);
    let mut read: Vec<String> = source.features.to_vec();
    read.extend(kept.iter().filter(|column| !source.features.contains(column)).cloned());
    let labels =
        labels(&window.labels_of.local_parts().await?, &columns::converted_on(source.product), window.features_of)?;
    let (labels, scorer, mut all) = (labels.lazy(), booster.scorer(), None::<DataFrame>);
    for part in window.features_of.local_parts().await? {
        let (rows, _) = labelled(&part, source, &read, labels.clone())?;
        let ids = rows.column(columns::USER_ID)?.cast(&DataType::String)?;
        let mask: BooleanChunked = ids.str()?.iter().map(|id| Some(id.is_some_and(taken))).collect();
        let rows = rows.filter(&mask)?;
        let columns = features::encode(&rows, source.features, source.catalog)?;
        let columns: Vec<Option<&[f32]>> = columns.iter().map(|column| Some(column.as_slice())).collect();
        let mut log_odds = vec![0.0; rows.height()];
        scorer.log_odds(&columns, &mut log_odds);
        let mut ranked = rows.select(kept.iter().map(String::as_str).chain([LABEL]))?;
        ranked.with_column(Column::new(LOG_ODDS.into(), log_odds))?;
        match &mut all {
            None => all = Some(ranked),
            Some(all) => drop(all.vstack_mut(&ranked)?),
        }
    }
    all.ok_or(ModelError::EmptySnapshot(window.features_of.as_of()))
}

/// Who takes part in a replay of a window with so many people, and how many each stands for.
pub(super) fn replayed(people: u64, seed: u64) -> (u64, impl Fn(&str) -> bool + Sync) {
    let one_in = people.div_ceil(JUDGES_MAX).max(1);
    (one_in, move |id: &str| stable_hash(seed ^ 0x7061_7374, id.as_bytes()).is_multiple_of(one_in))
}

/// Who judges a model that learned from the same window.
pub(super) fn held_out(people: u64, seed: u64) -> impl Fn(&str) -> bool + Sync {
    let draw = Draw::from_counts(0, 0, people, seed);
    move |id: &str| fold(id, seed) == Fold::Judge && draw.judges(id)
}

/// The people of one part with `columns` and their label, and how many are left out because nobody knows whether they were there.
fn labelled(
    part: &Path,
    source: &Source<'_>,
    columns: &[String],
    labels: LazyFrame,
) -> Result<(DataFrame, u64), ModelError> {
    // Who registered later is not in the snapshot; where nobody says when, no event may mean that somebody joined later.
    let judged_by_events = source.catalog.users.registered.is_none();
    let mut columns = columns.to_vec();
    columns.extend(judged_by_events.then(|| columns::HAS_EVENTS.to_owned()));
    let rows = read(part, &columns)?.lazy().join(
        labels,
        [col(columns::USER_ID)],
        [col(columns::USER_ID)],
        JoinArgs { maintain_order: MaintainOrderJoin::Left, ..JoinArgs::new(JoinType::Inner) },
    );
    let rows = rows.collect()?;
    if !judged_by_events {
        return Ok((rows, 0));
    }
    let there = rows.filter(rows.column(columns::HAS_EVENTS)?.bool()?)?;
    let left_out = (rows.height() - there.height()) as u64;
    Ok((there, left_out))
}

impl TrainingSet {
    /// Adds those people of a window's part who are drawn.
    fn take(&mut self, rows: &DataFrame, source: &Source<'_>, draw: &Draw) -> Result<(), ModelError> {
        let ids = rows.column(columns::USER_ID)?.cast(&DataType::String)?;
        let labels = rows.column(LABEL)?.bool()?;
        let is_newest = draw.window == 0;
        let people = ids.str()?.iter().zip(labels.iter()).map(|(id, label)| {
            let (id, label) = (id.unwrap_or_default(), label == Some(true));
            let fold = fold(id, source.seed);
            let judges = is_newest && fold == Fold::Judge && draw.judges(id);
            (label, fold, judges, draw.weight(id, label))
        });
        let people: Vec<_> = people.collect();
        if is_newest {
            self.people += people.len() as u64;
            self.converted += people.iter().filter(|(label, ..)| *label).count() as u64;
        }
        let kept: BooleanChunked = people.iter().map(|(_, _, judges, weight)| Some(*judges || *weight > 0.0)).collect();
        let columns = features::encode(&rows.filter(&kept)?, source.features, source.catalog)?;
        let drawn = people.into_iter().filter(|(_, _, judges, weight)| *judges || *weight > 0.0);
        for (label, fold, judges, weight) in drawn {
            self.labels.push(label);
            self.folds.push(fold);
            self.judges.push(judges);
            self.weights.push(weight);
        }
        if self.columns.is_empty() {
            self.columns = columns;
        } else {
            self.columns.iter_mut().zip(columns).for_each(|(all, new)| all.extend(new));
        }
        Ok(())
    }
}

/// `user_id` and `label` of everyone in the later snapshot.
fn labels(parts: &[PathBuf], converted: &str, features_of: &Snapshot) -> Result<DataFrame, ModelError> {
    let column = [converted.to_owned()];
    let mut all: Option<DataFrame> = None;
    for part in parts {
        let frame = read(part, &column)?
            .lazy()
            .select([col(columns::USER_ID), col(converted).gt(lit(features_of.as_of())).fill_null(false).alias(LABEL)])
            .collect()?;
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
    let columns = std::iter::once(columns::USER_ID.to_owned()).chain(columns.iter().cloned()).collect();
    Ok(ParquetReader::new(file).with_columns(Some(columns)).finish()?)
}

/// Which people are learned from: one in so many, by a hash of their id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Draw {
    /// One positive in so many.
    positives: u64,
    /// One negative in so many.
    negatives: u64,
    /// One person of the newest window's judges in so many.
    judges: u64,
    /// 0 for the newest.
    window: u64,
    seed: u64,
}

impl Draw {
    fn of(windows: &[DataFrame], seed: u64) -> Result<Self, ModelError> {
        let (mut people, mut positives) = (0, 0);
        for labels in windows {
            people += labels.height() as u64;
            positives += u64::from(labels.column(LABEL)?.bool()?.sum().unwrap_or_default());
        }
        let newest = windows.first().map_or(0, |labels| labels.height() as u64);
        Ok(Self::from_counts(positives, people - positives, newest, seed))
    }

    fn from_counts(positives: u64, negatives: u64, newest: u64, seed: u64) -> Self {
        let of_positives = positives.div_ceil(ROWS_MAX / 2).max(1);
        let positives = positives / of_positives;
        let wanted = (positives * NEGATIVES_PER_POSITIVE).max(NEGATIVES_MIN).min(ROWS_MAX - positives);
        Self {
            positives: of_positives,
            negatives: negatives.div_ceil(wanted).max(of_positives),
            judges: (newest * JUDGE_PERCENT / 100).div_ceil(JUDGES_MAX).max(1),
            window: 0,
            seed,
        }
    }

    /// How many people like this one, of the present window, it stands for; 0 for who is not learned from.
    #[expect(clippy::cast_precision_loss, reason = "a small whole number")]
    fn weight(&self, id: &str, label: bool) -> f32 {
        let one_in = if label { self.positives } else { self.negatives };
        let drawn = stable_hash(self.seed ^ 0x7468_696e ^ (self.window << 32), id.as_bytes()).is_multiple_of(one_in);
        if drawn { one_in as f32 / self.positives as f32 } else { 0.0 }
    }

    fn judges(&self, id: &str) -> bool {
        stable_hash(self.seed ^ 0x6a75_6467, id.as_bytes()).is_multiple_of(self.judges)
    }
}

fn fold(id: &str, seed: u64) -> Fold {
    match stable_hash(seed, id.as_bytes()) % 100 {
        percent if percent < JUDGE_PERCENT => Fold::Judge,
        percent if percent < JUDGE_PERCENT + WATCH_PERCENT => Fold::Watch,
        _ => Fold::Learn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_divided_as_promised_and_always_the_same() {
        let folds: Vec<Fold> = (0..10_000).map(|id| fold(&id.to_string(), 1)).collect();
        let count = |wanted| folds.iter().filter(|fold| **fold == wanted).count();
        assert!((1_900..2_100).contains(&count(Fold::Judge)), "{}", count(Fold::Judge));
        assert!((1_500..1_700).contains(&count(Fold::Watch)), "{}", count(Fold::Watch));
        assert_eq!(fold("42", 1), fold("42", 1));
        let other: Vec<Fold> = (0..10_000).map(|id| fold(&id.to_string(), 2)).collect();
        assert_ne!(folds, other);
    }

    #[test]
    fn negatives_are_thinned_before_positives_and_stand_for_those_that_are_missing() {
        let draw = |positives, negatives| Draw::from_counts(positives, negatives, 1_000, 1);
        assert_eq!((draw(100, 150_000).positives, draw(100, 150_000).negatives), (1, 1), "few people all teach");
        assert_eq!((draw(3_000, 10_000_000).positives, draw(3_000, 10_000_000).negatives), (1, 50));
        assert_eq!((draw(100_000, 2_900_000).positives, draw(100_000, 2_900_000).negatives), (1, 4));
        let many = draw(3_000_000, 30_000_000);
        assert_eq!((many.positives, many.negatives), (6, 60));
        let stands_for: f32 = (0..10_000).map(|id| draw(3_000, 10_000_000).weight(&id.to_string(), false)).sum();
        assert!((8_000.0..12_000.0).contains(&stands_for), "{stands_for}");
    }
}
