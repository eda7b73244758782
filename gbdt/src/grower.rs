//! Grows one tree leaf by leaf: the leaf whose best split gains most is split next.
//!
//! Threads part leaves ahead of their turn where that is likely to come. What is parted in vain changes nothing: which splits
//! make the tree is decided by their gains alone.

mod front;
mod partition;

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

use super::histogram::{GradientSum, Histogram, HistogramSource};
use super::splitter::{Bounds, Candidate, Node, Splitter};
use super::tree::Split;
use front::Front;
use partition::{Rows, part_rows};

/// Rows from which all threads work on one leaf, rather than each on its own.
const TOGETHER_ROWS_MIN: usize = 32_768;

/// A leaf that may be split.
struct Leaf<'a> {
    /// Its rows, rising.
    rows: &'a mut [u32],
    /// As long as `rows`; holds nothing between splits.
    spare: &'a mut [u32],
    depth: usize,
    total: GradientSum,
    bounds: Bounds,
    /// `None` when the leaf may not be split.
    histogram: Option<Histogram>,
    best: Option<Candidate>,
}

struct Children<'a> {
    left: Leaf<'a>,
    right: Leaf<'a>,
}

/// What a tree is grown from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Soil<'a> {
    pub(super) columns: &'a [Vec<u8>],
    pub(super) source: HistogramSource<'a>,
    /// Sum of all gradients.
    pub(super) total: GradientSum,
    pub(super) splitter: Splitter<'a>,
    /// How many threads the work on one leaf may be shared among.
    pub(super) threads: usize,
}

/// A tree that has no values yet.
#[derive(Debug)]
pub(super) struct Grown {
    pub(super) splits: Vec<Split>,
    /// For each leaf, between which values it must stay.
    pub(super) bounds: Vec<Bounds>,
}

/// Grows a tree on `rows`, which rise and lose their order; `None` when no split is worth it. `spare` is as long as
/// `rows`; what it holds does not matter.
pub(super) fn grow<'a>(soil: Soil<'a>, rows: &'a mut [u32], spare: &'a mut [u32]) -> Option<Grown> {
    let mut front = Front::new(Leaf::root(&soil, rows, spare), soil.splitter.params.leaves_max - 1);
    part_together(&soil, &mut front);
    let front = part_apart(Soil { threads: 1, ..soil }, front);
    let grown = front.grown();
    front.into_leaves().for_each(|leaf| leaf.give_back(&soil));
    (!grown.splits.is_empty()).then_some(grown)
}

/// Parts leaves, all threads together, while there are large ones, or fewer than threads.
fn part_together(soil: &Soil<'_>, front: &mut Front<'_>) {
    loop {
        let (mut wanted, _) = front.wanted(soil.threads);
        let large = wanted.first().is_some_and(|&first| front.rows(first) >= TOGETHER_ROWS_MIN);
        if large {
            wanted.truncate(1);
        } else if wanted.is_empty() || (soil.threads > 1 && wanted.len() == soil.threads) {
            return;
        }
        let leaves: Vec<_> = wanted.into_iter().map(|wanted| (wanted, front.take(wanted))).collect();
        let parted = leaves.into_par_iter().map(|(wanted, leaf)| (wanted, leaf.part(soil, wanted.judged)));
        for (wanted, children) in parted.collect::<Vec<_>>() {
            front.put(wanted, children);
        }
    }
}

/// Parts leaves, each thread its own, until the tree is known.
fn part_apart<'a>(soil: Soil<'a>, front: Front<'a>) -> Front<'a> {
    let shared = Shared { soil, front: Mutex::new(front), changed: Condvar::new() };
    rayon::scope(|scope| {
        // Nobody waits here for work of another kind, so a thread that waits for a leaf waits for a thread that works on it.
        for _ in 1..rayon::current_num_threads() {
            scope.spawn(|_| shared.work());
        }
        shared.work();
    });
    shared.front.into_inner().unwrap_or_else(PoisonError::into_inner)
}

struct Shared<'a> {
    soil: Soil<'a>,
    front: Mutex<Front<'a>>,
    /// A leaf was parted, or never will be.
    changed: Condvar,
}

