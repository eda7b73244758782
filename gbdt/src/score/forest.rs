//! All trees of a model, ready to be walked.

use std::ops::Range;

use super::super::binning::FeatureBins;
use super::super::simd::{Lane, Work};
use super::super::simd::{STEP, Strip, Sums};
use super::super::tree::Tree;
use super::program::{Columns, Program};
use super::strips::COLUMNS;
use super::walk::{self, Values};
use super::wide::WideTree;

/// Trees over bins of the features that they test.
#[derive(Debug)]
pub(super) struct Forest {
    features: Vec<usize>,
    trees: Vec<(Program, Range<usize>)>,
    values: Vec<Values>,
    wide: Vec<WideTree>,
}

impl Forest {
    pub(super) fn new(trees: &[Tree], bins: &[FeatureBins]) -> Self {
        let columns = Columns::of_trees(trees);
        let mut forest = Self { features: columns.features(), trees: Vec::new(), values: Vec::new(), wide: Vec::new() };
        for tree in trees {
            match Program::new(tree, bins, &columns) {
                Some(program) => {
                    let first = forest.values.len();
                    forest.values.extend(walk::values_of_leaves(tree.leaves()));
                    forest.trees.push((program, first..forest.values.len()));
                }
                None => forest.wide.push(WideTree::new(tree, bins, &columns)),
            }
        }
        forest
    }

    /// The features that splits test, rising: what the columns of the strips hold.
    pub(super) fn features(&self) -> &[usize] {
        &self.features
    }
}

/// Sums the values of each row's leaves. The last strips are the columns of [`Forest::features`].
pub(super) struct SumLeaves<'a> {
    pub(super) forest: &'a Forest,
    pub(super) strips: &'a mut [Strip],
    pub(super) sums: &'a mut Sums,
}

impl Work for SumLeaves<'_> {
    #[inline(always)]
    fn run<L: Lane>(self, lane: L) {
        let Self { forest, strips, sums } = self;
        let mut unordered = Sums([0; STEP]);
        for (program, values) in &forest.trees {
            walk::find_leaves(lane, program, strips);
            let labels = &strips[usize::from(program.root)];
            walk::add_values(lane, &forest.values[values.clone()], labels, &mut unordered);
        }
        *sums = walk::in_order_of_rows(lane, &unordered);
        for tree in &forest.wide {
            tree.add_values(&strips[COLUMNS..], sums);
        }
    }
}
