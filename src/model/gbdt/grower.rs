//! Grows one tree leaf by leaf: the leaf whose best split gains most is split next.

use std::ops::Range;

use rayon::prelude::*;

use super::histogram::{GradientSum, Histogram};
use super::objective::Gradient;
use super::splitter::{Candidate, Splitter, leaf_step};
use super::tree::{Child, Split, Tree};

/// A leaf that may still be split.
struct Leaf {
    /// Its rows, as a range of the grower's.
    rows: Range<usize>,
    depth: usize,
    total: GradientSum,
    histogram: Histogram,
    best: Option<Candidate>,
    /// The split that leads here; `None` for the root.
    parent: Option<(usize, Side)>,
}

#[derive(Debug, Clone, Copy)]
enum Side {
    Left,
    Right,
}

/// A tree under construction.
struct Grower<'a> {
    splitter: Splitter<'a>,
    /// Rows of leaf after leaf; rising within each leaf, so that sums have one order.
    rows: Vec<u32>,
    leaves: Vec<Leaf>,
    splits: Vec<Split>,
}

/// Grows a tree on `rows`, which rise. `gradients` are exact, those in the splitter's source quantised.
/// `None` when no split is worth it.
pub(super) fn grow(splitter: Splitter<'_>, gradients: &[Gradient], rows: Vec<u32>) -> Option<Tree> {
    let mut grower = Grower::plant(splitter, rows);
    while grower.leaves.len() < splitter.params.leaves_max {
        let Some((leaf, candidate)) = grower.next_split() else { break };
        grower.split(leaf, candidate);
    }
    if grower.splits.is_empty() {
        return None;
    }
    let leaf_values = grower.leaf_values(gradients);
    let tree = Tree::new(grower.splits, leaf_values, splitter.source.bins);
    Some(tree.expect("a split adds one leaf and tests an existing bin, and gains and steps are finite"))
}

impl<'a> Grower<'a> {
    /// Starts with one leaf that holds every row.
    fn plant(splitter: Splitter<'a>, rows: Vec<u32>) -> Self {
        let (histogram, total) = (splitter.source.build(&rows), splitter.source.gradients.total(&rows));
        let root = Leaf { rows: 0..rows.len(), depth: 0, total, histogram, best: None, parent: None };
        let mut grower = Self { splitter, rows, leaves: vec![], splits: vec![] };
        let root = grower.judged(root);
        grower.leaves.push(root);
        grower
    }

    /// The leaf with its best split, if it may and should be split.
    fn judged(&self, mut leaf: Leaf) -> Leaf {
        if leaf.depth < self.splitter.params.depth_max {
            leaf.best = self.splitter.best(&leaf.histogram, leaf.total);
        }
        leaf
    }

    /// The leaf to split next and how: the greatest gain, the earlier leaf among equals.
    fn next_split(&self) -> Option<(usize, Candidate)> {
        let candidates = self.leaves.iter().enumerate().filter_map(|(index, leaf)| Some((index, leaf.best?)));
        candidates.reduce(|best, next| if next.1.gain > best.1.gain { next } else { best })
    }

    /// Replaces a leaf by a split. The left child takes the leaf's index, the right child the next free one.
    fn split(&mut self, index: usize, candidate: Candidate) {
        let rows = self.leaves[index].rows.clone();
        let middle = self.part_rows(rows.clone(), candidate);
        let (left_rows, right_rows) = (rows.start..middle, middle..rows.end);
        let histogram = std::mem::take(&mut self.leaves[index].histogram);
        let (left_histogram, right_histogram) = self.part_histogram(histogram, left_rows.clone(), right_rows.clone());
        let (total, depth) = (self.leaves[index].total, self.leaves[index].depth + 1);
        let split = self.record_split(index, candidate);
        let child = |rows, total, histogram, side| Leaf {
            rows,
            depth,
            total,
            histogram,
            best: None,
            parent: Some((split, side)),
        };
        let right_total = total.minus(candidate.left);
        self.leaves[index] = self.judged(child(left_rows, candidate.left, left_histogram, Side::Left));
        self.leaves.push(self.judged(child(right_rows, right_total, right_histogram, Side::Right)));
    }

