//! What decides how trees are grown, and the one door through which it gets checked.

use linfa::ParamGuard;
use serde::{Deserialize, Serialize};

/// Parameters as set, not yet checked; `check` or `fit` says what is wrong with them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GbdtParams(GbdtValidParams);

/// Checked parameters, the only ones that can `fit`. The setters of [`GbdtParams`] document the fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
}

/// The rule that a parameter breaks.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InvalidParams {
    #[error("trees_max must be 1..=100000, not {0}")]
    TreesMax(usize),
    #[error("leaves_max must be 2..=65536, not {0}")]
    LeavesMax(usize),
    #[error("depth_max must be 1..=64, not {0}")]
    DepthMax(usize),
    #[error("learning_rate must be above 0 and at most 1, not {0}")]
    LearningRate(f64),
    #[error("l1 must be 0 or more and finite, not {0}")]
    L1(f64),
    #[error("l2 must be 0 or more and finite, not {0}")]
    L2(f64),
    #[error("child_weight_min must be 0 or more and finite, not {0}")]
    ChildWeightMin(f64),
    #[error("gain_min must be 0 or more and finite, not {0}")]
    GainMin(f64),
    #[error("bins_max must be 3..=255, not {0}")]
    BinsMax(usize),
    #[error("row_fraction must be above 0 and at most 1, not {0}")]
    RowFraction(f64),
    #[error("feature_fraction must be above 0 and at most 1, not {0}")]
    FeatureFraction(f64),
    #[error("validation_fraction must be above 0 and at most 0.5, not {0}")]
    ValidationFraction(f64),
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
}

impl From<GbdtValidParams> for GbdtParams {
    fn from(params: GbdtValidParams) -> Self {
        Self(params)
    }
}

impl ParamGuard for GbdtParams {
    type Checked = GbdtValidParams;
    type Error = InvalidParams;

    fn check_ref(&self) -> Result<&GbdtValidParams, InvalidParams> {
        let params = &self.0;
        params.check_limits()?;
        params.check_regularization()?;
        params.check_fractions()?;
        Ok(params)
    }

    fn check(self) -> Result<GbdtValidParams, InvalidParams> {
        self.check_ref()?;
        Ok(self.0)
    }
}

impl GbdtValidParams {
    fn check_limits(&self) -> Result<(), InvalidParams> {
        if !(1..=100_000).contains(&self.trees_max) {
            return Err(InvalidParams::TreesMax(self.trees_max));
        }
        if !(2..=65_536).contains(&self.leaves_max) {
            return Err(InvalidParams::LeavesMax(self.leaves_max));
        }
        if !(1..=64).contains(&self.depth_max) {
            return Err(InvalidParams::DepthMax(self.depth_max));
        }
        if !(3..=255).contains(&self.bins_max) {
            return Err(InvalidParams::BinsMax(self.bins_max));
        }
        Ok(())
    }

    fn check_regularization(&self) -> Result<(), InvalidParams> {
        let valid = |value: f64| value >= 0.0 && value.is_finite();
        if !valid(self.l1) {
            return Err(InvalidParams::L1(self.l1));
        }
        if !valid(self.l2) {
            return Err(InvalidParams::L2(self.l2));
        }
        if !valid(self.child_weight_min) {
            return Err(InvalidParams::ChildWeightMin(self.child_weight_min));
        }
        if !valid(self.gain_min) {
            return Err(InvalidParams::GainMin(self.gain_min));
        }
        Ok(())
    }

    fn check_fractions(&self) -> Result<(), InvalidParams> {
        let valid = |value: f64| value > 0.0 && value <= 1.0;
        if !valid(self.learning_rate) {
            return Err(InvalidParams::LearningRate(self.learning_rate));
        }
        if !valid(self.row_fraction) {
            return Err(InvalidParams::RowFraction(self.row_fraction));
        }
        if !valid(self.feature_fraction) {
            return Err(InvalidParams::FeatureFraction(self.feature_fraction));
        }
        if !valid(self.validation_fraction) || self.validation_fraction > 0.5 {
            return Err(InvalidParams::ValidationFraction(self.validation_fraction));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_has_its_own_error() {
        assert!(GbdtParams::default().check().is_ok());
        let broken = |params: GbdtParams| params.check().unwrap_err();
        let default = GbdtParams::default;
        assert_eq!(broken(default().trees_max(0)), InvalidParams::TreesMax(0));
        assert_eq!(broken(default().leaves_max(1)), InvalidParams::LeavesMax(1));
        assert_eq!(broken(default().depth_max(65)), InvalidParams::DepthMax(65));
        assert_eq!(broken(default().bins_max(256)), InvalidParams::BinsMax(256));
        assert_eq!(broken(default().l1(-1.0)), InvalidParams::L1(-1.0));
        assert_eq!(broken(default().l2(f64::INFINITY)), InvalidParams::L2(f64::INFINITY));
        assert_eq!(broken(default().child_weight_min(-0.1)), InvalidParams::ChildWeightMin(-0.1));
        assert_eq!(broken(default().gain_min(-0.1)), InvalidParams::GainMin(-0.1));
        assert_eq!(broken(default().row_fraction(1.1)), InvalidParams::RowFraction(1.1));
        assert_eq!(broken(default().feature_fraction(0.0)), InvalidParams::FeatureFraction(0.0));
        assert_eq!(broken(default().validation_fraction(0.6)), InvalidParams::ValidationFraction(0.6));
        assert!(matches!(broken(default().learning_rate(f64::NAN)), InvalidParams::LearningRate(_)));
    }

    #[test]
    fn rare_positives_get_simple_trees() {
        let leaves = |positives| GbdtParams::for_positives(positives).check().unwrap().leaves_max;
        assert_eq!([100, 4_999, 5_000, 19_999, 20_000].map(leaves), [8, 8, 16, 16, 31]);
    }
}
