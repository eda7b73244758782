//! Every kernel gives the very bits of the plain walk, whatever the trees and the rows.

use proptest::prelude::*;

use super::super::binning::{Categories, Cuts, FeatureBins};
use super::super::model::TrainingFacts;
use super::super::params::GbdtParams;
use super::super::random::{Purpose, Stream};
use super::super::tree::{Child, Leaf, Split, Test, Tree};
use super::*;
use linfa::ParamGuard;

/// Numbers drawn one after the other.
struct Draw {
    stream: Stream,
    drawn: u64,
}

impl Draw {
    fn new(seed: u64) -> Self {
        Self { stream: Stream::new(seed, Purpose::TreeRows, 0), drawn: 0 }
    }

    fn below(&mut self, count: usize) -> usize {
        self.drawn += 1;
        usize::try_from(self.stream.bits(self.drawn) % count as u64).unwrap()
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())]
    }

    /// Multiples of 1/8, so that values often meet cuts.
    fn number(&mut self) -> f32 {
        (f32::from(u16::try_from(self.below(4000)).unwrap()) - 2000.0) / 8.0
    }

    fn feature(&mut self) -> FeatureBins {
        let count = self.pick(&[0, 1, 2, 7, 14, 15, 16, 40, 126, 127, 128, 200, 254]);
        if self.chance(40) {
            let mut codes: Vec<u32> = (0..count).map(|_| u32::try_from(self.below(600)).unwrap()).collect();
            codes.sort_unstable();
            codes.dedup();
            return FeatureBins::Categorical(Categories::new(codes, vec![]).unwrap());
        }
        let mut cuts: Vec<f64> =
            (0..count).map(|_| f64::from(self.number()) + self.pick(&[0.0, 1e-9, -1e-9])).collect();
        cuts.sort_by(f64::total_cmp);
        cuts.dedup();
        FeatureBins::Numeric(Cuts::new(cuts).unwrap())
    }

    fn value(&mut self, bins: &FeatureBins) -> f32 {
        match bins {
            _ if self.chance(15) => f32::NAN,
            FeatureBins::Numeric(_) if self.chance(5) => {
                self.pick(&[f32::INFINITY, f32::NEG_INFINITY, -0.0, 0.0, 1e30])
            }
            FeatureBins::Numeric(_) => self.number(),
            FeatureBins::Categorical(_) => self.number().abs().floor(),
        }
    }

    fn split(&mut self, bins: &[FeatureBins]) -> Split {
        let feature = self.below(bins.len());
        let values = bins[feature].missing_bin();
        let (test, missing_left) = if matches!(bins[feature], FeatureBins::Categorical(_)) {
            (Test::OneOf((0..values).filter(|_| self.chance(40)).collect()), false)
        } else {
            (Test::AtMost(u8::try_from(self.below(usize::from(values))).unwrap()), self.chance(50))
        };
        Split { feature, test, missing_left, left: Child::Leaf(0), right: Child::Leaf(0), gain: 1.0 }
    }

    /// A tree that grows anywhere, or as a chain.
    fn tree(&mut self, bins: &[FeatureBins], leaves: usize) -> Tree {
        let chain = self.chance(30);
        let mut splits: Vec<Split> = Vec::new();
        // Where the next split may hang: below which split, and on which side.
        let mut open = vec![None];
        for index in 0..leaves - 1 {
            let place = if chain { open.len() - 1 } else { self.below(open.len()) };
            hang(&mut splits, open.swap_remove(place), Child::Split(index));
            splits.push(self.split(bins));
            open.extend([Some((index, false)), Some((index, true))]);
        }
        for (leaf, &place) in open.iter().enumerate() {
            hang(&mut splits, place, Child::Leaf(leaf));
        }
        let value = |draw: &mut Self| i32::try_from(draw.below(1 << 27)).unwrap() - (1 << 26);
        Tree::new(splits, (0..leaves).map(|_| Leaf { value: value(self), rows: 1 }).collect(), bins).unwrap()
    }

    fn model(&mut self, trees: usize, leaves: &[usize]) -> Gbdt {
        let features = 1 + self.below(6);
        let bins: Vec<FeatureBins> = (0..features).map(|_| self.feature()).collect();
        // The last feature has values to test, whatever the others are.
        let bins = [bins, vec![FeatureBins::Numeric(Cuts::new(vec![0.5]).unwrap())]].concat();
        let trees = (0..trees).map(|_| {
            let leaves = self.pick(leaves);
            self.tree(&bins, leaves)
        });
        let trees = trees.collect();
        Gbdt {
            feature_names: (0..bins.len()).map(|feature| format!("feature {feature}")).collect(),
            bins,
            leaf_bits: 24,
            base_score: -2.5,
            trees,
            calibration: Calibration::new(1.25, 0.1).unwrap(),
            params: GbdtParams::default().check().unwrap(),
            facts: TrainingFacts::default(),
            doubles: false,
        }
    }

    fn columns(&mut self, model: &Gbdt, rows: usize) -> Vec<Vec<f32>> {
        model.bins.iter().map(|bins| (0..rows).map(|_| self.value(bins)).collect()).collect()
    }
}

fn hang(splits: &mut [Split], place: Option<(usize, bool)>, child: Child) {
    match place {
        None => {}
        Some((split, false)) => splits[split].left = child,
        Some((split, true)) => splits[split].right = child,
    }
}

fn walked(model: &Gbdt, columns: &[Option<&[f32]>], rows: usize) -> Vec<u64> {
    let value = |feature: usize, row: usize| columns[feature].map_or(f32::NAN, |column| column[row]);
    (0..rows).map(|row| model.walk(|feature| value(feature, row)).to_bits()).collect()
}

