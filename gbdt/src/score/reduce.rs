//! The same trees over fewer bins: a cut that no split uses need not be looked for in values.

use std::collections::BTreeSet;

use super::super::bin_map::floor_f32;
use super::super::binning::{Cuts, FeatureBins};
use super::super::model::Gbdt;
use super::super::tree::{Split, Test, Tree};

/// Trees that send every row of `f32` values where the model's own trees send it.
#[derive(Debug)]
pub(super) struct Reduced {
    pub(super) bins: Vec<FeatureBins>,
    pub(super) trees: Vec<Tree>,
}

impl Reduced {
    pub(super) fn new(model: &Gbdt) -> Self {
        let mut lasts = vec![BTreeSet::new(); model.bins.len()];
        for split in model.trees.iter().flat_map(Tree::splits) {
            if let Test::AtMost(last) = split.test {
                lasts[split.feature].insert(last);
            }
        }
        let (bins, renumbered): (Vec<_>, Vec<_>) =
            model.bins.iter().zip(&lasts).map(|(bins, lasts)| keep(bins, lasts)).unzip();
        let renumber = |split: &Split| match split.test {
            Test::AtMost(last) => {
                Split { test: Test::AtMost(renumbered[split.feature][usize::from(last)]), ..split.clone() }
            }
            Test::OneOf(_) => split.clone(),
        };
        let reduce = |tree: &Tree| {
            let splits = tree.splits().iter().map(renumber).collect();
            Tree::new(splits, tree.leaves().to_vec(), &bins).expect("only the numbers of bins changed")
        };
        let trees = model.trees.iter().map(reduce).collect();
        Self { bins, trees }
    }
}

/// The bins that are left when a feature keeps only the cuts above bins `lasts`, and the new number of each of these.
/// Of cuts with no `f32` value between them one is enough.
fn keep(bins: &FeatureBins, lasts: &BTreeSet<u8>) -> (FeatureBins, [u8; 256]) {
    let mut renumbered = [0; 256];
    let FeatureBins::Numeric(cuts) = bins else {
        return (bins.clone(), renumbered);
    };
    let mut kept: Vec<f64> = Vec::new();
    for &last in lasts {
        let Some(&cut) = cuts.as_slice().get(usize::from(last)) else {
            // The last bin of values: everything but missing values goes left.
            renumbered[usize::from(last)] = count(&kept);
            continue;
        };
        if kept.last().is_none_or(|&kept| floor_f32(kept) < floor_f32(cut)) {
            kept.push(cut);
        }
        renumbered[usize::from(last)] = count(&kept) - 1;
    }
    (FeatureBins::Numeric(Cuts::new(kept).expect("some of valid cuts, in their order")), renumbered)
}

fn count(cuts: &[f64]) -> u8 {
    u8::try_from(cuts.len()).expect("a feature has at most 254 cuts")
}
