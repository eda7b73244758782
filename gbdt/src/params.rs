//! What decides how trees are grown.

mod limits;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use limits::InvalidParams;

/// Parameters as set, not yet checked; `check` or `fit` says what is wrong with them.
///
/// ```
/// use gbdt::{GbdtParams, InvalidParams};
/// use linfa::ParamGuard;
///
/// let params = GbdtParams::for_positives(800).leaves_max(16).seed(1);
/// assert!(params.check().is_ok());
/// assert_eq!(GbdtParams::default().l2(-1.0).check(), Err(InvalidParams::L2(-1.0)));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GbdtParams(#[serde(deserialize_with = "Unchecked::deserialize")] GbdtValidParams);

/// Checked parameters, the only ones that can `fit`. The setters of [`GbdtParams`] document the fields.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GbdtValidParams {
    pub(super) trees_max: usize,
    pub(super) leaves_max: usize,
    pub(super) depth_max: usize,
    pub(super) learning_rate: f64,
    pub(super) l1: f64,
    pub(super) l2: f64,
    pub(super) child_weight_min: f64,
    pub(super) gain_min: f64,
    pub(super) bins_max: usize,
    pub(super) row_fraction: f64,
    pub(super) feature_fraction: f64,
    pub(super) patience: usize,
    pub(super) validation_fraction: f64,
    pub(super) seed: u64,
    pub(super) negatives_per_positive: f64,
    pub(super) goss_top: f64,
    pub(super) goss_rest: f64,
    pub(super) category_l2: f64,
    pub(super) category_smoothing: f64,
    pub(super) category_weight_min: f64,
    pub(super) categories_max: usize,
    pub(super) monotone: BTreeMap<String, Direction>,
    pub(super) refit: bool,
}

/// The same fields, so that only unchecked parameters can be read from outside.
#[derive(Deserialize)]
#[serde(remote = "GbdtValidParams", deny_unknown_fields)]
struct Unchecked {
    trees_max: usize,
    leaves_max: usize,
    depth_max: usize,
    learning_rate: f64,
    l1: f64,
    l2: f64,
    child_weight_min: f64,
    gain_min: f64,
    bins_max: usize,
    row_fraction: f64,
    feature_fraction: f64,
    patience: usize,
    validation_fraction: f64,
    seed: u64,
    negatives_per_positive: f64,
    goss_top: f64,
    goss_rest: f64,
    category_l2: f64,
    category_smoothing: f64,
    category_weight_min: f64,
    categories_max: usize,
    monotone: BTreeMap<String, Direction>,
    refit: bool,
}

/// Which way the score may change when a feature grows and all others stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// It never falls.
    Rising,
    /// It never rises.
    Falling,
}

impl Default for GbdtParams {
    /// For some thousands of positives.
    fn default() -> Self {
        Self::for_positives(5_000)
    }
}

impl GbdtParams {
    /// Sensible parameters for a training set with so many positives: the rarer they are, the simpler the trees.
    pub fn for_positives(positives: usize) -> Self {
        let (leaves_max, learning_rate, l2, child_weight_min) = match positives {
            0..5_000 => (8, 0.05, 10.0, 3.0),
            5_000..20_000 => (16, 0.05, 5.0, 2.0),
            _ => (31, 0.1, 1.0, 1.0),
        };
        Self(GbdtValidParams {
            trees_max: 400,
            leaves_max,
            depth_max: 12,
            learning_rate,
            l1: 0.0,
            l2,
            child_weight_min,
            gain_min: 0.0,
            bins_max: 255,
            row_fraction: 1.0,
            feature_fraction: 0.5,
            patience: 30,
            validation_fraction: 0.2,
            seed: 0,
            negatives_per_positive: 0.0,
            goss_top: 1.0,
            goss_rest: 0.0,
            category_l2: 10.0,
            category_smoothing: 10.0,
            category_weight_min: 3.0,
            categories_max: 32,
            monotone: BTreeMap::new(),
            refit: true,
        })
    }

    /// Most trees; early stopping may keep fewer.
    #[must_use]
    pub fn trees_max(mut self, trees: usize) -> Self {
        self.0.trees_max = trees;
        self
    }

    /// Most leaves of a tree.
    #[must_use]
    pub fn leaves_max(mut self, leaves: usize) -> Self {
        self.0.leaves_max = leaves;
        self
    }