fn bits(scores: &[f64]) -> Vec<u64> {
    scores.iter().map(|score| score.to_bits()).collect()
}

fn binned(model: &Gbdt, columns: &[Option<&[f32]>], rows: usize) -> BinnedColumns {
    let bin = |(feature, bins): (usize, &FeatureBins)| {
        (0..rows).map(|row| bins.bin(columns[feature].map_or(f32::NAN, |column| column[row]))).collect()
    };
    BinnedColumns { columns: model.bins.iter().enumerate().map(bin).collect(), rows }
}

/// All ways to score `rows` rows agree with the walk.
fn agree(model: &Gbdt, columns: &[Option<&[f32]>], rows: usize) {
    let expected = walked(model, columns, rows);
    let binned = binned(model, columns, rows);
    let bins: Vec<&[u8]> = binned.columns.iter().map(Vec::as_slice).collect();
    for kernel in Kernel::all() {
        let scorer = Scorer { kernel, ..model.scorer() };
        let mut found = vec![f64::NAN; rows];
        scorer.log_odds(columns, &mut found);
        assert_eq!(bits(&found), expected, "{kernel:?}");
        found.fill(f64::NAN);
        scorer.log_odds_of_bins(&binned, &mut found);
        assert_eq!(bits(&found), expected, "{kernel:?} of bins");
    }
    model.trees.iter().for_each(|tree| leaves_agree(tree, &model.bins, &bins, rows));
}

fn leaves_agree(tree: &Tree, bins: &[FeatureBins], columns: &[&[u8]], rows: usize) {
    let goes_left =
        |split: &Split, row: usize| split.bin_goes_left(columns[split.feature][row], bins[split.feature].missing_bin());
    let expected: Vec<usize> = (0..rows).map(|row| tree.leaf(|split| goes_left(split, row))).collect();
    for kernel in Kernel::all() {
        let mut leaves = vec![u16::MAX; rows];
        TreeKernel::new(tree, bins).with(kernel).leaves(columns, &mut leaves);
        let leaves: Vec<usize> = leaves.into_iter().map(usize::from).collect();
        assert_eq!(leaves, expected, "{kernel:?}");
    }
}

fn some(columns: &[Vec<f32>]) -> Vec<Option<&[f32]>> {
    columns.iter().map(|column| Some(column.as_slice())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn every_kernel_gives_the_bits_of_the_walk(
        seed: u64,
        trees in 0_usize..6,
        rows in prop::sample::select(vec![0, 1, 15, 16, 31, 63, 65, 255, 256, 257, 600]),
    ) {
        let mut draw = Draw::new(seed);
        let model = draw.model(trees, &[1, 2, 3, 8, 16, 17, 31, 33, 64]);
        let columns = draw.columns(&model, rows);
        let mut columns = some(&columns);
        if draw.chance(30) {
            columns[0] = None;
        }
        agree(&model, &columns, rows);
    }

    #[test]
    fn large_trees_give_the_bits_of_the_walk(seed: u64) {
        let mut draw = Draw::new(seed);
        let model = draw.model(3, &[130, 255, 256, 257, 300]);
        let columns = draw.columns(&model, 300);
        agree(&model, &some(&columns), 300);
    }

    #[test]
    fn neither_threads_nor_batches_change_a_score(seed: u64, threads in 1_usize..4, batch in 1_usize..3000) {
        let mut draw = Draw::new(seed);
        let model = draw.model(4, &[8, 31]);
        let columns = draw.columns(&model, 2 * BLOCK_ROWS + 77);
        let columns = some(&columns);
        let scorer = model.scorer();
        let mut once = vec![0.0; 2 * BLOCK_ROWS + 77];
        scorer.log_odds(&columns, &mut once);
        let mut parts = vec![0.0; once.len()];
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            for (index, scores) in parts.chunks_mut(batch).enumerate() {
                let rows = index * batch..index * batch + scores.len();
                let columns: Vec<_> = columns.iter().map(|column| column.map(|column| &column[rows.clone()])).collect();
                scorer.log_odds(&columns, scores);
            }
        });
        assert_eq!(bits(&once), bits(&parts));
        assert_eq!(bits(&once[..100]), walked(&model, &columns, 100));
    }
}

#[test]
fn a_scorer_reads_only_what_is_tested_and_takes_absent_columns_as_missing() {
    let mut draw = Draw::new(5);
    let model = draw.model(3, &[4]);
    let scorer = model.scorer();
    let tested: Vec<bool> = model.split_counts().iter().map(|&count| count > 0).collect();
    assert!(scorer.features().iter().all(|&feature| tested[feature]));
    assert_eq!(scorer.features().len(), tested.iter().filter(|&&tested| tested).count());
    agree(&model, &vec![None; model.bins.len()], 300);
}

#[test]
fn a_table_is_scored_by_column_names() {
    let mut draw = Draw::new(6);
    let model = draw.model(5, &[31]);
    let columns = draw.columns(&model, 1000);
    let expected = walked(&model, &some(&columns), 1000);
    let mut names = model.feature_names.clone();
    names.reverse();
    let table = Table::new(names, columns.into_iter().rev().collect()).unwrap();
    assert_eq!(bits(&model.raw_scores(&table)), expected);
    assert_eq!(bits(&model.raw_scores(&table.select(&[3, 999]))), [expected[3], expected[999]]);
    let binned = model.bin_columns(&table);
    let mut scores = vec![0.0; binned.rows()];
    model.scorer().log_odds_of_bins(&binned, &mut scores);
    assert_eq!(bits(&scores), expected);
}
