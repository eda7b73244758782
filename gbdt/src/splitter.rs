//! The best split of a leaf, found in its histogram.

mod categories;
mod cuts;
mod leaf;

use rayon::prelude::*;

use super::binning::FeatureBins;
use super::histogram::{GradientSum, Histogram};
use super::layout::Layout;
use super::params::{Direction, GbdtValidParams};
use super::tree::Test;
use cuts::{Cut, Cuts, PlainNode, Score};

pub(super) use leaf::{Bounds, LeafMath};

/// Bins from which looking for a split is shared among threads.
const PARALLEL_BINS_MIN: usize = 2048;

/// A way to split a leaf.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Candidate {
    /// By how much the loss falls, to second order.
    pub(super) gain: f64,
    pub(super) feature: usize,
    pub(super) test: Test,
    /// Whether missing values go left.
    pub(super) missing_left: bool,
    /// Sums of the rows that go left.
    pub(super) left: GradientSum,
}

/// Judges splits under the parameters and the units of one round.
#[derive(Debug, Clone, Copy)]
pub(super) struct Splitter<'a> {
    pub(super) params: &'a GbdtValidParams,
    pub(super) bins: &'a [FeatureBins],
    pub(super) layout: &'a Layout,
    /// Features that this tree may test.
    pub(super) features: &'a [usize],
    /// Which way the score may change with each feature; empty when it is free.
    pub(super) directions: &'a [Option<Direction>],
    /// What one unit of quantised derivatives stands for.
    pub(super) unit: f64,
    /// Added to `l2`.
    pub(super) extra_l2: f64,
}

/// A leaf as the splitter sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'a> {
    pub(super) histogram: &'a Histogram,
    pub(super) total: GradientSum,
    pub(super) bounds: Bounds,
}

impl Splitter<'_> {
    /// The split with the greatest gain, the first feature among equals, looked for on so many threads; `None` when no split
    /// gains enough.
    pub(super) fn best(&self, node: Node<'_>, threads: usize) -> Option<Candidate> {
        let of_feature = |&feature: &usize| self.best_of_feature(node, feature);
        if self.layout.sums() < PARALLEL_BINS_MIN || threads == 1 {
            return self.features.iter().filter_map(of_feature).reduce(better);
        }
        let best: Vec<Option<Candidate>> = self.features.par_iter().with_min_len(8).map(of_feature).collect();
        best.into_iter().flatten().reduce(better)
    }

    /// Whether a leaf with this sum could have two children of the least weight.
    pub(super) fn may_split(&self, total: GradientSum) -> bool {
        self.second(total) >= 2.0 * self.params.child_weight_min
    }

    pub(super) fn direction(&self, feature: usize) -> Option<Direction> {
        self.directions.get(feature).copied().flatten()
    }

    /// The sums as numbers.
    pub(super) fn leaf(&self, sum: GradientSum) -> LeafMath {
        let (first, second) = sum.parts();
        let l2 = self.params.l2 + self.extra_l2;
        LeafMath { first: first * self.unit, second: second * self.unit, l1: self.params.l1, l2 }
    }

    fn best_of_feature(&self, node: Node<'_>, feature: usize) -> Option<Candidate> {
        let bins = node.histogram.bins(self.layout, feature);
        match self.bins[feature] {
            FeatureBins::Numeric(_) => self.best_cut(node, feature, bins),
            FeatureBins::Categorical(_) => self.best_categories(node, feature, bins),
        }
    }

    fn best_cut(&self, node: Node<'_>, feature: usize, bins: &[GradientSum]) -> Option<Candidate> {
        let mut cuts = Cuts::of(bins)?;
        let direction = self.direction(feature);
        let (best, parent, unit) = if direction.is_none() && node.bounds == Bounds::NONE && self.params.l1 <= 0.0 {
            let plain = self.plain(node.total);
            let parent = plain.unparted();
            let least = parent + self.params.gain_min / self.unit;
            (cuts.best_plain(least, &plain), parent, self.unit)
        } else {
            let parent = self.leaf(node.total).score(node.bounds);
            let score = |left| self.score(node, left, direction).map_or(Score::FORBIDDEN, Score::of);
            (cuts.best(parent + self.params.gain_min, score), parent, 1.0)
        };
        let gain = |cut: Cut| (cut.score.value() - parent) * unit;
        best.map(|cut| self.candidate(node, (feature, gain(cut)), cut, cuts.any_missing()))
    }

    /// The units of both derivatives are one, so it can be left out until the end.
    fn plain(&self, total: GradientSum) -> PlainNode {
        let l2 = (self.params.l2 + self.extra_l2) / self.unit;
        PlainNode::new(total, l2, self.params.child_weight_min / self.unit)
    }

    /// Where no row tells where missing values belong, they follow the larger side.
    fn candidate(&self, node: Node<'_>, (feature, gain): (usize, f64), cut: Cut, any_missing: bool) -> Candidate {
        let larger_left = self.second(cut.left) >= self.second(node.total.minus(cut.left));
        Candidate {
            gain,
            feature,
            test: Test::AtMost(cut.bin),
            missing_left: if any_missing { cut.missing_left } else { larger_left },
            left: cut.left,
        }
    }

    /// Twice the loss that two children save together, `left` one of them; `None` when the split is not allowed.
    fn score(&self, node: Node<'_>, left: GradientSum, direction: Option<Direction>) -> Option<f64> {
        let (left, right) = (self.leaf(left), self.leaf(node.total.minus(left)));
        let least = self.params.child_weight_min;
        if left.second < least || right.second < least {
            return None;
        }
        if let Some(direction) = direction {
            let (low, high) = (left.step(node.bounds), right.step(node.bounds));
            if match direction {
                Direction::Rising => low > high,
                Direction::Falling => low < high,
            } {
                return None;
            }
        }
        Some(left.score(node.bounds) + right.score(node.bounds))
    }

    fn second(&self, sum: GradientSum) -> f64 {
        sum.parts().1 * self.unit
    }
}

/// The earlier one wins a tie.
fn better(one: Candidate, other: Candidate) -> Candidate {
    if other.gain > one.gain { other } else { one }
}
