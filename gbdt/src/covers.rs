//! How many training rows pass each place of a tree.

use super::tree::{Child, Leaf, Tree};

/// Training rows by split and by leaf. A leaf without rows counts as one row, so that no share is 0 / 0.
#[derive(Debug)]
pub(super) struct Covers {
    pub(super) splits: Vec<f64>,
    pub(super) leaves: Vec<f64>,
}

impl Covers {
    #[expect(clippy::cast_precision_loss, reason = "shares of rows need no more than 53 bits")]
    pub(super) fn of(tree: &Tree) -> Self {
        let leaves = tree.leaves().iter().map(|leaf| leaf.rows.max(1) as f64).collect();
        let mut covers = Self { splits: vec![0.0; tree.splits().len()], leaves };
        for (index, split) in tree.splits().iter().enumerate().rev() {
            covers.splits[index] = covers.of_child(split.left) + covers.of_child(split.right);
        }
        covers
    }

    pub(super) fn of_child(&self, child: Child) -> f64 {
        match child {
            Child::Split(split) => self.splits[split],
            Child::Leaf(leaf) => self.leaves[leaf],
        }
    }

    /// The mean of `value` over the rows.
    pub(super) fn mean(&self, tree: &Tree, value: impl Fn(&Leaf) -> f64) -> f64 {
        let leaves = tree.leaves().iter().zip(&self.leaves);
        let sum: f64 = leaves.map(|(leaf, rows)| value(leaf) * rows).sum();
        sum / self.of_child(tree.root())
    }
}
