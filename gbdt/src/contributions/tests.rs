//! Contributions against Shapley's definition, against the scores, and on paths that are as long as they get.

use linfa::ParamGuard;
use proptest::prelude::*;

use super::super::binning::{Cuts, FeatureBins};
use super::super::calibration::Calibration;
use super::super::model::TrainingFacts;
use super::super::params::GbdtParams;
use super::super::random_models::{Dice, Size, model, table};
use super::super::tree::{Leaf, Test};
use super::*;

/// The expectation of a tree's value when only the features in the set `known` are known, in leaf units.
fn expectation(tree: &Tree, covers: &Covers, child: Child, goes_left: &impl Fn(&Split) -> bool, known: u32) -> f64 {
    let index = match child {
        Child::Leaf(leaf) => return f64::from(tree.leaves()[leaf].value),
        Child::Split(index) => index,
    };
    let split = &tree.splits()[index];
    let below = |child| expectation(tree, covers, child, goes_left, known);
    if known >> split.feature & 1 == 1 {
        return below(if goes_left(split) { split.left } else { split.right });
    }
    let (left, right) = (covers.of_child(split.left), covers.of_child(split.right));
    (left * below(split.left) + right * below(split.right)) / (left + right)
}

fn factorial(number: u32) -> f64 {
    (1..=number).map(f64::from).product()
}

/// Shapley's definition: over all sets of other features, what knowing the feature as well changes.
fn shapley(model: &Gbdt, table: &Table, row: usize) -> Vec<f64> {
    let count = u32::try_from(model.feature_names.len()).unwrap();
    let value_of = |known: u32| -> f64 {
        let goes_left = |split: &Split| {
            let bins = &model.bins[split.feature];
            split.bin_goes_left(bins.bin(table.columns()[split.feature][row]), bins.missing_bin())
        };
        let trees = model.trees.iter();
        let units: f64 = trees.map(|tree| expectation(tree, &Covers::of(tree), tree.root(), &goes_left, known)).sum();
        units * model.leaf_unit() * model.calibration.slope
    };
    let values: Vec<f64> = (0..1 << count).map(value_of).collect();
    let moved = |feature: u32| {
        let without = (0..1_u32 << count).filter(|known| known >> feature & 1 == 0);
        let terms = without.map(|known| {
            let (size, with) = (known.count_ones(), known | 1 << feature);
            let weight = factorial(size) * factorial(count - size - 1) / factorial(count);
            weight * (values[with as usize] - values[known as usize])
        });
        terms.sum()
    };
    (0..count).map(moved).collect()
}

fn assert_adds_up(model: &Gbdt, table: &Table, tolerance: f64) {
    let found = model.contributions(table);
    for (row, score) in model.raw_scores(table).into_iter().enumerate() {
        let sum = found.expected + found.features.iter().map(|column| column[row]).sum::<f64>();
        assert!((sum - score).abs() <= tolerance, "row {row}: {sum} for {score}");
    }
}

/// One leaf on the left of each split, on features that all differ. The row goes right as often as it can.
fn chain(length: usize, rows: impl Fn(usize) -> u64) -> (Gbdt, Table) {
    let bins = vec![FeatureBins::Numeric(Cuts::new(vec![0.5]).unwrap()); length];
    let splits = (0..length).map(|index| {
        let right = if index + 1 == length { Child::Leaf(length) } else { Child::Split(index + 1) };
        let test = Test::AtMost(0);
        Split { feature: index, test, missing_left: true, left: Child::Leaf(index), right, gain: 1.0 }
    });
    let leaves =
        (0..=length).map(|leaf| Leaf { value: if leaf % 2 == 0 { 1 << 20 } else { -(1 << 19) }, rows: rows(leaf) });
    let tree = Tree::new(splits.collect(), leaves.collect(), &bins).unwrap();
    let names: Vec<String> = (0..length).map(|index| format!("f{index}")).collect();
    let columns = (0..length).map(|index| vec![1.0, if index % 3 == 0 { 0.0 } else { 1.0 }, f32::NAN]).collect();
    let model = Gbdt {
        feature_names: names.clone(),
        bins,
        leaf_bits: 24,
        base_score: 0.0,
        trees: vec![tree],
        calibration: Calibration::IDENTITY,
        params: GbdtParams::default().check().unwrap(),
        facts: TrainingFacts::default(),
        doubles: false,
    };
    (model, Table::new(names, columns).unwrap())
}

/// Weights of the sets of each size in which `others` all agree with the path (Lundberg et al. 2020, algorithm 2,
/// EXTEND; never taken back, so that all terms stay positive).
fn extended(others: impl Iterator<Item = (f64, f64)>) -> f64 {
    let mut weights = vec![1.0];
    for (share, goes) in others {
        let size = super::super::math::real(weights.len());
        weights.push(0.0);
        for place in (0..weights.len() - 1).rev() {
            let (weight, index) = (weights[place], super::super::math::real(place));
            weights[place + 1] += goes * weight * (index + 1.0) / (size + 1.0);
            weights[place] = share * weight * (size - index) / (size + 1.0);
        }
    }
    weights.iter().sum()
}

