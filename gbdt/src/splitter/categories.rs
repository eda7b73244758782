//! The best set of categories to part a leaf by: sorted by gradient, which finds the best of all sets for a convex loss
//! (Fisher 1958; Ke et al. 2017 use it for boosting).

use super::super::binning::FeatureBins;
use super::super::histogram::GradientSum;
use super::super::tree::Test;
use super::{Candidate, Node, Splitter};

/// Up to so many categories, each is also tried alone, without the regularisation that sets need.
const ALONE_MAX: usize = 4;

/// The best set of categories so far; empty until one gains enough.
struct Chosen {
    gain: f64,
    bins: Vec<u8>,
    left: GradientSum,
}

impl Chosen {
    fn consider(&mut self, gain: f64, left: GradientSum, bins: impl FnOnce() -> Vec<u8>) {
        if gain > self.gain {
            *self = Self { gain, bins: bins(), left };
        }
    }
}

impl Splitter<'_> {
    /// Sets of categories that go left; the bin of the missing, the rare and the unknown always goes right.
    pub(super) fn best_categories(&self, node: Node<'_>, feature: usize, bins: &[GradientSum]) -> Option<Candidate> {
        debug_assert!(matches!(self.bins[feature], FeatureBins::Categorical(_)));
        let (_, values) = bins.split_last()?;
        let present: Vec<(u8, GradientSum)> =
            (0_u8..).zip(values.iter().copied()).filter(|(_, sum)| *sum != GradientSum::default()).collect();
        let mut chosen = Chosen { gain: self.params.gain_min, bins: vec![], left: GradientSum::default() };
        if present.len() <= ALONE_MAX {
            self.try_alone(node, &present, &mut chosen);
        } else {
            self.try_sets(node, present, &mut chosen);
        }
        let Chosen { gain, mut bins, left } = chosen;
        bins.sort_unstable();
        let candidate = Candidate { gain, feature, test: Test::OneOf(bins), missing_left: false, left };
        (candidate.gain > self.params.gain_min).then_some(candidate)
    }

    fn try_alone(&self, node: Node<'_>, present: &[(u8, GradientSum)], chosen: &mut Chosen) {
        let parent = self.leaf(node.total).score(node.bounds);
        for &(bin, left) in present {
            if let Some(score) = self.score(node, left, None) {
                chosen.consider(score - parent, left, || vec![bin]);
            }
        }
    }

    /// Tries sets from both ends of the order of mean gradients.
    fn try_sets(&self, node: Node<'_>, mut present: Vec<(u8, GradientSum)>, chosen: &mut Chosen) {
        present.retain(|&(_, sum)| self.second(sum) >= self.params.category_weight_min);
        let mean = |sum: GradientSum| {
            let leaf = self.leaf(sum);
            leaf.first / (leaf.second + self.params.category_smoothing).max(1e-12)
        };
        let mut by_mean: Vec<(f64, (u8, GradientSum))> = present.into_iter().map(|bin| (mean(bin.1), bin)).collect();
        by_mean.sort_by(|one, other| one.0.total_cmp(&other.0));
        let mut present: Vec<(u8, GradientSum)> = by_mean.into_iter().map(|(_, bin)| bin).collect();
        let strict = Splitter { extra_l2: self.params.category_l2, ..*self };
        let parent = self.leaf(node.total).score(node.bounds);
        for from_top in [false, true] {
            if from_top {
                present.reverse();
            }
            let mut left = GradientSum::default();
            for (place, &(_, sum)) in present.iter().enumerate().take(self.params.categories_max) {
                left = left.plus(sum);
                if let Some(score) = strict.score(node, left, None) {
                    let bins = || present[..=place].iter().map(|(bin, _)| *bin).collect();
                    chosen.consider(score - parent, left, bins);
                }
            }
        }
    }
}
