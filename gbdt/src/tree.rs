//! One tree: splits in the order of growing, so that a child always comes after its parent, and leaves.

use serde::{Deserialize, Serialize};

use super::binning::FeatureBins;

/// Where a row goes after a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Child {
    /// Index into the tree's splits.
    Split(usize),
    /// Index into the tree's leaves.
    Leaf(usize),
}

/// Which bins of values go left. A category without a bin of its own goes right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Test {
    /// Of numbers: the bins up to this one.
    AtMost(u8),
    /// Of categories: these bins, rising.
    OneOf(Vec<u8>),
}

/// A test on one feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// Index of the feature.
    pub feature: usize,
    /// Which values go left.
    pub test: Test,
    /// Whether missing values go left; never for categories.
    pub missing_left: bool,
    /// Where rows go whose value the test takes.
    pub left: Child,
    /// Where all others go.
    pub right: Child,
    /// By how much the split lowered the training loss, to second order.
    pub gain: f64,
}

/// Where rows end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leaf {
    /// What it adds to the score, in units of [`super::Gbdt::leaf_unit`].
    pub value: i32,
    /// Training rows that ended here.
    pub rows: u64,
}

/// Splits and leaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tree {
    splits: Vec<Split>,
    leaves: Vec<Leaf>,
}

/// Why splits and leaves are not a tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeFault {
    /// A binary tree has one leaf more than splits.
    #[error("{splits} splits need {} leaves, not {leaves}", splits + 1)]
    Leaves {
        /// Splits that there are.
        splits: usize,
        /// Leaves that there are.
        leaves: usize,
    },
    /// A split tests a feature that the model does not have.
    #[error("split {split} tests feature {feature}, which does not exist")]
    Feature {
        /// Its place, from 0.
        split: usize,
        /// The place of the feature that it names.
        feature: usize,
    },
    /// A split's test does not fit the bins of its feature.
    #[error("split {split} tests for a bin that does not exist, or not as its kind of feature is tested")]
    Test {
        /// Its place, from 0.
        split: usize,
    },
    /// A split leads nowhere, back, or to what another one leads to.
    #[error("split {split} leads to a place that does not exist or that another split leads to")]
    Child {
        /// Its place, from 0.
        split: usize,
    },
    /// A split's gain is not finite.
    #[error("the gain of split {split} is not a finite number")]
    Gain {
        /// Its place, from 0.
        split: usize,
    },
}

impl Tree {
    /// Checks that every split but the first and every leaf is led to exactly once, from an earlier split.
    pub(super) fn new(splits: Vec<Split>, leaves: Vec<Leaf>, bins: &[FeatureBins]) -> Result<Self, TreeFault> {
        let tree = Self { splits, leaves };
        tree.check(bins)?;
        Ok(tree)
    }

    /// The checks of [`Tree::new`], for a tree that was read from outside.
    pub(super) fn check(&self, bins: &[FeatureBins]) -> Result<(), TreeFault> {
        let (splits, leaves) = (self.splits.len(), self.leaves.len());
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
        Ok(())
    }

    /// In the order of growing; the first is the root.
    pub fn splits(&self) -> &[Split] {
        &self.splits
    }

    /// In the order of growing; [`Child::Leaf`] names their places.
    pub fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// Gives the leaves their values. Panics unless there are as many as before.
    pub(super) fn set_leaves(&mut self, leaves: Vec<Leaf>) {
        assert_eq!(leaves.len(), self.leaves.len(), "a value for each leaf");
        self.leaves = leaves;
    }

    /// Where a row starts.
    pub fn root(&self) -> Child {
        if self.splits.is_empty() { Child::Leaf(0) } else { Child::Split(0) }
    }

    /// The leaf that a row ends in when `goes_left` decides at each split.
    pub(super) fn leaf(&self, goes_left: impl Fn(&Split) -> bool) -> usize {
        let mut child = self.root();
        loop {
            match child {
                Child::Leaf(leaf) => return leaf,
                Child::Split(index) => {
                    let split = &self.splits[index];
                    child = if goes_left(split) { split.left } else { split.right };
                }
            }
        }
    }
}

