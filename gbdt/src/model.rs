//! A trained model: features, trees, calibration, and what is known of its making.

use serde::{Deserialize, Serialize};

use super::binning::{Cuts, FeatureBins};
use super::calibration::Calibration;
use super::dataset::Labelled;
use super::math::real;
use super::params::GbdtValidParams;
use super::tree::Tree;

/// Leaf values of the models trained here are whole multiples of 2^-24: finer than `f32`, and 128 either way.
pub(super) const LEAF_BITS: u8 = 24;

/// A trained model. Made by `fit` or read from a file, so it is always consistent.
#[derive(Debug, Clone, PartialEq)]
pub struct Gbdt {
    pub(super) feature_names: Vec<String>,
    /// One for each name.
    pub(super) bins: Vec<FeatureBins>,
    /// Leaf values are multiples of 2 to the power of minus this; at most 30.
    pub(super) leaf_bits: u8,
    /// Finite.
    pub(super) base_score: f64,
    /// The sum of the trees' largest absolute leaf values is below 2^31, so that sums of one leaf a tree fit `i32`.
    pub(super) trees: Vec<Tree>,
    pub(super) calibration: Calibration,
    pub(super) params: GbdtValidParams,
    pub(super) facts: TrainingFacts,
    /// Whether numbers are compared with cuts as 64-bit floats: so in models of programs that do; see [`Gbdt::ranked`].
    pub(super) doubles: bool,
}

/// What the model was trained on and how that went.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingFacts {
    /// Rows that trees were grown on.
    pub rows: usize,
    /// Positives among them.
    pub positives: usize,
    /// Share of the negatives that were kept to learn from; 1 without down-sampling.
    pub negatives_kept: f64,
    /// Rows that decided when to stop and calibrated the model; 0 without.
    pub validation_rows: usize,
    /// Trees that were grown; the model keeps those up to the best round.
    pub trees_grown: usize,
    /// Mean log-loss on the validation rows with the trees that were kept, before calibration; `None` without.
    pub validation_loss: Option<f64>,
}

impl Gbdt {
    /// The features in the order of training, which is the order of [`Gbdt::gains`] and of features in trees.
    pub fn feature_names(&self) -> &[String] {
        &self.feature_names
    }

    /// How each feature's values are cut or named.
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

    /// What one unit of a leaf's value adds to the log-odds, before calibration.
    pub fn leaf_unit(&self) -> f64 {
        (-f64::from(self.leaf_bits)).exp2()
    }

    /// What is done to the sum of base score and leaves.
    pub fn calibration(&self) -> Calibration {
        self.calibration
    }

    /// What it was trained with.
    pub fn params(&self) -> &GbdtValidParams {
        &self.params
    }

    /// What it was trained on and how that went.
    pub fn facts(&self) -> &TrainingFacts {
        &self.facts
    }

    /// Whether numbers must be compared with the cuts before they are rounded to 32 bits.
    pub fn compares_doubles(&self) -> bool {
        self.doubles
    }

    /// The model for tables that hold, for each number, how many of its feature's cuts are below it: those need no more
    /// than 32 bits. The model itself when it compares 32-bit floats anyway.
    #[must_use]
    pub fn ranked(&self) -> Self {
        let mut ranked = self.clone();
        if self.doubles {
            for bins in &mut ranked.bins {
                if let FeatureBins::Numeric(cuts) = bins {
                    let ranks = (0..cuts.as_slice().len()).map(real).collect();
                    *cuts = Cuts::new(ranks).expect("as many as there were");
                }
            }
            ranked.doubles = false;
        }
        ranked
    }

    /// For each feature, the gain of all splits that test it.
    pub fn gains(&self) -> Vec<f64> {
        let mut gains = vec![0.0; self.feature_names.len()];
        for split in self.trees.iter().flat_map(Tree::splits) {
            gains[split.feature] += split.gain;
        }
        gains
    }

    /// For each feature, its part of the total gain; zeros without a split.
    pub fn gain_shares(&self) -> Vec<f64> {
        let gains = self.gains();
        let total = gains.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        gains.into_iter().map(|gain| gain / total).collect()
    }

    /// For each feature, how many splits test it.
    pub fn split_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.feature_names.len()];
        for split in self.trees.iter().flat_map(Tree::splits) {
            counts[split.feature] += 1;
        }
        counts
    }

    /// The same trees, calibrated on these rows, which no tree may have learned from.
    #[must_use]
    pub fn calibrated_on(mut self, dataset: &Labelled, rows: &[u32]) -> Self {
        let (scores, labels, weights) = self.uncalibrated(dataset, rows);
        self.calibration = Calibration::fit(&scores, &labels, |row| weights[row]);
        self
    }

    /// The same trees and slope, with the offset at which the probabilities of these rows add up to their positives. Rows that
    /// trees learned from will do: labels move a row's score, but hardly the sum over all rows, which depends on where the rows lie.
    #[must_use]
    pub fn centred_on(mut self, dataset: &Labelled, rows: &[u32]) -> Self {
        let (scores, labels, weights) = self.uncalibrated(dataset, rows);
        self.calibration = self.calibration.centred(&scores, &labels, |row| weights[row]);
        self
    }

    /// Scores without calibration, labels and weights of these rows.
    fn uncalibrated(&self, dataset: &Labelled, rows: &[u32]) -> (Vec<f64>, Vec<bool>, Vec<f64>) {
        let places: Vec<usize> = rows.iter().map(|row| *row as usize).collect();
        let plain = Self { calibration: Calibration::IDENTITY, ..self.clone() };
        let all = plain.raw_scores(&dataset.records);
        let scores = places.iter().map(|row| all[*row]).collect();
        let labels = places.iter().map(|row| dataset.targets[*row]).collect();
        let weights = places.iter().map(|row| dataset.weights.get(*row).map_or(1.0, |weight| f64::from(*weight)));
        (scores, labels, weights.collect())
    }

    /// Calibrated log-odds from the sum of one leaf's value of each tree.
    #[expect(clippy::cast_precision_loss, reason = "sums of leaves are below 2^31")]
    pub(super) fn log_odds(&self, leaves: i64) -> f64 {
        self.calibration.apply(self.base_score + leaves as f64 * self.leaf_unit())
    }

    /// Whether sums of one leaf's value of each tree fit `i32`.
    pub(super) fn sums_fit(trees: &[Tree]) -> bool {
        let largest = |tree: &Tree| tree.leaves().iter().map(|leaf| i64::from(leaf.value).abs()).max().unwrap_or(0);
        trees.iter().map(largest).sum::<i64>() <= i64::from(i32::MAX)
    }
}
