//! Grows one tree leaf by leaf: the leaf whose best split gains most is split next.

mod partition;

use std::mem::take;

use rayon::prelude::*;

use super::histogram::{GradientSum, Histogram, HistogramSource};
use super::splitter::{Bounds, Candidate, Node, Splitter};
use super::tree::{Child, Split};
use partition::part_rows;

/// A leaf that may still be split.
struct Leaf<'a> {
    /// Its rows, rising.
    rows: &'a mut [u32],
    /// As long as `rows`; holds nothing between splits.
    spare: &'a mut [u32],
    depth: usize,
    total: GradientSum,
    bounds: Bounds,
    /// `None` when the leaf may not be split, or is parted.
    histogram: Option<Histogram>,
    best: Option<Candidate>,
    /// What its best split makes of it, once that is worked out.
    children: Option<Box<Children<'a>>>,
    /// The split that leads here; `None` for the root.
    parent: Option<(usize, Side)>,
}

struct Children<'a> {
    left: Leaf<'a>,
    right: Leaf<'a>,
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
    leaves: Vec<Leaf<'a>>,
    splits: Vec<Split>,
}

/// Grows a tree on `rows`, which rise and lose their order; `None` when no split is worth it. `spare` is as long as
/// `rows`; what it holds does not matter.
pub(super) fn grow<'a>(soil: Soil<'a>, rows: &'a mut [u32], spare: &'a mut [u32]) -> Option<Grown> {
    let mut grower = Grower { soil, leaves: vec![Leaf::root(&soil, rows, spare)], splits: vec![] };
    while grower.leaves.len() < soil.splitter.params.leaves_max {
        let Some(leaf) = grower.next_leaf() else { break };
        if grower.leaves[leaf].children.is_none() {
            grower.part_leaves();
        }
        grower.split(leaf);
    }
    let bounds = grower.leaves.iter().map(|leaf| leaf.bounds).collect();
    grower.leaves.into_iter().for_each(|leaf| leaf.give_back(&soil));
    (!grower.splits.is_empty()).then_some(Grown { splits: grower.splits, bounds })
}

