//! A trained model, and how it comes from checked parameters and a linfa dataset.

use linfa::ParamGuard;
use linfa::traits::Fit;
use ndarray::Array1;
use serde::{Deserialize, Serialize};

use super::binning::{FeatureBins, choose_bins};
use super::booster::Booster;
use super::dataset::{Fold, Labelled, all_rows, check, set_aside};
use super::params::{GbdtParams, GbdtValidParams, InvalidParams};
use super::random::key;
use super::table::Table;
use super::tree::Tree;

/// A trained model. Made by `fit` or read from a file, so it is always consistent.
#[derive(Debug, Clone, PartialEq)]
pub struct Gbdt {
    pub(super) feature_names: Vec<String>,
    pub(super) bins: Vec<FeatureBins>,
    pub(super) base_score: f64,
    pub(super) trees: Vec<Tree>,
    pub(super) params: GbdtValidParams,
    pub(super) facts: TrainingFacts,
}

/// What the model was trained on and how that went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingFacts {
    /// Rows that trees were grown on.
    pub rows: usize,
    /// Positives among them.
    pub positives: usize,
    /// Rows that decided when to stop; 0 without early stopping.
    pub validation_rows: usize,
    /// Trees that were grown; the model keeps those up to the best round.
    pub trees_grown: usize,
    /// Mean log-loss on the validation rows with the trees that were kept; `None` without early stopping.
    pub validation_loss: Option<f64>,
}

/// Why a model cannot be trained.
#[derive(Debug, thiserror::Error)]
pub enum FitError {
    #[error(transparent)]
    Params(#[from] InvalidParams),
    #[error(transparent)]
    Linfa(#[from] linfa::Error),
    #[error("there are no rows to learn from")]
    NoRows,
    #[error("{0} rows are more than a model can learn from")]
    TooManyRows(usize),
    #[error("{rows} rows have {labels} labels")]
    Labels { rows: usize, labels: usize },
    #[error("{rows} rows have {weights} weights")]
    Weights { rows: usize, weights: usize },
    #[error("the weight of row {row} is {weight}; it must be finite and not negative")]
    Weight { row: usize, weight: f32 },
    #[error("no row has a weight above 0")]
    NoWeight,
    #[error("the validation table has no column `{0}`")]
    ValidationColumn(String),
}

impl Fit<Table, Array1<bool>, FitError> for GbdtValidParams {
    type Object = Gbdt;

    /// Sets a random share of the rows aside to know when to stop; not so when the patience is 0, or when learning or
    /// watching would see one class only.
    fn fit(&self, dataset: &Labelled) -> Result<Gbdt, FitError> {
        check(dataset)?;
        let bins = choose_bins(&dataset.records, self.bins_max, self.seed);
        let columns: Vec<&[f32]> = dataset.records.columns().iter().map(Vec::as_slice).collect();
        let fold = |rows: &[u32]| Fold::new(dataset, &columns, &bins, rows);
        if self.patience > 0 {
            let (rows, validation_rows) = set_aside(dataset, self.validation_fraction, self.seed);
            let (train, validation) = (fold(&rows), fold(&validation_rows));
            if train.targets.have_both_classes() && validation.targets.have_both_classes() {
                return Ok(self.boost(dataset.records.names(), bins, &train, Some(&validation)));
            }
        }
        let train = fold(&all_rows(dataset));
        Ok(self.boost(dataset.records.names(), bins, &train, None))
    }
}

impl GbdtValidParams {
    /// Learns from all of `train` and stops by the loss on `validation`, unless the patience is 0. Columns of
    /// `validation` are found by name; it may have others.
    pub fn fit_with_validation(&self, train: &Labelled, validation: &Labelled) -> Result<Gbdt, FitError> {
        check(train)?;
        check(validation)?;
        let names = train.records.names();
        let bins = choose_bins(&train.records, self.bins_max, self.seed);
        let fold = |dataset: &Labelled| -> Result<Fold, FitError> {
            let column = |name: &String| dataset.records.column(name);
            let columns = names.iter().map(|name| column(name).ok_or_else(|| FitError::ValidationColumn(name.clone())));
            Ok(Fold::new(dataset, &columns.collect::<Result<Vec<_>, _>>()?, &bins, &all_rows(dataset)))
        };
        let (train, validation) = (fold(train)?, fold(validation)?);
        let watched = (self.patience > 0).then_some(&validation);
        Ok(self.boost(names, bins.clone(), &train, watched))
    }

    fn boost(&self, names: &[String], bins: Vec<FeatureBins>, train: &Fold, validation: Option<&Fold>) -> Gbdt {
        let feature_keys: Vec<u64> = names.iter().map(|name| key(name)).collect();
        let task = Booster { params: self, bins: &bins, feature_keys: &feature_keys, train, validation };
        let boosted = task.boost();
        Gbdt {
            feature_names: names.to_vec(),
            bins,
            base_score: boosted.base_score,
            trees: boosted.trees,
            params: self.clone(),
            facts: boosted.facts,
        }
    }
}

impl GbdtParams {
    /// Checks the parameters, then [`GbdtValidParams::fit_with_validation`].
    pub fn fit_with_validation(&self, train: &Labelled, validation: &Labelled) -> Result<Gbdt, FitError> {
        self.check_ref()?.fit_with_validation(train, validation)
    }
}

impl Gbdt {
    /// The features in the order of training, which is the order of [`Gbdt::gains`] and of features in trees.
    pub fn feature_names(&self) -> &[String] {
        &self.feature_names
    }

    /// How each feature's values are cut.
    pub fn bins(&self) -> &[FeatureBins] {
        &self.bins
    }

    /// Log-odds before the first tree.
    pub fn base_score(&self) -> f64 {
        self.base_score
    }

    /// In the order of training.
    pub fn trees(&self) -> &[Tree] {
        &self.trees
    }

    pub fn params(&self) -> &GbdtValidParams {
        &self.params
    }

    pub fn facts(&self) -> &TrainingFacts {
        &self.facts
    }

    /// For each feature, the gain of all splits that test it.
    pub fn gains(&self) -> Vec<f64> {
        let mut gains = vec![0.0; self.feature_names.len()];
        for split in self.trees.iter().flat_map(Tree::splits) {
            gains[split.feature] += split.gain;
        }
        gains
    }

    /// For each feature, how many splits test it.
    pub fn split_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.feature_names.len()];
        for split in self.trees.iter().flat_map(Tree::splits) {
            counts[split.feature] += 1;
        }
        counts
    }
}
