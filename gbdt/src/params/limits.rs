//! The one door through which parameters get checked.

use linfa::ParamGuard;

use super::{GbdtParams, GbdtValidParams};

/// The rule that a parameter breaks.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InvalidParams {
    /// [`GbdtParams::trees_max`] is out of range.
    #[error("trees_max must be 1..=100000, not {0}")]
    TreesMax(usize),
    /// [`GbdtParams::leaves_max`] is out of range.
    #[error("leaves_max must be 2..=65536, not {0}")]
    LeavesMax(usize),
    /// [`GbdtParams::depth_max`] is out of range.
    #[error("depth_max must be 1..=64, not {0}")]
    DepthMax(usize),
    /// [`GbdtParams::learning_rate`] is out of range.
    #[error("learning_rate must be above 0 and at most 1, not {0}")]
    LearningRate(f64),
    /// [`GbdtParams::l1`] is out of range.
    #[error("l1 must be 0 or more and finite, not {0}")]
    L1(f64),
    /// [`GbdtParams::l2`] is out of range.
    #[error("l2 must be 0 or more and finite, not {0}")]
    L2(f64),
    /// [`GbdtParams::child_weight_min`] is out of range.
    #[error("child_weight_min must be 0 or more and finite, not {0}")]
    ChildWeightMin(f64),
    /// [`GbdtParams::gain_min`] is out of range.
    #[error("gain_min must be 0 or more and finite, not {0}")]
    GainMin(f64),
    /// [`GbdtParams::bins_max`] is out of range.
    #[error("bins_max must be 3..=255, not {0}")]
    BinsMax(usize),
    /// [`GbdtParams::row_fraction`] is out of range.
    #[error("row_fraction must be above 0 and at most 1, not {0}")]
    RowFraction(f64),
    /// [`GbdtParams::feature_fraction`] is out of range.
    #[error("feature_fraction must be above 0 and at most 1, not {0}")]
    FeatureFraction(f64),
    /// [`GbdtParams::negatives_per_positive`] is out of range.
    #[error("negatives_per_positive must be 0 (keep all) or at least 1, not {0}")]
    NegativesPerPositive(f64),
    /// The shares of [`GbdtParams::goss`] are not shares of one whole.
    #[error("goss_top and goss_rest must be above 0 and together at most 1, or 1 and 0, not {0} and {1}")]
    Goss(f64, f64),
    /// [`GbdtParams::category_l2`] is out of range.
    #[error("category_l2 must be 0 or more and finite, not {0}")]
    CategoryL2(f64),
    /// [`GbdtParams::category_smoothing`] is out of range.
    #[error("category_smoothing must be 0 or more and finite, not {0}")]
    CategorySmoothing(f64),
    /// [`GbdtParams::category_weight_min`] is out of range.
    #[error("category_weight_min must be 0 or more and finite, not {0}")]
    CategoryWeightMin(f64),
    /// [`GbdtParams::categories_max`] is out of range.
    #[error("categories_max must be 1..=255, not {0}")]
    CategoriesMax(usize),
    /// [`GbdtParams::validation_fraction`] is out of range.
    #[error("validation_fraction must be above 0 and at most 0.5, not {0}")]
    ValidationFraction(f64),
}

impl ParamGuard for GbdtParams {
    type Checked = GbdtValidParams;
    type Error = InvalidParams;

    fn check_ref(&self) -> Result<&GbdtValidParams, InvalidParams> {
        let params = &self.0;
        params.check_limits()?;
        params.check_regularization()?;
        params.check_fractions()?;
        params.check_categories()?;
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
        if !valid(self.category_l2) {
            return Err(InvalidParams::CategoryL2(self.category_l2));
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
        if self.negatives_per_positive != 0.0 && !(1.0..f64::INFINITY).contains(&self.negatives_per_positive) {
            return Err(InvalidParams::NegativesPerPositive(self.negatives_per_positive));
        }
        let (top, rest) = (self.goss_top, self.goss_rest);
        let off = top >= 1.0 && rest <= 0.0;
        if !valid(top) || !(off || valid(rest) && top + rest <= 1.0) || rest < 0.0 {
            return Err(InvalidParams::Goss(top, rest));
        }
        if !valid(self.validation_fraction) || self.validation_fraction > 0.5 {
            return Err(InvalidParams::ValidationFraction(self.validation_fraction));
        }
        Ok(())
    }

    fn check_categories(&self) -> Result<(), InvalidParams> {
        let valid = |value: f64| value >= 0.0 && value.is_finite();
        if !valid(self.category_smoothing) {
            return Err(InvalidParams::CategorySmoothing(self.category_smoothing));
        }
        if !valid(self.category_weight_min) {
            return Err(InvalidParams::CategoryWeightMin(self.category_weight_min));
        }
        if !(1..=255).contains(&self.categories_max) {
            return Err(InvalidParams::CategoriesMax(self.categories_max));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_has_its_own_error() {
        assert!(GbdtParams::default().goss(0.2, 0.1).negatives_per_positive(20.0).check().is_ok());
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
        assert_eq!(broken(default().negatives_per_positive(0.5)), InvalidParams::NegativesPerPositive(0.5));
        assert_eq!(broken(default().goss(0.9, 0.2)), InvalidParams::Goss(0.9, 0.2));
        assert_eq!(broken(default().goss(0.5, 0.0)), InvalidParams::Goss(0.5, 0.0));
        assert_eq!(broken(default().category_l2(-1.0)), InvalidParams::CategoryL2(-1.0));
        assert_eq!(broken(default().category_smoothing(-1.0)), InvalidParams::CategorySmoothing(-1.0));
        assert_eq!(broken(default().category_weight_min(-1.0)), InvalidParams::CategoryWeightMin(-1.0));
        assert_eq!(broken(default().categories_max(0)), InvalidParams::CategoriesMax(0));
        assert!(matches!(broken(default().learning_rate(f64::NAN)), InvalidParams::LearningRate(_)));
    }

    #[test]
    fn rare_positives_get_simple_trees() {
        let leaves = |positives| GbdtParams::for_positives(positives).check().unwrap().leaves_max;
        assert_eq!([100, 4_999, 5_000, 19_999, 20_000].map(leaves), [8, 8, 16, 16, 31]);
    }
}
