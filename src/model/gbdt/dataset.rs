//! A linfa dataset, checked and binned: what the booster learns from or watches.

use linfa::DatasetBase;
use ndarray::Array1;

use super::binning::{BinnedTable, FeatureBins};
use super::histogram::ROWS_MAX;
use super::model::FitError;
use super::objective::Targets;
use super::random::{Purpose, Stream};
use super::table::Table;

/// A table with a yes or no for each row, and weights if wanted.
pub(super) type Labelled = DatasetBase<Table, Array1<bool>>;

/// Rows that belong together: all of a dataset, or a part of it.
#[derive(Debug)]
pub(super) struct Fold {
    pub(super) table: BinnedTable,
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

impl Fold {
    /// The given rows of a checked dataset whose `columns` are in the order of `bins`.
    pub(super) fn new(dataset: &Labelled, columns: &[&[f32]], bins: &[FeatureBins], rows: &[u32]) -> Self {
        let weights = if dataset.weights.is_empty() { &[][..] } else { rows };
        let targets = Targets {
            labels: rows.iter().map(|&row| dataset.targets[row as usize]).collect(),
            weights: weights.iter().map(|&row| dataset.weights[row as usize]).collect(),
        };
        Self { table: BinnedTable::new(columns, bins, rows), targets }
    }

    pub(super) fn rows(&self) -> usize {
        self.targets.labels.len()
    }

    pub(super) fn positives(&self) -> usize {
        self.targets.labels.iter().filter(|&&label| label).count()
    }
}
