//! Grows one tree leaf by leaf: the leaf whose best split gains most is split next.

mod partition;

use std::ops::Range;

use super::histogram::{GradientSum, Histogram, HistogramSource};
use super::splitter::{Bounds, Candidate, Node, Splitter};
use super::tree::{Child, Split};

/// A leaf that may still be split.
struct Leaf {
    /// Its rows, as a range of the grower's.
    rows: Range<usize>,
    depth: usize,
    total: GradientSum,
    bounds: Bounds,
    /// `None` when the leaf may not be split.
    histogram: Option<Histogram>,
    best: Option<Candidate>,
    /// The split that leads here; `None` for the root.
    parent: Option<(usize, Side)>,
}

#[derive(Debug, Clone, Copy)]
enum Side {
    Left,
    Right,
}

/// What a tree is grown from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Soil<'a> {
    pub(super) columns: &'a [Vec<u8>],
    pub(super) source: HistogramSource<'a>,
    pub(super) splitter: Splitter<'a>,
}

/// A tree that has no values yet.
#[derive(Debug)]
pub(super) struct Grown {
    pub(super) splits: Vec<Split>,
    /// For each leaf, between which values it must stay.
    pub(super) bounds: Vec<Bounds>,
}

/// A tree under construction.
struct Grower<'a> {
    soil: Soil<'a>,
    /// Rows of leaf after leaf, rising within each leaf.
    rows: &'a mut [u32],
    /// As long as `rows`; holds nothing between splits.
    spare: &'a mut [u32],
    leaves: Vec<Leaf>,
    splits: Vec<Split>,
}

/// Grows a tree on `rows`, which rise and lose their order; `None` when no split is worth it. `spare` is as long as
/// `rows`; what it holds does not matter.
pub(super) fn grow<'a>(soil: Soil<'a>, rows: &'a mut [u32], spare: &'a mut [u32]) -> Option<Grown> {
    let mut grower = Grower::plant(soil, rows, spare);
    while grower.leaves.len() < soil.splitter.params.leaves_max {
        let Some(leaf) = grower.next_leaf() else { break };
        grower.split(leaf);
    }
    let bounds = grower.leaves.iter().map(|leaf| leaf.bounds).collect();
    for histogram in grower.leaves.into_iter().filter_map(|leaf| leaf.histogram) {
        soil.source.workspaces.give_back(histogram);
    }
    (!grower.splits.is_empty()).then_some(Grown { splits: grower.splits, bounds })
}

impl<'a> Grower<'a> {
    /// Starts with one leaf that holds every row.
    fn plant(soil: Soil<'a>, rows: &'a mut [u32], spare: &'a mut [u32]) -> Self {
        let total = soil.source.total(rows);
        let histogram = Some(soil.source.build(rows, total));
        let bounds = Bounds::NONE;
        let mut root = Leaf { rows: 0..rows.len(), depth: 0, total, bounds, histogram, best: None, parent: None };
        root.best = judge(&soil, &root);
        Self { soil, rows, spare, leaves: vec![root], splits: vec![] }
    }

    /// The leaf to split next: the one with the greatest gain, the earlier among equals.
    fn next_leaf(&self) -> Option<usize> {
        let gains = self.leaves.iter().enumerate().filter_map(|(index, leaf)| Some((index, leaf.best.as_ref()?.gain)));
        gains.reduce(|best, next| if next.1 > best.1 { next } else { best }).map(|(index, _)| index)
    }

    /// Replaces a leaf by its best split. The left child takes the leaf's index, the right child the next free one.
    fn split(&mut self, index: usize) {
        let Some(candidate) = self.leaves[index].best.take() else { return };
        let (rows, depth) = (self.leaves[index].rows.clone(), self.leaves[index].depth + 1);
        let middle = rows.start + self.part_rows(rows.clone(), &candidate);
        let (total, bounds) = (self.leaves[index].total, self.leaves[index].bounds);
        let totals = (candidate.left, total.minus(candidate.left));
        let splitter = &self.soil.splitter;
        let steps = (splitter.leaf(totals.0).step(bounds), splitter.leaf(totals.1).step(bounds));
        let bounds = bounds.part(splitter.direction(candidate.feature), steps.0, steps.1);
        let histogram = self.leaves[index].histogram.take();
        let split = self.record_split(index, candidate);
        let child = |rows, total, bounds, side| Leaf {
            rows,
            depth,
            total,
            bounds,
            histogram: None,
            best: None,
            parent: Some((split, side)),
        };
        let mut left = child(rows.start..middle, totals.0, bounds.0, Side::Left);
        let mut right = child(middle..rows.end, totals.1, bounds.1, Side::Right);
        if self.leaves.len() + 1 < self.soil.splitter.params.leaves_max {
            self.part_histogram(histogram, &mut left, &mut right);
        }
        self.leaves[index] = left;
        self.leaves.push(right);
    }

    /// Adds up the child with fewer rows only; the other one is what is left of the parent. Then looks for the
    /// children's best splits.
    fn part_histogram(&self, parent: Option<Histogram>, left: &mut Leaf, right: &mut Leaf) {
        let splitter = &self.soil.splitter;
        let may_split = |leaf: &Leaf| leaf.depth < splitter.params.depth_max && splitter.may_split(leaf.total);
        let (smaller, larger) = if left.rows.len() <= right.rows.len() { (left, right) } else { (right, left) };
        let Some(mut parent) = parent.filter(|_| may_split(smaller) || may_split(larger)) else { return };
        let histogram = self.soil.source.build(&self.rows[smaller.rows.clone()], smaller.total);
        if may_split(larger) {
            parent.subtract(&histogram);
            larger.histogram = Some(parent);
            larger.best = judge(&self.soil, larger);
        }
        if may_split(smaller) {
            smaller.histogram = Some(histogram);
            smaller.best = judge(&self.soil, smaller);
        } else {
            self.soil.source.workspaces.give_back(histogram);
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
            test: candidate.test,
            missing_left: candidate.missing_left,
            left: Child::Leaf(leaf),
            right: Child::Leaf(self.leaves.len()),
            gain: candidate.gain,
        });
        split
    }
}

fn judge(soil: &Soil<'_>, leaf: &Leaf) -> Option<Candidate> {
    let histogram = leaf.histogram.as_ref()?;
    soil.splitter.best(Node { histogram, total: leaf.total, bounds: leaf.bounds })
}
