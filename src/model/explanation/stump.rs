//! The one test that best tells the segment from the rest, found by linfa's decision tree on a small sample.

use linfa::traits::Fit;
use linfa::{DatasetBase, ParamGuard};
use linfa_trees::DecisionTree;
use ndarray::{Array1, Array2};
use rand::Rng;

use gbdt::Table;

/// Rows drawn from each side; 4,000 × 4,002 is below 2^24, so that linfa's `f32` sums of weights are exact.
const SIDE_ROWS_MAX: usize = 4_000;

/// A node with fewer sampled rows on either side is not split.
const SIDE_ROWS_MIN: usize = 20;

/// Share of a node's weight that each child must keep.
const CHILD_SHARE_MIN: f32 = 0.02;

/// Least fall of the Gini impurity, which is 0.5 before, that is worth a test.
const IMPURITY_DECREASE_MIN: f64 = 0.002;

/// A test: whether a feature is at most a value that the sample holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stump {
    pub(super) feature: usize,
    pub(super) value: f32,
}

/// Some rows of a table, at most 4,000 of either side.
pub(super) struct Sample<'a> {
    table: &'a Table,
    in_segment: &'a [bool],
    /// Of the table, rising.
    rows: Vec<usize>,
    /// What stands for a missing value in each column.
    medians: Vec<f32>,
}

impl<'a> Sample<'a> {
    pub(super) fn draw(table: &'a Table, in_segment: &'a [bool], random: &mut impl Rng) -> Self {
        let (inside, outside): (Vec<usize>, Vec<usize>) = (0..table.rows()).partition(|&row| in_segment[row]);
        let mut rows = Vec::new();
        for side in [inside, outside] {
            let drawn = rand::seq::index::sample(random, side.len(), side.len().min(SIDE_ROWS_MAX));
            rows.extend(drawn.iter().map(|place| side[place]));
        }
        rows.sort_unstable();
        let medians = table.columns().iter().map(|column| median(rows.iter().map(|&row| column[row]))).collect();
        Self { table, in_segment, rows, medians }
    }

    pub(super) fn rows(&self) -> &[usize] {
        &self.rows
    }

    /// Whether a row of the table, in the sample or not, passes.
    pub(super) fn is_at_most(&self, row: usize, stump: &Stump) -> bool {
        self.value(row, stump.feature) <= stump.value
    }

    fn value(&self, row: usize, feature: usize) -> f32 {
        let value = self.table.columns()[feature][row];
        // Adding 0 turns -0.0 into 0.0.
        if value.is_nan() { self.medians[feature] } else { value + 0.0 }
    }

    /// The best test on some of the sample's rows; `None` when there is too little to learn or to gain.
    pub(super) fn best(&self, rows: &[usize]) -> Option<Stump> {
        let inside: Array1<bool> = rows.iter().map(|&row| self.in_segment[row]).collect();
        let weights = balanced_weights(inside.as_slice()?)?;
        let ladders: Vec<Vec<f32>> =
            (0..self.medians.len()).map(|feature| ladder(rows.iter().map(|&row| self.value(row, feature)))).collect();
        // Ranks, because linfa takes values closer than 1e-5 for equal.
        let ranks = Array2::from_shape_fn((rows.len(), ladders.len()), |(place, feature)| {
            rank(&ladders[feature], self.value(rows[place], feature))
        });
        let child_weight_min = CHILD_SHARE_MIN * weights.sum();
        let params = DecisionTree::<f64, bool>::params()
            .max_depth(Some(1))
            .min_weight_leaf(child_weight_min)
            .min_impurity_decrease(IMPURITY_DECREASE_MIN);
        let tree = params.check().ok()?.fit(&DatasetBase::new(ranks, inside).with_weights(weights)).ok()?;
        let root = tree.iter_nodes().next().filter(|root| !root.is_leaf())?;
        let (feature, split, _) = root.split();
        Some(Stump { feature, value: ladders[feature][below(split)] })
    }
}

/// Weights that give both sides the same sum, as nearly as lets no part of one side weigh the same as a part of the
/// other: linfa would break such a tie by chance. `None` when a side is too small.
#[expect(clippy::cast_precision_loss, reason = "weights are below 2^24")]
fn balanced_weights(inside: &[bool]) -> Option<Array1<f32>> {
    let positives = inside.iter().filter(|&&inside| inside).count();
    let negatives = inside.len() - positives;
    if positives.min(negatives) < SIDE_ROWS_MIN {
        return None;
    }
    // a × positive = b × negative with coprime weights needs a >= negative weight > positives.
    let negative = positives + 1;
    let balanced = negatives * negative / positives;
    let positive = (balanced..=balanced + negative).find(|&weight| gcd(weight, negative) == 1)?;
    Some(inside.iter().map(|&inside| if inside { positive as f32 } else { negative as f32 }).collect())
}

fn gcd(one: usize, other: usize) -> usize {
    if other == 0 { one } else { gcd(other, one % other) }
}

/// The different values, rising.
fn ladder(values: impl Iterator<Item = f32>) -> Vec<f32> {
    let mut values: Vec<f32> = values.collect();
    values.sort_unstable_by(f32::total_cmp);
    values.dedup();
    values
}

#[expect(clippy::cast_precision_loss, reason = "a sample has fewer than 2^24 rows")]
fn rank(ladder: &[f32], value: f32) -> f64 {
    ladder.partition_point(|&step| step < value) as f64
}

/// The rank below a cut between two ranks.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cut between ranks")]
fn below(split: f64) -> usize {
    split as usize
}

/// The middle of the values that are not missing, the lower one of two; 0 when all are missing.
fn median(values: impl Iterator<Item = f32>) -> f32 {
    let mut values: Vec<f32> = values.filter(|value| !value.is_nan()).map(|value| value + 0.0).collect();
    values.sort_unstable_by(f32::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_balance_the_sides_without_a_possible_tie() {
        let inside: Vec<bool> = (0..60).map(|row| row < 20).collect();
        let weights = balanced_weights(&inside).unwrap();
        assert_eq!((weights[0], weights[59]), (43.0, 21.0));
        for (positives, negatives) in (1..=20).flat_map(|p| (1..=40).map(move |n| (p, n))) {
            assert_ne!(positives * 43, negatives * 21);
        }
        assert_eq!(balanced_weights(&inside[10..]).map(|_| ()), None);
    }
}
