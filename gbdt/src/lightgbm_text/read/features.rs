//! The bins that trees need: for each feature, the numbers it is cut at or the categories it is tested for.

use std::collections::BTreeSet;

use super::super::super::binning::{Categories, Cuts, FeatureBins};
use super::super::super::tree::{Split, Test, TreeFault};
use super::super::LightGbmTextError;
use super::tree::{Missing, ReadSplit, ReadTest, ReadTree};

/// The bins of all features, in their order.
pub(super) struct Features {
    pub(super) bins: Vec<FeatureBins>,
}

/// What the splits on one feature test.
#[derive(Default)]
struct Tested {
    /// Finite; in no order.
    cuts: Vec<f64>,
    codes: BTreeSet<u32>,
    numeric: bool,
    categorical: bool,
}

impl Features {
    /// `category_names` has a list for each feature, which may be empty.
    pub(super) fn of(
        names: &[String],
        category_names: Vec<Vec<String>>,
        trees: &[ReadTree],
    ) -> Result<Self, LightGbmTextError> {
        let mut tested: Vec<Tested> = names.iter().map(|_| Tested::default()).collect();
        for tree in trees {
            for (index, split) in tree.splits.iter().enumerate() {
                let ReadSplit { feature, test, .. } = split;
                let Some(tested) = tested.get_mut(*feature) else {
                    let source = TreeFault::Feature { split: index, feature: *feature };
                    return Err(LightGbmTextError::Tree { tree: tree.index, source });
                };
                if matches!(test, ReadTest::Number { missing: Missing::WithZero, .. }) {
                    let feature = names[*feature].clone();
                    return Err(LightGbmTextError::ZeroAsMissing { tree: tree.index, feature });
                }
                if let (ReadTest::Codes(codes), Some(known)) = (test, category_names.get(*feature))
                    && !known.is_empty()
                    && let Some(&code) = codes.iter().find(|code| **code as usize >= known.len())
                {
                    let (tree, feature, known) = (tree.index, names[*feature].clone(), known.len());
                    return Err(LightGbmTextError::PandasCode { tree, feature, code, known });
                }
                tested.add(test);
            }
        }
        let bins = tested.into_iter().zip(names).zip(category_names);
        let bins = bins.map(|((tested, name), called)| tested.bins(name, &called));
        Ok(Self { bins: bins.collect::<Result<_, _>>()? })
    }

    /// The split in terms of bins. Only for splits of the trees that the bins were made of.
    pub(super) fn split(&self, split: &ReadSplit) -> Split {
        let ReadSplit { feature, ref test, left, right, gain } = *split;
        let (test, missing_left) = match (test, &self.bins[feature]) {
            (ReadTest::Number { at_most, missing }, FeatureBins::Numeric(cuts)) => {
                let place = cuts.as_slice().partition_point(|cut| *cut < finite(*at_most).unwrap_or(f64::INFINITY));
                (Test::AtMost(bin(place)), matches!(missing, Missing::Left))
            }
            (ReadTest::Codes(codes), FeatureBins::Categorical(categories)) => {
                let place = |code| categories.codes().binary_search(code).expect("each tested code has a bin");
                (Test::OneOf(codes.iter().map(|code| bin(place(code))).collect()), false)
            }
            _ => unreachable!("no feature has two kinds"),
        };
        Split { feature, test, missing_left, left, right, gain }
    }
}

impl Tested {
    fn add(&mut self, test: &ReadTest) {
        match test {
            ReadTest::Number { at_most, .. } => {
                self.numeric = true;
                self.cuts.extend(finite(*at_most));
            }
            ReadTest::Codes(codes) => {
                self.categorical = true;
                self.codes.extend(codes);
            }
        }
    }

    fn bins(self, name: &str, called: &[String]) -> Result<FeatureBins, LightGbmTextError> {
        let Self { mut cuts, codes, numeric, categorical } = self;
        let feature = name.to_owned();
        if numeric && categorical {
            return Err(LightGbmTextError::TwoKinds(feature));
        }
        if categorical {
            let found = codes.len();
            let names = codes.iter().filter_map(|code| called.get(*code as usize).cloned()).collect();
            let categories = Categories::new(codes.into_iter().collect(), names);
            let categories = categories.ok_or(LightGbmTextError::TooManyCategories { feature, found })?;
            return Ok(FeatureBins::Categorical(categories));
        }
        cuts.sort_unstable_by(f64::total_cmp);
        cuts.dedup();
        let found = cuts.len();
        Cuts::new(cuts).map(FeatureBins::Numeric).ok_or(LightGbmTextError::TooManyCuts { feature, found })
    }
}

/// A cut that no `f32` can tell from `at_most`; `None` where all numbers are at most that.
fn finite(at_most: f64) -> Option<f64> {
    // Only negative infinity is at most that, and of all f32, it alone is at most the least f64. Adding 0 turns -0.0
    // into 0.0: one cut.
    (at_most < f64::INFINITY).then_some(at_most.max(f64::MIN) + 0.0)
}

fn bin(place: usize) -> u8 {
    u8::try_from(place).expect("at most 255 bins")
}
