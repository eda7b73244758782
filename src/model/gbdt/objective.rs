//! Log-loss: what is minimised, and how it changes with a row's score.

use rayon::prelude::*;

use super::math::{BLOCK, block_sum, ln, sigmoid, softplus};

/// Labels and weights of the rows of a table.
#[derive(Debug, Clone)]
pub(super) struct Targets {
    pub(super) labels: Vec<bool>,
    /// Finite and not negative. Empty: every row weighs 1.
    pub(super) weights: Vec<f32>,
}

/// First and second derivative of a row's loss by its score, times its weight.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Gradient {
    pub(super) first: f32,
    pub(super) second: f32,
}

impl Targets {
    fn weight(&self, row: usize) -> f64 {
        if self.weights.is_empty() { 1.0 } else { f64::from(self.weights[row]) }
    }

    /// Sum of all weights.
    pub(super) fn weight_sum(&self) -> f64 {
        block_sum(self.labels.len(), |row| self.weight(row))
    }

    /// Sum of the weights of positives.
    pub(super) fn positive_weight_sum(&self) -> f64 {
        block_sum(self.labels.len(), |row| if self.labels[row] { self.weight(row) } else { 0.0 })
    }

    /// Whether rows of both classes weigh something.
    pub(super) fn have_both_classes(&self) -> bool {
        (0..2).all(|class| {
            (0..self.labels.len()).any(|row| usize::from(self.labels[row]) == class && self.weight(row) > 0.0)
        })
    }

    /// The score that fits best when all rows get the same. One class alone is held at odds of a thousand million.
    pub(super) fn base_score(&self) -> f64 {
        let share = (self.positive_weight_sum() / self.weight_sum()).clamp(1e-9, 1.0 - 1e-9);
        ln(share / (1.0 - share))
    }

    /// Derivatives at `scores`, for every row of the table.
    #[expect(clippy::cast_possible_truncation, reason = "the trees need no more than f32")]
    pub(super) fn gradients(&self, scores: &[f64]) -> Vec<Gradient> {
        let gradient = |row: usize| {
            let (probability, weight) = (sigmoid(scores[row]), self.weight(row));
            let label = f64::from(u8::from(self.labels[row]));
            Gradient {
                first: (weight * (probability - label)) as f32,
                second: (weight * probability * (1.0 - probability)) as f32,
            }
        };
        (0..scores.len()).into_par_iter().with_min_len(BLOCK).map(gradient).collect()
    }

    /// Mean loss at `scores`, by weight.
    pub(super) fn mean_loss(&self, scores: &[f64]) -> f64 {
        let loss = |row: usize| softplus(if self.labels[row] { -scores[row] } else { scores[row] });
        block_sum(scores.len(), |row| self.weight(row) * loss(row)) / self.weight_sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradients_and_loss_of_a_row_at_even_odds() {
        let targets = Targets { labels: vec![true, false], weights: vec![2.0, 1.0] };
        let expected = [Gradient { first: -1.0, second: 0.5 }, Gradient { first: 0.5, second: 0.25 }];
        assert_eq!(targets.gradients(&[0.0, 0.0]), expected);
        assert!((targets.mean_loss(&[0.0, 0.0]) - 2.0_f64.ln()).abs() < 1e-15);
        assert!((targets.base_score() - 2.0_f64.ln()).abs() < 1e-15);
    }
}
