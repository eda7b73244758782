//! From scores to honest probabilities: a line through log-odds, fitted on rows that trees never saw (Platt 1999).

use serde::{Deserialize, Serialize};

use super::math::{block_sum, sigmoid, softplus};

/// Newton steps; the problem is convex in two variables and settles in a few.
const STEPS_MAX: usize = 50;

/// Halvings of a step before it counts as useless.
const HALVINGS_MAX: u8 = 20;

/// Hessian that keeps a step finite when all rows are alike.
const RIDGE: f64 = 1e-9;

/// Calibrated log-odds are `slope × score + offset`. The slope is above 0, so that the order of rows stays.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    pub(super) slope: f64,
    pub(super) offset: f64,
}

impl Calibration {
    /// Leaves scores as they are.
    pub const IDENTITY: Self = Self { slope: 1.0, offset: 0.0 };

    /// `None` unless the slope is above 0 and both are finite.
    pub fn new(slope: f64, offset: f64) -> Option<Self> {
        (slope > 0.0 && slope.is_finite() && offset.is_finite()).then_some(Self { slope, offset })
    }

    /// What scores are multiplied by; above 0.
    pub fn slope(self) -> f64 {
        self.slope
    }

    /// What is added after that.
    pub fn offset(self) -> f64 {
        self.offset
    }

    /// Calibrated log-odds.
    pub(super) fn apply(self, score: f64) -> f64 {
        self.slope * score + self.offset
    }

    /// The line with the least log-loss, on targets that are drawn from 0 and 1 by the number of rows of each class
    /// (Platt 1999, section 2.2), so that few rows cannot make it sure. Rows weigh `weight(row)`. Leaves scores as they
    /// are when a class is missing or the fit would turn the order round.
    pub(super) fn fit(scores: &[f64], labels: &[bool], weight: impl Fn(usize) -> f64 + Sync) -> Self {
        let rows = scores.len();
        let positives = block_sum(rows, |row| if labels[row] { weight(row) } else { 0.0 });
        let negatives = block_sum(rows, |row| if labels[row] { 0.0 } else { weight(row) });
        if positives <= 0.0 || negatives <= 0.0 {
            return Self::IDENTITY;
        }
        let (high, low) = ((positives + 1.0) / (positives + 2.0), 1.0 / (negatives + 2.0));
        let target = |row: usize| if labels[row] { high } else { low };
        let loss = |line: Self| {
            let of_row = |score: f64, target: f64| target * softplus(-score) + (1.0 - target) * softplus(score);
            block_sum(rows, |row| weight(row) * of_row(line.apply(scores[row]), target(row)))
        };
        let (mut line, mut least) = (Self::IDENTITY, loss(Self::IDENTITY));
        for _ in 0..STEPS_MAX {
            let Some(step) = line.newton_step(scores, target, &weight) else { break };
            // Halved until the loss falls (Lin, Lin and Weng 2007).
            let halved = (0..HALVINGS_MAX).map(|times| step.scaled(f64::from(times)));
            let better = halved.map(|step| line.minus(step)).find(|next| loss(*next) < least);
            let Some(next) = better else { break };
            let gained = least - loss(next);
            (line, least) = (next, loss(next));
            if gained < 1e-12 * least.abs() {
                break;
            }
        }
        Self::new(line.slope, line.offset).unwrap_or(Self::IDENTITY)
    }

    /// The same slope, with the offset at which the probabilities of these rows add up to their positives. Stays as it is
    /// when a class is missing. Rows weigh `weight(row)`.
    #[must_use]
    pub fn centred(self, scores: &[f64], labels: &[bool], weight: impl Fn(usize) -> f64 + Sync) -> Self {
        let rows = scores.len();
        let positives = block_sum(rows, |row| if labels[row] { weight(row) } else { 0.0 });
        let negatives = block_sum(rows, |row| if labels[row] { 0.0 } else { weight(row) });
        if positives <= 0.0 || negatives <= 0.0 {
            return self;
        }
        let mut line = self;
        for _ in 0..STEPS_MAX {
            let probability = |row: usize| sigmoid(line.apply(scores[row]));
            let expected = block_sum(rows, |row| weight(row) * probability(row));
            let curve = block_sum(rows, |row| weight(row) * probability(row) * (1.0 - probability(row)));
            // The sum rises with the offset, from no row to all of them; short steps cannot lose the way.
            let step = ((positives - expected) / (curve + RIDGE)).clamp(-1.0, 1.0);
            line.offset += step;
            if step.abs() < 1e-12 {
                break;
            }
        }
        Self::new(line.slope, line.offset).unwrap_or(self)
    }

