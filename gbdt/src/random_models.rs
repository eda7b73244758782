//! Small models and tables made by chance, for tests.

use linfa::ParamGuard;

use super::binning::{Categories, Cuts, FeatureBins};
use super::calibration::Calibration;
use super::model::{Gbdt, TrainingFacts};
use super::params::GbdtParams;
use super::random::{Purpose, Stream};
use super::table::Table;
use super::tree::{Child, Leaf, Split, Test, Tree};

/// Numbers by chance, one after the other.
pub(super) struct Dice {
    stream: Stream,
    thrown: u64,
}

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self { stream: Stream::new(seed, Purpose::TreeRows, 0), thrown: 0 }
    }

    /// Below `sides`.
    pub(super) fn throw(&mut self, sides: u64) -> u64 {
        self.thrown += 1;
        self.stream.bits(self.thrown) % sides
    }

    fn index(&mut self, sides: usize) -> usize {
        usize::try_from(self.throw(sides as u64)).unwrap()
    }

    fn byte(&mut self, sides: u8) -> u8 {
        u8::try_from(self.throw(u64::from(sides))).unwrap()
    }
}

/// How large a model is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    pub(super) features: usize,
    pub(super) trees: usize,
    pub(super) splits: usize,
}

/// A model whose every third feature is categorical; trees test few features often.
pub(super) fn model(dice: &mut Dice, size: Size) -> Gbdt {
    let bins: Vec<FeatureBins> = (0..size.features).map(|feature| feature_bins(dice, feature)).collect();
    let trees = (0..size.trees).map(|_| tree(dice, &bins, size.splits)).collect();
    let slope = if dice.throw(2) == 0 { 1.0 } else { 0.7 };
    let offset = if dice.throw(2) == 0 { 0.0 } else { -0.3 };
    Gbdt {
        feature_names: (0..size.features).map(|feature| format!("feature {feature}")).collect(),
        bins,
        leaf_bits: 24,
        base_score: -1.25,
        trees,
        calibration: Calibration::new(slope, offset).unwrap(),
        params: GbdtParams::default().check().unwrap(),
        facts: TrainingFacts { negatives_kept: 1.0, ..TrainingFacts::default() },
        doubles: false,
    }
}

fn feature_bins(dice: &mut Dice, feature: usize) -> FeatureBins {
    let count = 1 + dice.throw(4);
    if feature % 3 == 2 {
        let codes = (0..=u32::try_from(count).unwrap()).map(|step| step * 7 + 1).chain([70_000]).collect();
        FeatureBins::Categorical(Categories::new(codes, vec![]).unwrap())
    } else {
        let cuts = (0..count).map(|step| f64::from(u32::try_from(step).unwrap()) * 0.75 - 1.0).collect();
        FeatureBins::Numeric(Cuts::new(cuts).unwrap())
    }
}

fn tree(dice: &mut Dice, bins: &[FeatureBins], splits_max: usize) -> Tree {
    let mut splits: Vec<Split> = Vec::new();
    // What leads to each leaf: a split, and whether by its left side.
    let mut ways: Vec<Option<(usize, bool)>> = vec![None];
    for next in 0..dice.index(splits_max + 1) {
        let leaf = dice.index(ways.len());
        if let Some((split, left)) = ways[leaf] {
            let child = if left { &mut splits[split].left } else { &mut splits[split].right };
            *child = Child::Split(next);
        }
        splits.push(split(dice, bins, (leaf, ways.len())));
        ways[leaf] = Some((next, true));
        ways.push(Some((next, false)));
    }
    let leaves = ways.iter().map(|_| leaf(dice)).collect();
    Tree::new(splits, leaves, bins).unwrap()
}

fn split(dice: &mut Dice, bins: &[FeatureBins], (left, right): (usize, usize)) -> Split {
    let feature = dice.index(bins.len());
    let values = bins[feature].missing_bin();
    let (test, missing_left) = match &bins[feature] {
        FeatureBins::Numeric(_) => (Test::AtMost(dice.byte(values)), dice.throw(2) == 0),
        FeatureBins::Categorical(_) => (Test::OneOf((0..values).filter(|_| dice.throw(2) == 0).collect()), false),
    };
    Split { feature, test, missing_left, left: Child::Leaf(left), right: Child::Leaf(right), gain: 0.5 }
}

fn leaf(dice: &mut Dice) -> Leaf {
    let value = i32::try_from(dice.throw(1 << 24)).unwrap() - (1 << 23);
    let rows = if dice.throw(8) == 0 { 0 } else { 1 + dice.throw(500) };
    Leaf { value, rows }
}

/// Values on, between and beyond cuts, known and unknown categories, infinities and missing values, in columns of all
/// kinds.
pub(super) fn table(dice: &mut Dice, model: &Gbdt, rows: usize) -> Table {
    let special = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0];
    let columns = model.bins.iter().map(|bins| {
        let values: Vec<f32> = match bins {
            FeatureBins::Numeric(cuts) => cuts.as_slice().iter().flat_map(|&cut| around(cut)).chain(special).collect(),
            FeatureBins::Categorical(categories) => {
                let codes = categories.codes().iter().map(|&code| u16::try_from(code).map_or(70_000.0, f32::from));
                codes.chain([f32::NAN, 3.0, 1e6, -1.0]).collect()
            }
        };
        (0..rows).map(|_| values[dice.index(values.len())]).collect()
    });
    Table::new(model.feature_names.clone(), columns.collect()).unwrap()
}

#[expect(clippy::cast_possible_truncation, reason = "any number will do")]
fn around(cut: f64) -> [f32; 3] {
    let cut = cut as f32;
    [cut, cut.next_up(), cut - 0.3]
}
