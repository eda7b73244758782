//! When to stop: the loss on rows that trees never saw.

use rayon::prelude::*;

use super::super::binning::FeatureBins;
use super::super::dataset::Fold;
use super::super::math::BLOCK;
use super::super::model::LEAF_BITS;
use super::super::score::TreeKernel;
use super::super::tree::Tree;

/// How far training is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Round {
    /// Trees grown so far.
    pub trees: usize,
    /// Trees at most.
    pub trees_max: usize,
}

/// The best round so far.
pub(super) struct Watch<'a> {
    fold: &'a Fold,
    base_score: f64,
    scores: Vec<i32>,
    pub(super) loss: f64,
    pub(super) trees: usize,
}

impl<'a> Watch<'a> {
    pub(super) fn new(fold: &'a Fold, base_score: f64) -> Self {
        let loss = fold.targets.mean_loss(|_| base_score);
        Self { fold, base_score, scores: vec![0; fold.rows()], loss, trees: 0 }
    }

    /// Adds the last tree; whether boosting should go on.
    pub(super) fn look(&mut self, trees: &[Tree], bins: &[FeatureBins], patience: usize) -> bool {
        if let Some(tree) = trees.last() {
            add_tree(&mut self.scores, tree, 1, self.fold, bins);
        }
        let loss = self.fold.targets.mean_loss(|row| self.score(self.scores[row]));
        if loss < self.loss {
            (self.loss, self.trees) = (loss, trees.len());
        }
        trees.len() - self.trees < patience
    }

    /// The scores of the rows at the best round, after which `later` trees were added.
    pub(super) fn scores_at_best(mut self, later: &[Tree], bins: &[FeatureBins]) -> Vec<f64> {
        for tree in later {
            add_tree(&mut self.scores, tree, -1, self.fold, bins);
        }
        self.scores.iter().map(|&score| self.score(score)).collect()
    }

    fn score(&self, leaves: i32) -> f64 {
        self.base_score + f64::from(leaves) * (-f64::from(LEAF_BITS)).exp2()
    }
}

fn add_tree(scores: &mut [i32], tree: &Tree, times: i32, fold: &Fold, bins: &[FeatureBins]) {
    let kernel = TreeKernel::new(tree, bins);
    scores.par_chunks_mut(BLOCK).enumerate().for_each(|(block, scores)| {
        let mut leaves = vec![0; scores.len()];
        fill_leaves(&kernel, &fold.columns, block * BLOCK, &mut leaves);
        for (score, &leaf) in scores.iter_mut().zip(&leaves) {
            *score += times * tree.leaves()[usize::from(leaf)].value;
        }
    });
}

/// The leaf of each row from `first` on.
pub(super) fn fill_leaves(kernel: &TreeKernel, columns: &[Vec<u8>], first: usize, leaves: &mut [u16]) {
    let columns: Vec<&[u8]> = columns.iter().map(|column| &column[first..first + leaves.len()]).collect();
    kernel.leaves(&columns, leaves);
}
