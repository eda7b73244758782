//! Log-loss: what is minimised, and how it changes with a row's score.

#![expect(clippy::inline_always, reason = "what is not inlined into a kernel's function does not use its instructions")]

use super::math::{block_sum, exp_f32, ln, softplus};
use super::simd::{Kernel, Lane, Work};

/// Labels and weights of the rows of a table.
#[derive(Debug, Clone)]
pub(super) struct Targets {
    pub(super) labels: Vec<bool>,
    /// Finite and not negative. Empty: every row weighs 1.
    pub(super) weights: Vec<f32>,
}

/// First and second derivatives of rows' losses by their scores, times their weights.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Gradients {
    pub(super) first: Vec<f32>,
    pub(super) second: Vec<f32>,
}

impl Targets {
    pub(super) fn weight(&self, row: usize) -> f64 {
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

    /// The score that fits best when all rows get the same. One class alone is held at odds of a thousand million.
    pub(super) fn base_score(&self) -> f64 {
        let share = (self.positive_weight_sum() / self.weight_sum()).clamp(1e-9, 1.0 - 1e-9);
        ln(share / (1.0 - share))
    }

    /// Mean loss at `score(row)`, by weight.
    pub(super) fn mean_loss(&self, score: impl Fn(usize) -> f64 + Sync) -> f64 {
        let loss = |row: usize| softplus(if self.labels[row] { -score(row) } else { score(row) });
        block_sum(self.labels.len(), |row| self.weight(row) * loss(row)) / self.weight_sum()
    }
}

/// Derivatives at `scores`, for rows with these labels; no weights count as 1. All slices have one length, weights may be
/// empty. Returns the largest first derivative, without its sign.
pub(super) fn fill_gradients(
    scores: &[f32],
    labels: &[bool],
    weights: &[f32],
    (first, second): (&mut [f32], &mut [f32]),
) -> f32 {
    let mut largest = 0.0;
    Kernel::best().run(FillGradients { scores, labels, weights, first, second, largest: &mut largest });
    largest
}

struct FillGradients<'a> {
    scores: &'a [f32],
    labels: &'a [bool],
    weights: &'a [f32],
    first: &'a mut [f32],
    second: &'a mut [f32],
    largest: &'a mut f32,
}

/// Without branches, calls or table look-ups, so that the compiler makes vector code of it.
impl Work for FillGradients<'_> {
    #[inline(always)]
    fn run<L: Lane>(self, _: L) {
        let Self { scores, labels, weights, first, second, largest } = self;
        let rows = scores.iter().zip(labels).zip(first.iter_mut().zip(second.iter_mut()));
        for ((&score, &label), (first, second)) in rows {
            let odds = exp_f32(-score.abs());
            let (small, large) = (odds / (1.0 + odds), 1.0 / (1.0 + odds));
            let probability = if score < 0.0 { small } else { large };
            *first = probability - f32::from(u8::from(label));
            *second = small * large;
        }
        for ((&weight, first), second) in weights.iter().zip(first.iter_mut()).zip(second.iter_mut()) {
            *first *= weight;
            *second *= weight;
        }
        // Without its sign, a number is larger when its bits are.
        *largest = f32::from_bits(first.iter().fold(0, |largest, first| largest.max(first.abs().to_bits())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradients_and_loss_of_a_row_at_even_odds() {
        let targets = Targets { labels: vec![true, false], weights: vec![2.0, 1.0] };
        let (mut first, mut second) = ([0.0; 2], [0.0; 2]);
        let largest = fill_gradients(&[0.0, 0.0], &targets.labels, &targets.weights, (&mut first, &mut second));
        assert_eq!((first, second, largest), ([-1.0, 0.5], [0.5, 0.25], 1.0));
        assert!((targets.mean_loss(|_| 0.0) - 2.0_f64.ln()).abs() < 1e-15);
        assert!((targets.base_score() - 2.0_f64.ln()).abs() < 1e-15);
    }

    #[test]
    fn gradients_far_out_are_finite_and_right() {
        let scores = [-80.0, -20.0, -3.0, 3.0, 20.0, 200.0];
        let (mut first, mut second) = ([0.0; 6], [0.0; 6]);
        fill_gradients(&scores, &[false; 6], &[], (&mut first, &mut second));
        for ((score, first), second) in scores.into_iter().zip(first).zip(second) {
            let expected = 1.0 / (1.0 + f64::from(-score).exp());
            assert!((f64::from(first) - expected).abs() <= 3e-7 * expected, "{score}: {first}");
            assert!((f64::from(second) - expected * (1.0 - expected)).abs() < 1e-7);
        }
    }
}
