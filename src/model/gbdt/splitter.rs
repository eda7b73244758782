//! The best split of a leaf, found in its histogram.

use rayon::prelude::*;

use super::histogram::{GradientSum, Histogram, HistogramSource};
use super::params::GbdtValidParams;

/// No step in log-odds is longer than this, however little regularised.
const STEP_MAX: f64 = 100.0;

/// A way to split a leaf.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate {
    /// By how much the loss falls, to second order.
    pub(super) gain: f64,
    /// Column of the table.
    pub(super) feature: usize,
    /// Value bins up to this one go left.
    pub(super) bin: u8,
    /// Whether missing values go left.
    pub(super) missing_left: bool,
    /// Sums of the rows that go left.
    pub(super) left: GradientSum,
}

/// Judges splits under the parameters and the units of one round.
#[derive(Debug, Clone, Copy)]
pub(super) struct Splitter<'a> {
    pub(super) params: &'a GbdtValidParams,
    pub(super) source: HistogramSource<'a>,
}

impl Splitter<'_> {
    /// The split with the greatest gain, the first feature among equals; `None` when no split gains enough.
    pub(super) fn best(&self, histogram: &Histogram, total: GradientSum) -> Option<Candidate> {
        let features = self.source.features;
        let best_of: Vec<Option<Candidate>> = (0..features.len())
            .into_par_iter()
            .with_min_len(16)
            .map(|place| self.best_of_feature(features[place], histogram.bins(place), total))
            .collect();
        best_of.into_iter().flatten().reduce(better)
    }

    fn best_of_feature(&self, feature: usize, bins: &[GradientSum], total: GradientSum) -> Option<Candidate> {
        let (&missing, values) = bins.split_last()?;
        let any_missing = missing != GradientSum::default();
        let mut best = None;
        let mut left = GradientSum::default();
        for (bin, &sum) in (0_u8..).zip(values) {
            left = left.plus(sum);
            let all_values = usize::from(bin) + 1 == values.len();
            if any_missing || !all_values {
                let candidate = Candidate { gain: 0.0, feature, bin, missing_left: false, left };
                best = self.better_candidate(best, candidate, total);
            }
            if any_missing && !all_values {
                let left = left.plus(missing);
                let candidate = Candidate { gain: 0.0, feature, bin, missing_left: true, left };
                best = self.better_candidate(best, candidate, total);
            }
        }
        best.map(|best| if any_missing { best } else { self.send_missing_to_larger(best, total) })
    }

    fn better_candidate(&self, best: Option<Candidate>, new: Candidate, total: GradientSum) -> Option<Candidate> {
        let right = total.minus(new.left);
        let least = self.params.child_weight_min;
        if self.second(new.left) < least || self.second(right) < least {
            return best;
        }
        let gain = self.score(new.left) + self.score(right) - self.score(total);
        let new = Candidate { gain, ..new };
        if gain > self.params.gain_min { Some(best.map_or(new, |best| better(best, new))) } else { best }
    }

    /// No row here tells where missing values belong, so they follow the larger side.
    fn send_missing_to_larger(&self, best: Candidate, total: GradientSum) -> Candidate {
        let missing_left = self.second(best.left) >= self.second(total.minus(best.left));
        Candidate { missing_left, ..best }
    }

    #[expect(clippy::cast_precision_loss, reason = "sums are below 2^32")]
    fn first(&self, sum: GradientSum) -> f64 {
        sum.first() as f64 * self.source.gradients.first_unit
    }

    #[expect(clippy::cast_precision_loss, reason = "sums are below 2^32")]
    fn second(&self, sum: GradientSum) -> f64 {
        sum.second() as f64 * self.source.gradients.second_unit
    }

    /// Twice the loss that the best value of a leaf with these sums saves.
    fn score(&self, sum: GradientSum) -> f64 {
        let (first, second) = (soft_threshold(self.first(sum), self.params.l1), self.second(sum) + self.params.l2);
        if second > 0.0 { first * first / second } else { 0.0 }
    }
}

/// The earlier one wins a tie.
fn better(one: Candidate, other: Candidate) -> Candidate {
    if other.gain > one.gain { other } else { one }
}

/// The value of a leaf with these exact sums, before the learning rate: a Newton step.
pub(super) fn leaf_step(first: f64, second: f64, params: &GbdtValidParams) -> f64 {
    let denominator = second + params.l2;
    if denominator > 0.0 { (-soft_threshold(first, params.l1) / denominator).clamp(-STEP_MAX, STEP_MAX) } else { 0.0 }
}

/// Draws `value` towards 0 by `l1`.
fn soft_threshold(value: f64, l1: f64) -> f64 {
    value.signum() * (value.abs() - l1).max(0.0)
}

#[cfg(test)]
mod tests {
    use linfa::ParamGuard;

    use super::*;
    use crate::model::gbdt::GbdtParams;

    #[test]
    fn steps_are_regularised_and_bounded() {
        let params = |l1, l2| GbdtParams::default().l1(l1).l2(l2).check().unwrap();
        let steps = [
            leaf_step(-6.0, 2.0, &params(0.0, 1.0)),
            leaf_step(-6.0, 2.0, &params(3.0, 1.0)),
            leaf_step(2.0, 2.0, &params(3.0, 1.0)),
            leaf_step(1.0, 0.0, &params(0.0, 0.0)),
            leaf_step(1.0, 1e-30, &params(0.0, 0.0)),
        ];
        assert_eq!(steps.as_slice(), [2.0, 1.0, 0.0, 0.0, -STEP_MAX]);
    }
}