    /// Most tests between the root and a leaf.
    #[must_use]
    pub fn depth_max(mut self, depth: usize) -> Self {
        self.0.depth_max = depth;
        self
    }

    /// Share of each tree's step that is taken.
    #[must_use]
    pub fn learning_rate(mut self, rate: f64) -> Self {
        self.0.learning_rate = rate;
        self
    }

    /// Gradient that a leaf must exceed before it gets a value other than 0.
    #[must_use]
    pub fn l1(mut self, l1: f64) -> Self {
        self.0.l1 = l1;
        self
    }

    /// Hessian that is added to every leaf, which draws its value towards 0.
    #[must_use]
    pub fn l2(mut self, l2: f64) -> Self {
        self.0.l2 = l2;
        self
    }

    /// Least sum of hessians, weight × p × (1 − p), on each side of a split.
    #[must_use]
    pub fn child_weight_min(mut self, weight: f64) -> Self {
        self.0.child_weight_min = weight;
        self
    }

    /// Gain that a split must exceed.
    #[must_use]
    pub fn gain_min(mut self, gain: f64) -> Self {
        self.0.gain_min = gain;
        self
    }

    /// Most bins of a feature, the one for missing values included.
    #[must_use]
    pub fn bins_max(mut self, bins: usize) -> Self {
        self.0.bins_max = bins;
        self
    }

    /// Share of the rows that each tree sees.
    #[must_use]
    pub fn row_fraction(mut self, fraction: f64) -> Self {
        self.0.row_fraction = fraction;
        self
    }

    /// Share of the features that each tree may test; at least one.
    #[must_use]
    pub fn feature_fraction(mut self, fraction: f64) -> Self {
        self.0.feature_fraction = fraction;
        self
    }

    /// Rounds without a better validation loss before training stops; 0 never stops early and validates nothing.
    #[must_use]
    pub fn patience(mut self, rounds: usize) -> Self {
        self.0.patience = rounds;
        self
    }

    /// Share of the rows that `fit` sets aside to know when to stop.
    #[must_use]
    pub fn validation_fraction(mut self, fraction: f64) -> Self {
        self.0.validation_fraction = fraction;
        self
    }

    /// Decides every random choice.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.0.seed = seed;
        self
    }

    /// Negatives to learn from for each positive, drawn by chance; the base score is corrected by the share that was
    /// kept, so that probabilities mean what they would without (He et al. 2014, section 6.3). 0 keeps all.
    #[must_use]
    pub fn negatives_per_positive(mut self, negatives: f64) -> Self {
        self.0.negatives_per_positive = negatives;
        self
    }

    /// Gradient-based one-side sampling (Ke et al. 2017, algorithm 2): each tree sees the `top` share of rows with the
    /// largest gradients, and of the others a share `rest` of all rows, weighted up. 1 and 0 switch it off.
    #[must_use]
    pub fn goss(mut self, top: f64, rest: f64) -> Self {
        (self.0.goss_top, self.0.goss_rest) = (top, rest);
        self
    }

    /// Added to `l2` where a split parts categories.
    #[must_use]
    pub fn category_l2(mut self, l2: f64) -> Self {
        self.0.category_l2 = l2;
        self
    }

    /// Hessian that draws a category's rank among the others towards the middle.
    #[must_use]
    pub fn category_smoothing(mut self, smoothing: f64) -> Self {
        self.0.category_smoothing = smoothing;
        self
    }

    /// Least sum of hessians of a category that a split may choose.
    #[must_use]
    pub fn category_weight_min(mut self, weight: f64) -> Self {
        self.0.category_weight_min = weight;
        self
    }

    /// Most categories that a split sends to the left.
    #[must_use]
    pub fn categories_max(mut self, categories: usize) -> Self {
        self.0.categories_max = categories;
        self
    }

    /// Holds the score to rise or fall with a numeric feature.
    #[must_use]
    pub fn monotone(mut self, feature: &str, direction: Direction) -> Self {
        self.0.monotone.insert(feature.to_owned(), direction);
        self
    }

    /// Whether `fit`, once it knows how many trees help, learns again from all rows, those set aside included.
    #[must_use]
    pub fn refit(mut self, refit: bool) -> Self {
        self.0.refit = refit;
        self
    }
}

impl From<GbdtValidParams> for GbdtParams {
    fn from(params: GbdtValidParams) -> Self {
        Self(params)
    }
}
