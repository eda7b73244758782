//! The boosting loop: tree after tree, until trees stop helping rows that they never saw.

mod rounds;
mod watch;

use super::binning::FeatureBins;
use super::dataset::Fold;
use super::fit::Watching;
use super::grower::{Grown, Soil};
use super::histogram::{HistogramSource, Workspaces};
use super::layout::Layout;
use super::math::real;
use super::model::TrainingFacts;
use super::params::{Direction, GbdtValidParams};
use super::random::{Purpose, Stream};
use super::splitter::Splitter;
use super::tree::{Leaf, Tree};
use rounds::Rounds;
use watch::Watch;

pub use watch::Round;

/// Trees in a row that find no split before training stops.
const FUTILE_TREES_MAX: usize = 5;

/// What boosting works on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Booster<'a> {
    pub(super) params: &'a GbdtValidParams,
    pub(super) bins: &'a [FeatureBins],
    /// A random key for each feature, which does not depend on its place.
    pub(super) feature_keys: &'a [u64],
    /// Which way the score may change with each feature; empty when it is free.
    pub(super) directions: &'a [Option<Direction>],
    pub(super) train: &'a Fold,
    /// Added to the base score for the negatives that `train` lacks.
    pub(super) prior_correction: f64,
    /// Decides when to stop.
    pub(super) validation: Option<&'a Fold>,
}

/// What boosting made.
#[derive(Debug)]
pub(super) struct Boosted {
    pub(super) base_score: f64,
    pub(super) trees: Vec<Tree>,
    pub(super) facts: TrainingFacts,
    /// Scores of the validation rows with the trees that were kept.
    pub(super) validation_scores: Vec<f64>,
}

impl Boosted {
    /// The mean of some, one at least, that began at the same score; the facts, but for the trees, and the scores of the first.
    pub(super) fn mean(mut all: Vec<Self>) -> Self {
        let times = i32::try_from(all.len()).expect("a few");
        if times > 1 {
            for tree in all.iter_mut().flat_map(|boosted| &mut boosted.trees) {
                let part = |leaf: &Leaf| Leaf { value: leaf.value / times, ..*leaf };
                tree.set_leaves(tree.leaves().iter().map(part).collect());
            }
        }
        let mut all = all.into_iter();
        let mut mean = all.next().expect("one at least");
        for other in all {
            mean.trees.extend(other.trees);
            mean.facts.trees_grown += other.facts.trees_grown;
        }
        mean
    }
}

impl Booster<'_> {
    /// Boosts until enough trees are grown, they stop helping, or `going_on` says no; `None` in the last case.
    pub(super) fn boost(&self, going_on: &mut Watching<'_>) -> Option<Boosted> {
        let base_score = round_to_leaf_units(self.train.targets.base_score());
        let layout = Layout::new(&self.train.columns, self.bins);
        let workspaces = Workspaces::new(&layout);
        let mut rounds = Rounds::new(self.train, base_score);
        let corrected = round_to_leaf_units(base_score + self.prior_correction);
        let mut watch = self.validation.map(|fold| Watch::new(fold, corrected));
        let features = self.varying_features();
        let (mut trees, mut futile): (Vec<Tree>, usize) = (Vec::new(), 0);
        for round in 0..self.params.trees_max {
            let told = Round { trees: trees.len(), trees_max: self.params.trees_max };
            if !going_on(told) {
                return None;
            }
            let Some(tree) = self.grow_tree((&layout, &workspaces), &features, &mut rounds, round) else {
                futile += 1;
                if futile == FUTILE_TREES_MAX {
                    break;
                }
                continue;
            };
            futile = 0;
            trees.push(tree);
            if watch.as_mut().is_some_and(|watch| !watch.look(&trees, self.bins, self.params.patience)) {
                break;
            }
        }
        Some(self.finish(corrected, trees, watch))
    }

    /// Keeps the trees up to the best round.
    fn finish(&self, base_score: f64, mut trees: Vec<Tree>, watch: Option<Watch<'_>>) -> Boosted {
        let facts = TrainingFacts {
            rows: self.train.rows(),
            positives: self.train.positives(),
            negatives_kept: 1.0,
            validation_rows: self.validation.map_or(0, Fold::rows),
            trees_grown: trees.len(),
            validation_loss: watch.as_ref().map(|watch| watch.loss),
        };
        let validation_scores = match watch {
            Some(watch) => {
                let later = trees.split_off(watch.trees);
                watch.scores_at_best(&later, self.bins)
            }
            None => vec![],
        };
        Boosted { base_score, trees, facts, validation_scores }
    }

    /// One tree on the gradients at the present scores; `None` when it would have no split.
    fn grow_tree(
        &self,
        (layout, workspaces): (&Layout, &Workspaces),
        features: &[usize],
        rounds: &mut Rounds<'_>,
        round: usize,
    ) -> Option<Tree> {
        rounds.take_gradients();
        rounds.sample(self.params, round);
        let unit = rounds.quantize(Stream::new(self.params.seed, Purpose::GradientRounding, round));
        let features = self.features_of_tree(features, round);
        let grown = rounds.grow(|gradients, total| Soil {
            columns: &self.train.columns,
            total,
            source: HistogramSource { layout, gradients, workspaces },
            splitter: Splitter {
                params: self.params,
                bins: self.bins,
                layout,
                features: &features,
                directions: self.directions,
                unit,
                extra_l2: 0.0,
            },
            threads: rayon::current_num_threads(),
        });
        let Grown { splits, bounds } = grown?;
        let leaves = vec![Leaf { value: 0, rows: 0 }; bounds.len()];
        let tree = Tree::new(splits, leaves, self.bins);
        let mut tree = tree.expect("a split adds one leaf and tests existing bins, and gains are finite");
        rounds.settle(&mut tree, self.bins, &bounds, self.params);
        Some(tree)
    }

    /// Features that differ between rows; the others can never be split.
    fn varying_features(&self) -> Vec<usize> {
        let varies = |column: &Vec<u8>| column.iter().any(|bin| *bin != column[0]);
        let columns = self.train.columns.iter().enumerate();
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
}

/// `fraction` of `count`, rounded up.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 <= fraction <= 1")]
fn share_of(count: usize, fraction: f64) -> usize {
    (real(count) * fraction).ceil() as usize
}

/// So that base score and leaves add up without rounding, here and in other programs.
fn round_to_leaf_units(score: f64) -> f64 {
    let unit = (-f64::from(super::model::LEAF_BITS)).exp2();
    (score / unit).round() * unit
}