    /// Moves the rows that go left before those that go right, both in their order; returns where the right begin.
    fn part_rows(&mut self, range: Range<usize>, candidate: Candidate) -> usize {
        let source = self.splitter.source;
        let column = &source.table.columns[candidate.feature];
        let missing = source.bins[candidate.feature].missing_bin();
        let goes_left = |row: u32| {
            let bin = column[row as usize];
            if bin == missing { candidate.missing_left } else { bin <= candidate.bin }
        };
        let rows = &mut self.rows[range.clone()];
        let mut right = Vec::with_capacity(rows.len());
        let mut left_count = 0;
        for place in 0..rows.len() {
            let row = rows[place];
            if goes_left(row) {
                rows[left_count] = row;
                left_count += 1;
            } else {
                right.push(row);
            }
        }
        rows[left_count..].copy_from_slice(&right);
        range.start + left_count
    }

    /// Adds up the smaller child only; the other one is what is left of the parent.
    fn part_histogram(&self, parent: Histogram, left: Range<usize>, right: Range<usize>) -> (Histogram, Histogram) {
        let build = |range: Range<usize>| self.splitter.source.build(&self.rows[range]);
        if left.len() <= right.len() {
            let left = build(left);
            let right = parent.minus(&left);
            (left, right)
        } else {
            let right = build(right);
            (parent.minus(&right), right)
        }
    }

    /// Notes the split of a leaf, and that the leaf's parent now leads to it; returns its index.
    fn record_split(&mut self, leaf: usize, candidate: Candidate) -> usize {
        let split = self.splits.len();
        match self.leaves[leaf].parent {
            Some((parent, Side::Left)) => self.splits[parent].left = Child::Split(split),
            Some((parent, Side::Right)) => self.splits[parent].right = Child::Split(split),
            None => {}
        }
        self.splits.push(Split {
            feature: candidate.feature,
            bin: candidate.bin,
            missing_left: candidate.missing_left,
            left: Child::Leaf(leaf),
            right: Child::Leaf(self.leaves.len()),
            gain: candidate.gain,
        });
        split
    }

    /// The leaves' values from exact gradients, added in the order of rows.
    fn leaf_values(&self, gradients: &[Gradient]) -> Vec<f64> {
        let params = self.splitter.params;
        let value = |leaf: &Leaf| {
            let (mut first, mut second) = (0.0, 0.0);
            for &row in &self.rows[leaf.rows.clone()] {
                first += f64::from(gradients[row as usize].first);
                second += f64::from(gradients[row as usize].second);
            }
            params.learning_rate * leaf_step(first, second, params)
        };
        self.leaves.par_iter().map(value).collect()
    }
}

#[cfg(test)]
mod tests {
    use linfa::ParamGuard;

    use super::super::binning::{BinnedTable, FeatureBins};
    use super::super::histogram::{HistogramSource, QuantizedGradients};
    use super::super::random::{Purpose, Stream};
    use super::*;
    use crate::model::gbdt::GbdtParams;

    /// Four rows, values 1 2 3 4, the upper two positive, even odds: G = ±0.5, H = 0.25 a row.
    /// The cut between 2 and 3 gains 1²/0.5 + 1²/0.5 - 0 = 4; a leaf's step is 1/0.5 = 2, times the rate 0.5.
    #[test]
    fn a_tree_that_was_computed_by_hand() {
        let gradients: Vec<Gradient> = [0.5, 0.5, -0.5, -0.5].map(|first| Gradient { first, second: 0.25 }).to_vec();
        let quantized = QuantizedGradients::new(&gradients, Stream::new(0, Purpose::GradientRounding, 0));
        let bins = [FeatureBins::from_cuts(vec![1.5, 2.5, 3.5]).unwrap()];
        let table = BinnedTable { columns: vec![vec![0, 1, 2, 3]] };
        let params = GbdtParams::default().leaves_max(2).learning_rate(0.5).l2(0.0).child_weight_min(0.0);
        let params = params.check().unwrap();
        let source = HistogramSource { table: &table, bins: &bins, gradients: &quantized, features: &[0] };
        let tree = grow(Splitter { params: &params, source }, &gradients, vec![0, 1, 2, 3]).unwrap();

        assert_eq!(tree.leaf_values(), [-1.0, 1.0]);
        let split = &tree.splits()[0];
        assert_eq!((split.bin, split.left, split.right), (1, Child::Leaf(0), Child::Leaf(1)));
        assert!((split.gain - 4.0).abs() < 1e-3, "{}", split.gain);
        assert!(split.missing_left);
    }
}