impl Grower<'_> {
    /// The leaf to split next: the one with the greatest gain, the earlier among equals.
    fn next_leaf(&self) -> Option<usize> {
        let gains = self.leaves.iter().enumerate().filter_map(|(index, leaf)| Some((index, leaf.best.as_ref()?.gain)));
        gains.reduce(|best, next| if next.1 > best.1 { next } else { best }).map(|(index, _)| index)
    }

    /// Works out the next split and, on other threads, those that would follow if its children gained little. What is
    /// not split in the end was worked out in vain, and changes nothing.
    fn part_leaves(&mut self) {
        let (soil, room) = (&self.soil, self.soil.splitter.params.leaves_max - self.leaves.len());
        let unparted = |leaf: &&mut Leaf<'_>| leaf.best.is_some() && leaf.children.is_none();
        let mut next: Vec<&mut Leaf<'_>> = self.leaves.iter_mut().filter(unparted).collect();
        next.sort_by(|one, other| other.gain().total_cmp(&one.gain()));
        next.truncate(room.min(rayon::current_num_threads()));
        // After the last split that there is room for, nobody asks how the children could be split.
        let part = |(place, leaf): (usize, &mut Leaf<'_>)| leaf.part(soil, place + 1 < room);
        if next.len() == 1 {
            next.into_iter().enumerate().for_each(part);
        } else {
            next.into_par_iter().enumerate().for_each(part);
        }
    }

    /// Replaces a leaf by its children. The left child takes the leaf's index, the right child the next free one.
    fn split(&mut self, index: usize) {
        let leaf = &mut self.leaves[index];
        let (Some(candidate), Some(children)) = (leaf.best.take(), leaf.children.take()) else { return };
        let split = self.record_split(index, candidate);
        let Children { mut left, mut right } = *children;
        left.parent = Some((split, Side::Left));
        right.parent = Some((split, Side::Right));
        self.leaves[index] = left;
        self.leaves.push(right);
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

impl<'a> Leaf<'a> {
    /// One leaf that holds every row.
    fn root(soil: &Soil<'_>, rows: &'a mut [u32], spare: &'a mut [u32]) -> Self {
        let total = soil.source.total(rows);
        let histogram = soil.source.build(rows, total);
        let mut root = Self::new((rows, spare), 0, total, Bounds::NONE);
        root.histogram = Some(histogram);
        root.best = root.judge(soil);
        root
    }

    fn new((rows, spare): (&'a mut [u32], &'a mut [u32]), depth: usize, total: GradientSum, bounds: Bounds) -> Self {
        Self { rows, spare, depth, total, bounds, histogram: None, best: None, children: None, parent: None }
    }

    /// By how much the best split lets the loss fall.
    fn gain(&self) -> f64 {
        self.best.as_ref().map_or(f64::NEG_INFINITY, |best| best.gain)
    }

    /// Parts the rows as the best split says; if `judged`, the children learn their own best splits.
    fn part(&mut self, soil: &Soil<'_>, judged: bool) {
        let Some(candidate) = &self.best else { return };
        let left_count = part_rows(soil, candidate, self.rows, self.spare);
        let (left_rows, right_rows) = take(&mut self.rows).split_at_mut(left_count);
        let (left_spare, right_spare) = take(&mut self.spare).split_at_mut(left_count);
        let totals = (candidate.left, self.total.minus(candidate.left));
        let splitter = &soil.splitter;
        let steps = (splitter.leaf(totals.0).step(self.bounds), splitter.leaf(totals.1).step(self.bounds));
        let bounds = self.bounds.part(splitter.direction(candidate.feature), steps.0, steps.1);
        let mut children = Box::new(Children {
            left: Self::new((left_rows, left_spare), self.depth + 1, totals.0, bounds.0),
            right: Self::new((right_rows, right_spare), self.depth + 1, totals.1, bounds.1),
        });
        if let Some(histogram) = self.histogram.take().filter(|_| judged) {
            children.judge(soil, histogram);
        }
        self.children = Some(children);
    }

    fn judge(&self, soil: &Soil<'_>) -> Option<Candidate> {
        let histogram = self.histogram.as_ref()?;
        soil.splitter.best(Node { histogram, total: self.total, bounds: self.bounds })
    }

    fn may_split(&self, splitter: &Splitter<'_>) -> bool {
        self.depth < splitter.params.depth_max && splitter.may_split(self.total)
    }

    /// Lets the next tree have the memory of the histograms.
    fn give_back(self, soil: &Soil<'_>) {
        if let Some(children) = self.children {
            children.left.give_back(soil);
            children.right.give_back(soil);
        }
        if let Some(histogram) = self.histogram {
            soil.source.workspaces.give_back(histogram);
        }
    }
}

impl Children<'_> {
    /// Adds up the child with fewer rows only; the other one is what is left of the parent. Then looks for the
    /// children's best splits.
    fn judge(&mut self, soil: &Soil<'_>, mut parent: Histogram) {
        let (left, right) = (&mut self.left, &mut self.right);
        let (smaller, larger) = if left.rows.len() <= right.rows.len() { (left, right) } else { (right, left) };
        let (smaller_may, larger_may) = (smaller.may_split(&soil.splitter), larger.may_split(&soil.splitter));
        if smaller_may || larger_may {
            let histogram = soil.source.build(smaller.rows, smaller.total);
            if larger_may {
                parent.subtract(&histogram);
            }
            smaller.histogram = Some(histogram);
        }
        larger.histogram = Some(parent);
        for (leaf, may) in [(larger, larger_may), (smaller, smaller_may)] {
            if may {
                leaf.best = leaf.judge(soil);
            } else if let Some(histogram) = leaf.histogram.take() {
                soil.source.workspaces.give_back(histogram);
            }
        }
    }
}
