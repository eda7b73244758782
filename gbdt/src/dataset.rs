//! A linfa dataset, checked and binned: what the booster learns from or watches.

use std::borrow::Cow;

use linfa::DatasetBase;
use ndarray::Array1;
use rayon::prelude::*;

use super::bin_map::BinMap;
use super::binning::{FeatureBins, choose_bins, sample};
use super::fit::FitError;
use super::math::real;
use super::objective::Targets;
use super::random::{Purpose, Stream};
use super::table::Table;

/// Rows whose quantised gradients can be summed without overflow.
pub(super) const ROWS_MAX: usize = 1 << 30;

/// A table with a yes or no for each row, and weights if wanted.
pub(super) type Labelled = DatasetBase<Table, Array1<bool>>;

/// Rows that belong together: all of a dataset, or a part of it.
#[derive(Debug)]
pub(super) struct Fold {
    /// The bin of each row, feature by feature.
    pub(super) columns: Vec<Vec<u8>>,
    pub(super) targets: Targets,
}

/// Refuses a dataset whose parts do not fit each other or that nothing can be learned from.
pub(super) fn check(dataset: &Labelled) -> Result<(), FitError> {
    let (rows, labels, weights) = (dataset.records.rows(), dataset.targets.len(), dataset.weights.len());
    if rows == 0 {
        return Err(FitError::NoRows);
    }
    if rows > ROWS_MAX {
        return Err(FitError::TooManyRows(rows));
    }
    if labels != rows {
        return Err(FitError::Labels { rows, labels });
    }
    if weights != 0 && weights != rows {
        return Err(FitError::Weights { rows, weights });
    }
    let valid = |weight: f32| weight >= 0.0 && weight.is_finite();
    if let Some((row, &weight)) = dataset.weights.iter().enumerate().find(|(_, weight)| !valid(**weight)) {
        return Err(FitError::Weight { row, weight });
    }
    if weights != 0 && dataset.weights.iter().all(|&weight| weight <= 0.0) {
        return Err(FitError::NoWeight);
    }
    Ok(())
}

/// All row numbers of a checked dataset.
pub(super) fn all_rows(dataset: &Labelled) -> Vec<u32> {
    (0..u32::try_from(dataset.records.rows()).expect("at most ROWS_MAX rows")).collect()
}

/// Parts the rows by chance into those to learn from and those to watch.
pub(super) fn set_aside(dataset: &Labelled, fraction: f64, seed: u64) -> (Vec<u32>, Vec<u32>) {
    let stream = Stream::new(seed, Purpose::ValidationRows, 0);
    all_rows(dataset).into_iter().partition(|&row| stream.unit(u64::from(row)) >= fraction)
}

/// Keeps all positives and, by chance, about so many negatives for each; returns the share of negatives that was kept.
pub(super) fn thin_negatives(dataset: &Labelled, rows: Vec<u32>, per_positive: f64, seed: u64) -> (Vec<u32>, f64) {
    let positive = |row: &u32| dataset.targets[*row as usize];
    let positives = rows.iter().filter(|row| positive(row)).count();
    let wanted = per_positive * real(positives) / real((rows.len() - positives).max(1));
    if per_positive <= 0.0 || positives == 0 || wanted >= 1.0 {
        return (rows, 1.0);
    }
    let stream = Stream::new(seed, Purpose::NegativeRows, 0);
    let kept = rows.into_iter().filter(|row| positive(row) || stream.unit(u64::from(*row)) < wanted).collect();
    (kept, wanted)
}

impl Fold {
    /// The given rows, which rise, of a checked dataset, in bins that are chosen from them.
    pub(super) fn with_bins(dataset: &Labelled, rows: &[u32], bins_max: usize, seed: u64) -> (Vec<FeatureBins>, Self) {
        let sample = sample(rows, seed);
        let columns = dataset.records.columns().par_iter().zip(dataset.records.kinds());
        let binned = columns.map(|(column, kind)| {
            let values = pick(column, rows);
            let bins = choose_bins(&values, &sample, kind, bins_max);
            let binned = bin_all(&values, &bins);
            (bins, binned)
        });
        let (bins, columns) = binned.unzip();
        (bins, Self { columns, targets: targets(dataset, rows) })
    }

    /// The given rows, which rise, of a checked dataset whose `columns` are in the order of `bins`.
    pub(super) fn new(dataset: &Labelled, columns: &[&[f32]], bins: &[FeatureBins], rows: &[u32]) -> Self {
        let columns = columns.par_iter().zip(bins).map(|(column, bins)| bin_all(&pick(column, rows), bins));
        Self { columns: columns.collect(), targets: targets(dataset, rows) }
    }

    pub(super) fn rows(&self) -> usize {
        self.targets.labels.len()
    }

    pub(super) fn positives(&self) -> usize {
        self.targets.labels.iter().filter(|&&label| label).count()
    }
}

fn targets(dataset: &Labelled, rows: &[u32]) -> Targets {
    let weights = if dataset.weights.is_empty() { &[][..] } else { rows };
    Targets {
        labels: rows.iter().map(|&row| dataset.targets[row as usize]).collect(),
        weights: weights.iter().map(|&row| dataset.weights[row as usize]).collect(),
    }
}

/// The values of the given rows.
fn pick<'a>(column: &'a [f32], rows: &[u32]) -> Cow<'a, [f32]> {
    if rows.len() == column.len() {
        return column.into();
    }
    rows.iter().map(|&row| column[row as usize]).collect()
}

fn bin_all(values: &[f32], bins: &FeatureBins) -> Vec<u8> {
    let mut binned = vec![0; values.len()];
    BinMap::new(bins).fill(values, &mut binned);
    binned
}
