//! Trees with more leaves than a byte can label: walked row by row.

use super::super::binning::FeatureBins;
use super::super::simd::{Strip, Sums};
use super::super::tree::Tree;
use super::program::Columns;

/// A tree over columns of bins.
#[derive(Debug)]
pub(super) struct WideTree {
    tree: Tree,
    /// For each feature up to the last one that is tested.
    features: Vec<Feature>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Feature {
    column: usize,
    missing_bin: u8,
}

impl WideTree {
    pub(super) fn new(tree: &Tree, bins: &[FeatureBins], columns: &Columns) -> Self {
        let last = tree.splits().iter().map(|split| split.feature).max();
        let mut features = vec![Feature::default(); last.map_or(0, |last| last + 1)];
        for feature in tree.splits().iter().map(|split| split.feature) {
            features[feature] =
                Feature { column: columns.of_feature(feature) as usize, missing_bin: bins[feature].missing_bin() };
        }
        Self { tree: tree.clone(), features }
    }

    /// Index of the leaf of a row whose bin in each column is `bin(column)`.
    pub(super) fn leaf(&self, bin: impl Fn(usize) -> u8) -> usize {
        self.tree.leaf(|split| {
            let feature = self.features[split.feature];
            split.bin_goes_left(bin(feature.column), feature.missing_bin)
        })
    }

    pub(super) fn add_values(&self, columns: &[Strip], sums: &mut Sums) {
        for (row, sum) in sums.0.iter_mut().enumerate() {
            *sum += self.tree.leaves()[self.leaf(|column| columns[column].0[row])].value;
        }
    }
}
