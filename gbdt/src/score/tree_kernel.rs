//! One tree over bins, for training: which leaf each row of a block ends in.

use super::super::binning::FeatureBins;
use super::super::simd::Kernel;
use super::super::simd::{Lane, Work};
use super::super::simd::{STEP, Strip};
use super::super::tree::Tree;
use super::program::{Columns, Program};
use super::strips::{COLUMNS, Strips};
use super::walk;
use super::wide::WideTree;

/// A tree, ready to be walked by many rows.
#[derive(Debug)]
pub(in super::super) struct TreeKernel {
    features: Vec<usize>,
    way: Way,
    kernel: Kernel,
}

#[derive(Debug)]
enum Way {
    Narrow(Program),
    Wide(WideTree),
}

impl TreeKernel {
    pub(in super::super) fn new(tree: &Tree, bins: &[FeatureBins]) -> Self {
        let columns = Columns::of_trees(std::slice::from_ref(tree));
        let way = match Program::new(tree, bins, &columns) {
            Some(program) => Way::Narrow(program),
            None => Way::Wide(WideTree::new(tree, bins, &columns)),
        };
        Self { features: columns.features(), way, kernel: Kernel::best() }
    }

    #[cfg(test)]
    pub(super) fn with(self, kernel: Kernel) -> Self {
        Self { kernel, ..self }
    }

    /// Writes the index of each row's leaf. `columns` holds, for each feature, the rows' bins. Panics unless all
    /// columns that the tree tests have as many rows as `leaves`.
    pub(in super::super) fn leaves(&self, columns: &[&[u8]], leaves: &mut [u16]) {
        let columns: Vec<&[u8]> = self.features.iter().map(|&feature| columns[feature]).collect();
        assert!(columns.iter().all(|column| column.len() == leaves.len()), "a leaf for each row of each column");
        match &self.way {
            Way::Narrow(program) => Strips::with(columns.len(), |strips| {
                self.kernel.run(FindLeaves { program, columns: &columns, strips, leaves });
            }),
            Way::Wide(tree) => {
                for (row, leaf) in leaves.iter_mut().enumerate() {
                    let index = tree.leaf(|column| columns[column][row]);
                    *leaf = u16::try_from(index).expect("at most 65536 leaves");
                }
            }
        }
    }
}

struct FindLeaves<'a> {
    program: &'a Program,
    columns: &'a [&'a [u8]],
    strips: &'a mut [Strip],
    leaves: &'a mut [u16],
}

impl Work for FindLeaves<'_> {
    #[inline(always)]
    fn run<L: Lane>(self, lane: L) {
        let Self { program, columns, strips, leaves } = self;
        for (step, leaves) in leaves.chunks_mut(STEP).enumerate() {
            for (strip, column) in strips[COLUMNS..].iter_mut().zip(columns) {
                strip.copy_from(&column[step * STEP..]);
            }
            walk::find_leaves(lane, program, strips);
            for (leaf, &label) in leaves.iter_mut().zip(&strips[usize::from(program.root)].0) {
                *leaf = u16::from(label);
            }
        }
    }
}
