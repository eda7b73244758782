//! A tree as a list of steps that are the same for every row: each split picks, for each row, what its left or its
//! right side came to, from the leaves up.

use std::collections::BTreeMap;

use super::super::binning::FeatureBins;
use super::super::tree::{Child, Split, Test, Tree};
use super::strips::{ANSWERS, COLUMNS, LEAVES_MAX, SUBTREES};

/// Gives each tested feature a column of the strips.
#[derive(Debug, Default)]
pub(super) struct Columns {
    by_feature: BTreeMap<usize, u32>,
}

/// One tree's steps. Numbers of strips are below [`COLUMNS`] plus the number of columns.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) sets: Vec<SetTest>,
    pub(super) picks: Vec<Pick>,
    /// The strip that holds the labels of the rows' leaves in the end.
    pub(super) root: u16,
}

/// Goes up one split. What the rows came to below stays with them, or becomes `start` for all rows where a path starts
/// at a leaf; then those for which `column + shift`, wrapping, is above `limit` take what `side` holds instead.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pick {
    pub(super) column: u32,
    pub(super) side: u16,
    /// Where the outcome is written; it counts once the path has reached its end.
    pub(super) into: u16,
    pub(super) shift: u8,
    /// An `i8`, as the sum is.
    pub(super) limit: u8,
    /// 255 to keep what is below, 0 to start.
    pub(super) keep: u8,
    /// 0 to keep what is below.
    pub(super) start: u8,
}

/// Writes a byte above 0 for each row whose bin is in a set, else 0.
#[derive(Debug, Clone)]
pub(super) struct SetTest {
    pub(super) column: u32,
    pub(super) into: u16,
    pub(super) set: Set,
}

#[derive(Debug, Clone)]
pub(super) enum Set {
    /// The answer for each bin, of features whose bins are all below 16.
    Below16([u8; 16]),
    /// One bit for each bin, of features whose bins are all below 128.
    Below128([u8; 16]),
    /// One bit for each bin.
    Any([[u8; 16]; 2]),
}

impl Columns {
    /// The features in the order of their columns.
    pub(super) fn of_trees(trees: &[Tree]) -> Self {
        let mut by_feature: BTreeMap<usize, u32> =
            trees.iter().flat_map(Tree::splits).map(|split| (split.feature, 0)).collect();
        for (column, place) in (0..).zip(by_feature.values_mut()) {
            *place = column;
        }
        Self { by_feature }
    }

    pub(super) fn features(&self) -> Vec<usize> {
        self.by_feature.keys().copied().collect()
    }

    pub(super) fn of_feature(&self, feature: usize) -> u32 {
        self.by_feature[&feature]
    }
}

impl Program {
    /// `None` for trees with so many leaves that a byte cannot label them.
    pub(super) fn new(tree: &Tree, bins: &[FeatureBins], columns: &Columns) -> Option<Self> {
        if tree.leaves().len() > LEAVES_MAX {
            return None;
        }
        let program = Self { sets: Vec::new(), picks: Vec::with_capacity(tree.splits().len()), root: 0 };
        let mut compiler = Compiler { tree, bins, columns, sizes: sizes(tree), program };
        compiler.program.root = compiler.child(tree.root(), SUBTREES);
        Some(compiler.program)
    }
}

/// The number of splits from each split downwards.
fn sizes(tree: &Tree) -> Vec<usize> {
    let mut sizes = vec![1; tree.splits().len()];
    for (index, split) in tree.splits().iter().enumerate().rev() {
        for child in [split.left, split.right] {
            if let Child::Split(child) = child {
                sizes[index] += sizes[child];
            }
        }
    }
    sizes
}

/// Bytes that follow each other, from `first` to `last`, on the circle on which 0 follows 255.
#[derive(Debug, Clone, Copy)]
struct Arc {
    first: u8,
    last: u8,
}