    /// Inverse Hessian times gradient of the loss; `None` when the Hessian has no inverse.
    fn newton_step(
        self,
        scores: &[f64],
        target: impl Fn(usize) -> f64 + Sync,
        weight: &(impl Fn(usize) -> f64 + Sync),
    ) -> Option<Self> {
        let term = |part: &(dyn Fn(f64, f64, f64) -> f64 + Sync)| {
            block_sum(scores.len(), |row| {
                let probability = sigmoid(self.apply(scores[row]));
                weight(row) * part(scores[row], probability - target(row), probability * (1.0 - probability))
            })
        };
        let (by_slope, by_offset) = (term(&|score, error, _| error * score), term(&|_, error, _| error));
        let slopes = term(&|score, _, curve| curve * score * score) + RIDGE;
        let both = term(&|score, _, curve| curve * score);
        let offsets = term(&|_, _, curve| curve) + RIDGE;
        let determinant = slopes * offsets - both * both;
        (determinant > 0.0).then(|| Self {
            slope: (by_slope * offsets - by_offset * both) / determinant,
            offset: (by_offset * slopes - by_slope * both) / determinant,
        })
    }

    fn scaled(self, halvings: f64) -> Self {
        let factor = (-halvings).exp2();
        Self { slope: self.slope * factor, offset: self.offset * factor }
    }

    fn minus(self, step: Self) -> Self {
        Self { slope: self.slope - step.slope, offset: self.offset - step.offset }
    }
}

#[cfg(test)]
mod tests {
    use super::super::math::real;
    use super::super::random::{Purpose, Stream};
    use super::*;

    #[test]
    fn a_line_that_was_bent_is_found() {
        let stream = Stream::new(1, Purpose::BinningRows, 0);
        let scores: Vec<f64> = (0..40_000).map(|row| real(row % 400) / 50.0 - 6.0).collect();
        let labels: Vec<bool> =
            (0..40_000).map(|row| stream.unit(row as u64) < sigmoid(0.5 * scores[row] + 1.0)).collect();
        let found = Calibration::fit(&scores, &labels, |_| 1.0);
        assert!((found.slope - 0.5).abs() < 0.02 && (found.offset - 1.0).abs() < 0.05, "{found:?}");
    }

    #[test]
    fn a_centred_line_promises_as_many_as_there_were() {
        let scores: Vec<f64> = (0..1_000).map(|row| real(row) / 100.0 - 8.0).collect();
        let labels: Vec<bool> = (0..1_000_usize).map(|row| row.is_multiple_of(9)).collect();
        let weight = |row: usize| if row.is_multiple_of(9) { 1.0 } else { 3.0 };
        let line = Calibration::new(0.7, 0.0).unwrap().centred(&scores, &labels, weight);
        let promised: f64 = scores.iter().enumerate().map(|(row, &s)| weight(row) * sigmoid(line.apply(s))).sum();
        assert!((promised - 112.0).abs() < 1e-6 && (line.slope - 0.7).abs() < 1e-12, "{promised} by {line:?}");
        assert_eq!(line.centred(&scores, &[true; 1_000], |_| 1.0), line, "nothing to learn from one class");
    }

    #[test]
    fn what_cannot_be_calibrated_stays() {
        assert_eq!(Calibration::fit(&[1.0, 2.0], &[true, true], |_| 1.0), Calibration::IDENTITY);
        assert_eq!(Calibration::fit(&[], &[], |_| 1.0), Calibration::IDENTITY);
        let reversed = Calibration::fit(&[3.0, 2.0, 1.0, 0.0], &[false, false, true, true], |_| 1.0);
        assert_eq!(reversed, Calibration::IDENTITY);
    }
}
