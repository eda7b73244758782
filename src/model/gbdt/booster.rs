//! The boosting loop: tree after tree, until trees stop helping rows that they never saw.

use rayon::prelude::*;

use super::binning::FeatureBins;
use super::dataset::Fold;
use super::grower::grow;
use super::histogram::{HistogramSource, QuantizedGradients};
use super::math::{BLOCK, real};
use super::model::TrainingFacts;
use super::params::GbdtValidParams;
use super::random::{Purpose, Stream};
use super::splitter::Splitter;
use super::tree::Tree;

/// Trees in a row that find no split before training stops.
const FUTILE_TREES_MAX: usize = 5;

/// What boosting works on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Booster<'a> {
    pub(super) params: &'a GbdtValidParams,
    pub(super) bins: &'a [FeatureBins],
    /// A random key for each feature, which does not depend on its place.
    pub(super) feature_keys: &'a [u64],
    pub(super) train: &'a Fold,
    /// Decides when to stop.
    pub(super) validation: Option<&'a Fold>,
}

/// What boosting made.
#[derive(Debug)]
pub(super) struct Boosted {
    pub(super) base_score: f64,
    pub(super) trees: Vec<Tree>,
    pub(super) facts: TrainingFacts,
}

/// The best round so far, by the loss on rows that trees never saw.
struct Watch<'a> {
    fold: &'a Fold,
    scores: Vec<f64>,
    loss: f64,
    trees: usize,
}

impl Booster<'_> {
    pub(super) fn boost(&self) -> Boosted {
        let base_score = self.train.targets.base_score();
        let mut scores = vec![base_score; self.train.rows()];
        let mut watch = self.validation.map(|fold| Watch::new(fold, base_score));
        let features = self.varying_features();
        let (mut trees, mut futile): (Vec<Tree>, usize) = (Vec::new(), 0);
        for round in 0..self.params.trees_max {
            let Some(tree) = self.grow_tree(&features, &scores, round) else {
                futile += 1;
                if futile == FUTILE_TREES_MAX {
                    break;
                }
                continue;
            };
            futile = 0;
            add_tree(&mut scores, &tree, self.train, self.bins);
            trees.push(tree);
            let going_on = watch.as_mut().is_none_or(|watch| watch.look(&trees, self.bins, self.params.patience));
            if !going_on {
                break;
            }
        }
        self.finish(base_score, trees, watch)
    }

    /// Keeps the trees up to the best round.
    fn finish(&self, base_score: f64, mut trees: Vec<Tree>, watch: Option<Watch<'_>>) -> Boosted {
        let facts = TrainingFacts {
            rows: self.train.rows(),
            positives: self.train.positives(),
            validation_rows: self.validation.map_or(0, Fold::rows),
            trees_grown: trees.len(),
            validation_loss: watch.as_ref().map(|watch| watch.loss),
        };
        if let Some(watch) = watch {
            trees.truncate(watch.trees);
        }
        Boosted { base_score, trees, facts }
    }

    /// One tree on the gradients at `scores`; `None` when it would have no split.
    fn grow_tree(&self, features: &[usize], scores: &[f64], round: usize) -> Option<Tree> {
        let gradients = self.train.targets.gradients(scores);
        let rounding = Stream::new(self.params.seed, Purpose::GradientRounding, round);
        let quantized = QuantizedGradients::new(&gradients, rounding);
        let features = self.features_of_tree(features, round);
        let source =
            HistogramSource { table: &self.train.table, bins: self.bins, gradients: &quantized, features: &features };
        grow(Splitter { params: self.params, source }, &gradients, self.rows_of_tree(round))
    }

    /// Features that differ between rows; the others can never be split.
    fn varying_features(&self) -> Vec<usize> {
        let varies = |column: &Vec<u8>| column.iter().any(|bin| *bin != column[0]);
        let columns = self.train.table.columns.iter().enumerate();
        columns.filter(|(_, column)| varies(column)).map(|(index, _)| index).collect()
    }

    /// A random part of the features, in their order.
    fn features_of_tree(&self, features: &[usize], round: usize) -> Vec<usize> {
        let stream = Stream::new(self.params.seed, Purpose::TreeFeatures, round);
        let mut drawn = features.to_vec();
        drawn.sort_by_cached_key(|&feature| stream.bits(self.feature_keys[feature]));
        drawn.truncate(share_of(features.len(), self.params.feature_fraction));
        drawn.sort_unstable();
        drawn
    }

    /// A random part of the rows, in their order.
    fn rows_of_tree(&self, round: usize) -> Vec<u32> {
        let stream = Stream::new(self.params.seed, Purpose::TreeRows, round);
        let fraction = self.params.row_fraction;
        let rows = 0..u32::try_from(self.train.rows()).expect("checked with the dataset");
        rows.filter(|&row| fraction >= 1.0 || stream.unit(u64::from(row)) < fraction).collect()
    }
}

impl<'a> Watch<'a> {
    fn new(fold: &'a Fold, base_score: f64) -> Self {
        let scores = vec![base_score; fold.rows()];
        let loss = fold.targets.mean_loss(&scores);
        Self { fold, scores, loss, trees: 0 }
    }

    /// Adds the last tree; whether boosting should go on.
    fn look(&mut self, trees: &[Tree], bins: &[FeatureBins], patience: usize) -> bool {
        if let Some(tree) = trees.last() {
            add_tree(&mut self.scores, tree, self.fold, bins);
        }
        let loss = self.fold.targets.mean_loss(&self.scores);
        if loss < self.loss {
            (self.loss, self.trees) = (loss, trees.len());
        }
        trees.len() - self.trees < patience
    }
}

/// Adds a tree's values to the scores of a fold's rows.
fn add_tree(scores: &mut [f64], tree: &Tree, fold: &Fold, bins: &[FeatureBins]) {
    scores.par_chunks_mut(BLOCK).enumerate().for_each(|(block, scores)| {
        for (place, score) in scores.iter_mut().enumerate() {
            *score += tree.value_of_bins(&fold.table, bins, block * BLOCK + place);
        }
    });
}

/// `fraction` of `count`, rounded up.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 <= fraction <= 1")]
fn share_of(count: usize, fraction: f64) -> usize {
    (real(count) * fraction).ceil() as usize
}