impl Arc {
    /// `shift` and `limit` of [`Pick`] for the bytes of the arc: turns the circle until `last` is 127, the largest `i8`.
    fn test(self) -> (u8, u8) {
        let shift = 127_u8.wrapping_sub(self.last);
        (shift, self.first.wrapping_add(shift).wrapping_sub(1))
    }

    fn rest(self) -> Self {
        Self { first: self.last.wrapping_add(1), last: self.first.wrapping_sub(1) }
    }
}

struct Compiler<'a> {
    tree: &'a Tree,
    bins: &'a [FeatureBins],
    columns: &'a Columns,
    sizes: Vec<usize>,
    program: Program,
}

impl<'a> Compiler<'a> {
    /// Adds the steps below and at a child, which may use strips from `into` on. Returns the strip of the outcome.
    fn child(&mut self, child: Child, into: usize) -> u16 {
        let (path, end) = self.path(child);
        // All that joins the path is worked out first, so that the path itself is walked without a stop.
        let mut free = into + 1;
        let mut strips = Vec::with_capacity(path.len());
        for &(_, side) in &path {
            strips.push(self.child(side, free));
            free += usize::from(matches!(side, Child::Split(_)));
        }
        for (index, (&(split, side), strip)) in path.iter().zip(strips).rev().enumerate() {
            let (column, right) = self.test(split);
            let (shift, limit) = if side == split.right { right } else { right.rest() }.test();
            let (keep, start) = if index == 0 { (0, end) } else { (u8::MAX, 0) };
            self.program.picks.push(Pick { column, side: strip, into: small(into), shift, limit, keep, start });
        }
        if path.is_empty() { u16::from(end) } else { small(into) }
    }

    /// The splits from `child` on, always to the side with more splits, each with its other side; and the leaf at the
    /// end. Leaves out splits that send every row to the left.
    fn path(&self, mut child: Child) -> (Vec<(&'a Split, Child)>, u8) {
        let mut path = Vec::new();
        loop {
            let split = match child {
                Child::Leaf(leaf) => return (path, u8::try_from(leaf).expect("leaves are below LEAVES_MAX")),
                Child::Split(index) => &self.tree.splits()[index],
            };
            let all_left = split.missing_left && split.test == Test::AtMost(self.missing_bin(split) - 1);
            let side = if self.size(split.left) >= self.size(split.right) { split.right } else { split.left };
            child = if side == split.right || all_left { split.left } else { split.right };
            if !all_left {
                path.push((split, side));
            }
        }
    }

    fn size(&self, child: Child) -> usize {
        if let Child::Split(index) = child { self.sizes[index] } else { 0 }
    }

    fn missing_bin(&self, split: &Split) -> u8 {
        self.bins[split.feature].missing_bin()
    }

    /// The strip that is tested, and its bytes that go right.
    fn test(&mut self, split: &Split) -> (u32, Arc) {
        let column = u32::try_from(COLUMNS).expect("a small constant") + self.columns.of_feature(split.feature);
        let missing = self.missing_bin(split);
        match &split.test {
            Test::AtMost(last) => {
                let end = if split.missing_left { missing - 1 } else { u8::MAX };
                (column, Arc { first: last + 1, last: end })
            }
            Test::OneOf(bins) => {
                let into = small(ANSWERS + self.program.sets.len());
                self.program.sets.push(SetTest { column, into, set: Set::new(bins, missing) });
                (u32::from(into), Arc { first: 0, last: 0 })
            }
        }
    }
}

impl Set {
    fn new(bins: &[u8], missing: u8) -> Self {
        let mut answers = [0; 16];
        let mut eights = [[0; 16]; 2];
        for bin in bins.iter().map(|&bin| usize::from(bin)) {
            answers[bin % 16] = 1;
            eights[bin / 128][bin / 8 % 16] |= 1 << (bin % 8);
        }
        match missing {
            ..16 => Self::Below16(answers),
            16..128 => Self::Below128(eights[0]),
            128.. => Self::Any(eights),
        }
    }
}

fn small(strip: usize) -> u16 {
    u16::try_from(strip).expect("leaves, subtrees and answers are below COLUMNS")
}
