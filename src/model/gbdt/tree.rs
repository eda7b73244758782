//! One tree: splits in the order of growing, so that a child always comes after its parent, and leaves.

use serde::{Deserialize, Serialize};

use super::binning::{BinnedTable, FeatureBins};

/// Where a row goes after a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Child {
    /// Index into the tree's splits.
    Split(usize),
    /// Index into the tree's leaves.
    Leaf(usize),
}

/// A test on one feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// Index of the feature.
    pub feature: usize,
    /// Values in bins up to this one go left.
    pub bin: u8,
    /// Whether missing values go left.
    pub missing_left: bool,
    pub left: Child,
    pub right: Child,
    /// By how much the split lowered the training loss, to second order.
    pub gain: f64,
}

/// Splits and the log-odds that the leaves add.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tree {
    splits: Vec<Split>,
    leaf_values: Vec<f64>,
}

/// Why splits and leaves are not a tree over the model's features.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeFault {
    #[error("{leaves} leaves do not fit {splits} splits")]
    Leaves { splits: usize, leaves: usize },
    #[error("split {split} tests feature {feature}, which does not exist")]
    Feature { split: usize, feature: usize },
    #[error("split {split} cuts at bin {bin}, which does not exist")]
    Bin { split: usize, bin: u8 },
    #[error("split {split} leads to a place that does not exist or that another split leads to")]
    Child { split: usize },
    #[error("the gain of split {split} is not a finite number")]
    Gain { split: usize },
    #[error("the value of leaf {leaf} is not a finite number")]
    Value { leaf: usize },
}

impl Tree {
    /// Checks that every split but the first and every leaf is led to exactly once, from an earlier split.
    pub(super) fn new(splits: Vec<Split>, leaf_values: Vec<f64>, bins: &[FeatureBins]) -> Result<Self, TreeFault> {
        let tree = Self { splits, leaf_values };
        tree.check(bins)?;
        Ok(tree)
    }

    /// The checks of [`Tree::new`], for a tree that was read from outside.
    pub(super) fn check(&self, bins: &[FeatureBins]) -> Result<(), TreeFault> {
        let (splits, leaves) = (self.splits.len(), self.leaf_values.len());
        if leaves != splits + 1 {
            return Err(TreeFault::Leaves { splits, leaves });
        }
        let mut reached = Reached { splits: vec![false; splits], leaves: vec![false; leaves] };
        for (index, split) in self.splits.iter().enumerate() {
            check_test(index, split, bins)?;
            if !(reached.first_time(index, split.left) && reached.first_time(index, split.right)) {
                return Err(TreeFault::Child { split: index });
            }
        }
        match self.leaf_values.iter().position(|value| !value.is_finite()) {
            Some(leaf) => Err(TreeFault::Value { leaf }),
            None => Ok(()),
        }
    }

    /// In the order of growing; the first is the root.
    pub fn splits(&self) -> &[Split] {
        &self.splits
    }

    /// Log-odds, after the learning rate.
    pub fn leaf_values(&self) -> &[f64] {
        &self.leaf_values
    }

    /// The value for a row of a binned table.
    pub(super) fn value_of_bins(&self, table: &BinnedTable, bins: &[FeatureBins], row: usize) -> f64 {
        let goes_left = |split: &Split| {
            let bin = table.columns[split.feature][row];
            if bin == bins[split.feature].missing_bin() { split.missing_left } else { bin <= split.bin }
        };
        self.value(goes_left)
    }

    /// The value of the leaf that a row ends in when `goes_left` decides at each split.
    pub(super) fn value(&self, goes_left: impl Fn(&Split) -> bool) -> f64 {
        let mut child = if self.splits.is_empty() { Child::Leaf(0) } else { Child::Split(0) };
        loop {
            match child {
                Child::Leaf(leaf) => return self.leaf_values[leaf],
                Child::Split(index) => {
                    let split = &self.splits[index];
                    child = if goes_left(split) { split.left } else { split.right };
                }
            }
        }
    }
}

fn check_test(index: usize, split: &Split, bins: &[FeatureBins]) -> Result<(), TreeFault> {
    let Some(feature) = bins.get(split.feature) else {
        return Err(TreeFault::Feature { split: index, feature: split.feature });
    };
    if split.bin >= feature.missing_bin() {
        return Err(TreeFault::Bin { split: index, bin: split.bin });
    }
    if split.gain.is_finite() { Ok(()) } else { Err(TreeFault::Gain { split: index }) }
}

/// Which places a split led to so far.
struct Reached {
    splits: Vec<bool>,
    leaves: Vec<bool>,
}

impl Reached {
    /// Whether `child` exists, comes after `parent` and was not reached before. Splits + 1 leaves, each reached at most
    /// once from 2 × splits children, means that all are reached.
    fn first_time(&mut self, parent: usize, child: Child) -> bool {
        let place = match child {
            Child::Split(index) if index <= parent => None,
            Child::Split(index) => self.splits.get_mut(index),
            Child::Leaf(leaf) => self.leaves.get_mut(leaf),
        };
        place.is_some_and(|reached| !std::mem::replace(reached, true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(left: Child, right: Child) -> Split {
        Split { feature: 0, bin: 0, missing_left: true, left, right, gain: 1.0 }
    }

    fn fault(splits: Vec<Split>, leaf_values: Vec<f64>) -> TreeFault {
        let bins = [FeatureBins::from_cuts(vec![0.5]).unwrap()];
        Tree::new(splits, leaf_values, &bins).unwrap_err()
    }

    #[test]
    fn a_tree_without_splits_is_its_leaf() {
        let tree = Tree::new(vec![], vec![0.25], &[]).unwrap();
        assert_eq!(Some(tree.value(|_| true)), Some(0.25));
    }

    #[test]
    fn what_is_not_a_tree_is_refused() {
        use Child::{Leaf, Split as Next};
        assert_eq!(fault(vec![], vec![]), TreeFault::Leaves { splits: 0, leaves: 0 });
        assert_eq!(fault(vec![split(Next(0), Leaf(0))], vec![0.0; 2]), TreeFault::Child { split: 0 });
        assert_eq!(fault(vec![split(Leaf(1), Leaf(1))], vec![0.0; 2]), TreeFault::Child { split: 0 });
        assert_eq!(fault(vec![split(Leaf(0), Leaf(2))], vec![0.0; 2]), TreeFault::Child { split: 0 });
        assert_eq!(fault(vec![split(Leaf(0), Leaf(1))], vec![0.0, f64::NAN]), TreeFault::Value { leaf: 1 });
        let wrong_bin = Split { bin: 2, ..split(Leaf(0), Leaf(1)) };
        assert_eq!(fault(vec![wrong_bin], vec![0.0; 2]), TreeFault::Bin { split: 0, bin: 2 });
        let wrong_feature = Split { feature: 1, ..split(Leaf(0), Leaf(1)) };
        assert_eq!(fault(vec![wrong_feature], vec![0.0; 2]), TreeFault::Feature { split: 0, feature: 1 });
        let cycle = vec![split(Leaf(0), Next(1)), split(Leaf(1), Next(0))];
        assert_eq!(fault(cycle, vec![0.0; 3]), TreeFault::Child { split: 1 });
    }
}