/// Contributions to a chain by algorithm 2 without UNWIND, starting again for every leaf and feature.
fn chain_contributions(model: &Gbdt, table: &Table, row: usize) -> Vec<f64> {
    let tree = &model.trees[0];
    let covers = Covers::of(tree);
    let mut features = vec![0.0; model.feature_names.len()];
    let mut path: Vec<(f64, f64)> = Vec::new();
    for (index, split) in tree.splits().iter().enumerate() {
        let left_share = covers.of_child(split.left) / covers.splits[index];
        let left = f64::from(u8::from(table.columns()[index][row].is_nan() || table.columns()[index][row] < 0.5));
        let mut leaves = vec![(left_share, left, split.left)];
        if index + 1 == tree.splits().len() {
            leaves.push((1.0 - left_share, 1.0 - left, split.right));
        }
        for (share, goes, child) in leaves {
            let Child::Leaf(leaf) = child else { unreachable!("a chain") };
            path.push((share, goes));
            for feature in 0..path.len() {
                let others = path.iter().enumerate().filter(|(other, _)| *other != feature).map(|(_, &pair)| pair);
                let (share, goes) = path[feature];
                features[feature] += (goes - share) * extended(others) * f64::from(tree.leaves()[leaf].value);
            }
            path.pop();
        }
        path.push((1.0 - left_share, 1.0 - left));
    }
    features.into_iter().map(|value| value * model.leaf_unit()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn contributions_are_shapley_values(seed: u64) {
        let dice = &mut Dice::new(seed);
        let model = model(dice, Size { features: 6, trees: 3, splits: 12 });
        let table = table(dice, &model, 4);
        let found = model.contributions(&table);
        for row in 0..table.rows() {
            for (feature, expected) in shapley(&model, &table, row).into_iter().enumerate() {
                let found = found.features[feature][row];
                prop_assert!((found - expected).abs() < 1e-13, "feature {feature}, row {row}: {found} for {expected}");
            }
        }
    }

    #[test]
    fn contributions_add_up_to_scores(seed: u64) {
        let dice = &mut Dice::new(seed);
        let model = model(dice, Size { features: 12, trees: 20, splits: 40 });
        let table = table(dice, &model, 40);
        assert_adds_up(&model, &table, 1e-12);
    }
}

#[test]
fn long_paths_keep_their_digits_and_the_stack() {
    for (length, rows) in [(60, 1), (60, 100), (255, 3), (255, 1000), (2000, 2)] {
        let (model, table) = chain(length, |leaf| if leaf == length { rows } else { 1 });
        assert_adds_up(&model, &table, 1e-12);
    }
    let (model, table) = chain(60, |leaf| if leaf == 60 { 10_000 } else { 1 });
    let found = model.contributions(&table);
    for row in 0..table.rows() {
        for (feature, expected) in chain_contributions(&model, &table, row).into_iter().enumerate() {
            let found = found.features[feature][row];
            assert!((found - expected).abs() < 1e-14, "feature {feature}, row {row}: {found} for {expected}");
        }
    }
}

#[test]
fn leaves_without_rows_give_numbers() {
    let (model, table) = chain(5, |_| 0);
    let found = model.contributions(&table);
    assert!(found.features.iter().flatten().all(|value| value.is_finite()) && found.expected.is_finite());
    assert_adds_up(&model, &table, 1e-14);
}

#[test]
fn threads_change_nothing_and_means_are_of_the_same_values() {
    let dice = &mut Dice::new(7);
    let model = model(dice, Size { features: 5, trees: 10, splits: 20 });
    let table = table(dice, &model, 3 * BLOCK_ROWS + 17);
    let with_threads = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| (model.contributions(&table), model.mean_absolute_contributions(&table)))
    };
    let (found, means) = with_threads(1);
    assert_eq!((found.clone(), means.clone()), with_threads(3));
    for (column, mean) in found.features.iter().zip(means) {
        let expected = column.iter().map(|value| value.abs()).sum::<f64>() / super::super::math::real(column.len());
        assert!((mean - expected).abs() < 1e-12);
    }
}

#[test]
fn models_and_tables_may_be_empty() {
    let dice = &mut Dice::new(1);
    let model = model(dice, Size { features: 3, trees: 0, splits: 0 });
    let empty = Table::new(vec![], vec![]).unwrap();
    let found = model.contributions(&empty);
    assert!((found.expected - model.log_odds(0)).abs() < 1e-15);
    assert_eq!(found.features, vec![Vec::<f64>::new(); 3]);
    assert_eq!(model.mean_absolute_contributions(&empty), vec![0.0; 3]);
    let table = table(dice, &model, 2);
    assert_eq!(model.contributions(&table).features, vec![vec![0.0; 2]; 3]);
}