impl Split {
    /// Whether values of this bin go left.
    pub(super) fn bin_goes_left(&self, bin: u8, missing_bin: u8) -> bool {
        match &self.test {
            _ if bin == missing_bin => self.missing_left,
            Test::AtMost(last) => bin <= *last,
            Test::OneOf(bins) => bins.binary_search(&bin).is_ok(),
        }
    }
}

fn check_test(index: usize, split: &Split, bins: &[FeatureBins]) -> Result<(), TreeFault> {
    let Some(feature) = bins.get(split.feature) else {
        return Err(TreeFault::Feature { split: index, feature: split.feature });
    };
    let values = feature.missing_bin();
    let fits = match (&split.test, feature) {
        (Test::AtMost(bin), FeatureBins::Numeric(_)) => *bin < values,
        (Test::OneOf(bins), FeatureBins::Categorical(_)) => {
            let rising = bins.windows(2).all(|pair| pair[0] < pair[1]);
            rising && bins.iter().all(|bin| *bin < values) && !split.missing_left
        }
        _ => false,
    };
    if !fits {
        return Err(TreeFault::Test { split: index });
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
    use super::super::binning::{Categories, Cuts};
    use super::*;

    const LEAF: Leaf = Leaf { value: 0, rows: 1 };

    fn split(left: Child, right: Child) -> Split {
        Split { feature: 0, test: Test::AtMost(0), missing_left: true, left, right, gain: 1.0 }
    }

    fn fault(splits: Vec<Split>, leaves: usize) -> TreeFault {
        let cuts = FeatureBins::Numeric(Cuts::new(vec![0.5]).unwrap());
        let categories = FeatureBins::Categorical(Categories::new(vec![3, 5], vec![]).unwrap());
        Tree::new(splits, vec![LEAF; leaves], &[cuts, categories]).unwrap_err()
    }

    #[test]
    fn a_tree_without_splits_is_its_leaf() {
        let tree = Tree::new(vec![], vec![LEAF], &[]).unwrap();
        assert_eq!(tree.leaf(|_| true), 0);
    }

    #[test]
    fn what_is_not_a_tree_is_refused() {
        use Child::{Leaf, Split as Next};
        assert_eq!(fault(vec![], 0), TreeFault::Leaves { splits: 0, leaves: 0 });
        assert_eq!(fault(vec![split(Next(0), Leaf(0))], 2), TreeFault::Child { split: 0 });
        assert_eq!(fault(vec![split(Leaf(1), Leaf(1))], 2), TreeFault::Child { split: 0 });
        assert_eq!(fault(vec![split(Leaf(0), Leaf(2))], 2), TreeFault::Child { split: 0 });
        let wrong_bin = Split { test: Test::AtMost(2), ..split(Leaf(0), Leaf(1)) };
        assert_eq!(fault(vec![wrong_bin], 2), TreeFault::Test { split: 0 });
        let wrong_feature = Split { feature: 2, ..split(Leaf(0), Leaf(1)) };
        assert_eq!(fault(vec![wrong_feature], 2), TreeFault::Feature { split: 0, feature: 2 });
        let cycle = vec![split(Leaf(0), Next(1)), split(Leaf(1), Next(0))];
        assert_eq!(fault(cycle, 3), TreeFault::Child { split: 1 });
    }

    #[test]
    fn numbers_and_categories_are_tested_in_their_own_way() {
        let on_categories =
            |test, missing_left| Split { feature: 1, test, missing_left, ..split(Child::Leaf(0), Child::Leaf(1)) };
        for wrong in [
            on_categories(Test::AtMost(0), false),
            on_categories(Test::OneOf(vec![0]), true),
            on_categories(Test::OneOf(vec![1, 0]), false),
            on_categories(Test::OneOf(vec![2]), false),
            Split { test: Test::OneOf(vec![0]), missing_left: false, ..split(Child::Leaf(0), Child::Leaf(1)) },
        ] {
            assert_eq!(fault(vec![wrong], 2), TreeFault::Test { split: 0 });
        }
        let categories = FeatureBins::Categorical(Categories::new(vec![3, 5], vec![]).unwrap());
        let split = on_categories(Test::OneOf(vec![1]), false);
        let sides =
            [3.0, 5.0, 4.0, f32::NAN].map(|value| split.bin_goes_left(categories.bin(value), categories.missing_bin()));
        assert_eq!(sides, [false, true, false, false]);
    }
}