/// Who waits for a leaf must hear that it will never be parted.
struct TellOfPanic<'s, 'a>(&'s Shared<'a>);

impl Drop for TellOfPanic<'_, '_> {
    fn drop(&mut self) {
        self.0.lock().abandon();
        self.0.changed.notify_all();
    }
}

impl<'a> Shared<'a> {
    fn lock(&self) -> MutexGuard<'_, Front<'a>> {
        self.front.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        let mut front = self.lock();
        loop {
            front = match front.wanted(1) {
                (wanted, _) if let Some(&wanted) = wanted.first() => {
                    let leaf = front.take(wanted);
                    drop(front);
                    let telling = TellOfPanic(self);
                    let children = leaf.part(&self.soil, wanted.judged);
                    std::mem::forget(telling);
                    let mut front = self.lock();
                    front.put(wanted, children);
                    self.changed.notify_all();
                    front
                }
                (_, true) => self.changed.wait(front).unwrap_or_else(PoisonError::into_inner),
                (_, false) => return,
            };
        }
    }
}

impl<'a> Leaf<'a> {
    /// One leaf that holds every row.
    fn root(soil: &Soil<'_>, rows: &'a mut [u32], spare: &'a mut [u32]) -> Self {
        let histogram = soil.source.build(rows, soil.total, soil.threads);
        let mut root = Self::new((rows, spare), 0, soil.total, Bounds::NONE);
        root.histogram = Some(histogram);
        root.best = root.judge(soil);
        root
    }

    fn new((rows, spare): Rows<'a>, depth: usize, total: GradientSum, bounds: Bounds) -> Self {
        Self { rows, spare, depth, total, bounds, histogram: None, best: None }
    }

    /// Parts as the best split says; if `judged`, the children get their rows and learn their own best splits. Panics when
    /// there is no best split.
    fn part(mut self, soil: &Soil<'_>, judged: bool) -> (Candidate, Children<'a>) {
        let candidate = self.best.take().expect("only a leaf with a best split is parted");
        let rows = if judged { part_rows(soil, &candidate, (self.rows, self.spare)) } else { Default::default() };
        let totals = (candidate.left, self.total.minus(candidate.left));
        let splitter = &soil.splitter;
        let steps = (splitter.leaf(totals.0).step(self.bounds), splitter.leaf(totals.1).step(self.bounds));
        let bounds = self.bounds.part(splitter.direction(candidate.feature), steps.0, steps.1);
        let mut children = Children {
            left: Self::new(rows.0, self.depth + 1, totals.0, bounds.0),
            right: Self::new(rows.1, self.depth + 1, totals.1, bounds.1),
        };
        match self.histogram {
            Some(histogram) if judged => children.judge(soil, histogram),
            Some(histogram) => soil.source.workspaces.give_back(histogram),
            None => {}
        }
        (candidate, children)
    }

    fn judge(&self, soil: &Soil<'_>) -> Option<Candidate> {
        let histogram = self.histogram.as_ref()?;
        soil.splitter.best(Node { histogram, total: self.total, bounds: self.bounds }, soil.threads)
    }

    fn may_split(&self, splitter: &Splitter<'_>) -> bool {
        self.depth < splitter.params.depth_max && splitter.may_split(self.total)
    }

    /// Lets the next tree have the memory of the histogram.
    fn give_back(self, soil: &Soil<'_>) {
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
            let histogram = soil.source.build(smaller.rows, smaller.total, soil.threads);
            if larger_may {
                parent.subtract(&histogram);
            }
            smaller.histogram = Some(histogram);
        }
        larger.histogram = Some(parent);
        let judge = |leaf: &mut Leaf<'_>, may: bool| {
            if may {
                leaf.best = leaf.judge(soil);
            }
            // Nobody parts a leaf without a best split.
            if leaf.best.is_none()
                && let Some(histogram) = leaf.histogram.take()
            {
                soil.source.workspaces.give_back(histogram);
            }
        };
        if soil.threads > 1 {
            rayon::join(|| judge(larger, larger_may), || judge(smaller, smaller_may));
        } else {
            judge(larger, larger_may);
            judge(smaller, smaller_may);
        }
    }
}
