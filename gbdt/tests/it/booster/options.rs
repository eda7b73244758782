//! What can be asked of the booster beyond its defaults: categories, sampling, monotone features, stopping.

use std::num::NonZeroU8;

use gbdt::{Direction, FitError, Gbdt, GbdtParams, Table, Test, Tree};
use linfa::traits::Fit;
use linfa::{DatasetBase, ParamGuard};
use ndarray::Array1;
use proptest::prelude::*;

use crate::metrics::{auc, calibration_error};

use super::{Labelled, auc_on, noise, planted, quick};

/// A region with 60 codes, of which every seventh converts often; a column of noise; a tenth of the regions unknown.
fn regional(rows: usize, seed: u64) -> Labelled {
    let region = |row: usize| (noise(seed, row) * 60.0).floor();
    let known = |row: usize| noise(seed + 1, row) < 0.9;
    let columns = vec![
        (0..rows).map(|row| if known(row) { region(row) as f32 } else { f32::NAN }).collect(),
        (0..rows).map(|row| noise(seed + 2, row) as f32).collect(),
    ];
    let table = Table::new(vec!["region".to_owned(), "noise".to_owned()], columns).unwrap();
    let chance = |row: usize| if region(row) % 7.0 < 1.0 { 0.5 } else { 0.1 };
    let labels: Array1<bool> = (0..rows).map(|row| noise(seed + 3, row) < chance(row)).collect();
    DatasetBase::new(table.with_categories("region", vec![]).unwrap(), labels)
}

/// One positive in about a hundred, ten columns of which two matter.
fn rare(rows: usize, seed: u64) -> Labelled {
    let columns: Vec<Vec<f32>> =
        (0..10).map(|column| (0..rows).map(|row| noise(seed + column, row) as f32).collect()).collect();
    let chance = |row: usize| {
        let log_odds = 4.0 * f64::from(columns[0][row]) + 3.0 * f64::from(columns[1][row]) - 8.7;
        1.0 / (1.0 + (-log_odds).exp())
    };
    let labels: Array1<bool> = (0..rows).map(|row| noise(seed + 99, row) < chance(row)).collect();
    let names = (0..10).map(|column| format!("column {column}")).collect();
    DatasetBase::new(Table::new(names, columns).unwrap(), labels)
}

#[test]
fn categories_are_parted_in_sets_and_unknown_ones_count_as_missing() {
    let model = quick().category_weight_min(1.0).fit(&regional(20_000, 1)).unwrap();
    let unseen = regional(20_000, 2);
    let found = auc_on(&model, &unseen);
    assert!(found > 0.66, "{found}");
    let sets = model.trees().iter().flat_map(Tree::splits).filter(|split| matches!(split.test, Test::OneOf(_)));
    assert!(sets.count() > 0);
    let ask = |code: f32| {
        let table = Table::new(vec!["region".to_owned(), "noise".to_owned()], vec![vec![code], vec![0.5]]).unwrap();
        model.raw_scores(&table)[0]
    };
    assert!(ask(7.0) > ask(8.0) + 1.0);
    assert_eq!((ask(1e6), ask(-1.0), ask(0.5)), (ask(f32::NAN), ask(f32::NAN), ask(f32::NAN)));
}

#[test]
fn more_categories_than_bins_keep_the_frequent_ones() {
    let rows = 30_000;
    let code = |row: usize| if row.is_multiple_of(2) { 400.0 } else { (row % 400) as f32 };
    let table = Table::new(vec!["shop".to_owned()], vec![(0..rows).map(code).collect()]).unwrap();
    let labels: Array1<bool> =
        (0..rows).map(|row| noise(5, row) < if row.is_multiple_of(2) { 0.6 } else { 0.1 }).collect();
    let data = DatasetBase::new(table.with_categories("shop", vec![]).unwrap(), labels);
    assert!(auc_on(&quick().fit(&data).unwrap(), &data) > 0.74);
}

#[test]
fn thinned_negatives_leave_order_and_probabilities() {
    let (data, unseen) = (rare(60_000, 10), rare(60_000, 400));
    let labels = unseen.targets.as_slice().unwrap();
    let params = quick().trees_max(80).patience(0);
    let (all, thinned) = (params.fit(&data).unwrap(), params.clone().negatives_per_positive(20.0).fit(&data).unwrap());
    assert!((0.1..0.4).contains(&thinned.facts().negatives_kept), "{:?}", thinned.facts());
    assert!(thinned.facts().rows < data.records.rows() / 2);
    assert!(auc_on(&thinned, &unseen) > auc_on(&all, &unseen) - 0.01);
    let share = |model: &Gbdt| {
        model.probabilities(&unseen.records).iter().sum::<f64>() / labels.iter().filter(|label| **label).count() as f64
    };
    assert!((share(&thinned) - 1.0).abs() < 0.15, "{}", share(&thinned));
}

#[test]
fn calibration_mends_a_model_that_is_too_sure() {
    let (train, validation, unseen) = (planted(1_500, 8, 60), planted(6_000, 8, 160), planted(20_000, 8, 260));
    // Deep trees that learn by heart; the patience is so long that nothing stops them.
    let params = GbdtParams::default().trees_max(60).leaves_max(64).learning_rate(0.3).l2(0.0).child_weight_min(0.01);
    let sure = params.clone().patience(0).fit(&train).unwrap();
    let mended = params.patience(10_000).fit_with_validation(&train, &validation).unwrap();
    let error = |model: &Gbdt| {
        let labels = unseen.targets.as_slice().unwrap();
        calibration_error(&model.probabilities(&unseen.records), labels)
    };
    assert!(mended.calibration().slope() < 1.0, "{:?}", mended.calibration());
    assert!(error(&mended) < error(&sure) / 2.0 && error(&mended) < 0.02, "{} {}", error(&mended), error(&sure));
}

#[test]
fn one_sided_sampling_learns_nearly_as_well() {
    let (data, unseen) = (planted(20_000, 6, 70), planted(20_000, 6, 170));
    let all = auc_on(&quick().fit(&data).unwrap(), &unseen);
    let sampled = auc_on(&quick().goss(0.2, 0.1).fit(&data).unwrap(), &unseen);
    assert!(sampled > all - 0.01, "{sampled} {all}");
}

#[test]
fn monotone_features_move_the_score_one_way_only() {
    let data = planted(6_000, 4, 80);
    let free = quick().fit(&data).unwrap();
    let held = quick().monotone("column 0", Direction::Rising).monotone("column 2", Direction::Falling);
    let held = held.fit(&data).unwrap();
    let turns = |model: &Gbdt, column: usize, wanted: fn(f64, f64) -> bool| {
        let steps = 200_usize;
        let value = |at: usize, step: usize| if at == column { step as f32 / 20.0 } else { 4.2 };
        let columns = (0..4).map(|at| (0..steps).map(|step| value(at, step)).collect()).collect();
        let table = Table::new(data.records.names().to_vec(), columns).unwrap();
        model.raw_scores(&table).windows(2).filter(|pair| !wanted(pair[0], pair[1])).count()
    };
    assert_eq!((turns(&held, 0, |low, high| low <= high), turns(&held, 2, |low, high| low >= high)), (0, 0));
    assert!(turns(&free, 0, |low, high| low <= high) > 0);
    assert!(auc_on(&held, &planted(6_000, 4, 180)) > auc_on(&free, &planted(6_000, 4, 180)) - 0.02);
    let error = quick().monotone("colour", Direction::Rising).fit(&data).unwrap_err().to_string();
    assert_eq!(error, "there is no numeric column `colour` for the score to rise or fall with");
}

#[test]
fn every_option_gives_the_same_bytes_on_any_number_of_threads() {
    let mut data = planted(40_000, 6, 90);
    let region = regional(40_000, 91);
    let names = [data.records.names(), &region.records.names()[..1]].concat();
    let columns = [data.records.columns(), &region.records.columns()[..1]].concat();
    data.records = Table::new(names, columns).unwrap().with_categories("region", vec![]).unwrap();
    let params = quick().trees_max(10).goss(0.3, 0.2).row_fraction(0.9).negatives_per_positive(2.0);
    let params = params.monotone("column 0", Direction::Rising).check().unwrap();
    let bytes_on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| params.fit(&data).unwrap().to_bytes())
    };
    let one = bytes_on(1);
    assert!(one == bytes_on(2) && one == bytes_on(4));
}

#[test]
fn learning_again_from_all_rows_uses_the_rounds_that_helped() {
    let data = planted(4_000, 4, 95);
    let stopped = quick().refit(false).fit(&data).unwrap();
    let again = quick().fit(&data).unwrap();
    assert_eq!(again.facts().rows, 4_000);
    assert!(stopped.facts().rows < 4_000 && again.trees().len() >= stopped.trees().len());
    assert_eq!(again.calibration(), stopped.calibration());
    assert_eq!(again.facts().validation_loss, stopped.facts().validation_loss);
}

#[test]
fn the_mean_of_several_trainings_scores_as_their_mean() {
    let data = planted(4_000, 4, 95);
    let with_seed = |seed| quick().feature_fraction(0.5).seed(seed).check().unwrap();
    let stopped = with_seed(7).fit(&data).unwrap();
    let going_on = &mut |_| true;
    let mean = with_seed(7).refit_averaged(&data, &stopped, NonZeroU8::new(3).unwrap(), going_on).unwrap();
    let each: Vec<Gbdt> = (7..10).map(|seed| with_seed(seed).refit(&data, &stopped, &mut |_| true).unwrap()).collect();
    assert_ne!(each[0].trees(), each[1].trees());
    assert_eq!(mean.trees().len(), each.iter().map(|model| model.trees().len()).sum::<usize>());
    let scores: Vec<Vec<f64>> = each.iter().map(|model| model.raw_scores(&data.records)).collect();
    for (row, score) in mean.raw_scores(&data.records).into_iter().enumerate() {
        let expected = scores.iter().map(|of| of[row]).sum::<f64>() / 3.0;
        assert!((score - expected).abs() < 1e-4, "row {row}: {score} and {expected}");
    }
    let read = Gbdt::from_bytes(&mean.to_bytes()).unwrap();
    assert_eq!(read.raw_scores(&data.records), mean.raw_scores(&data.records));
}

#[test]
fn training_stops_when_it_is_told_to() {
    let data = planted(2_000, 3, 96);
    let params = quick().patience(0).check().unwrap();
    let mut heard = Vec::new();
    let stopped = params.fit_watched(&data, None, &mut |round| {
        heard.push(round.trees);
        round.trees < 5
    });
    assert!(matches!(stopped.unwrap_err(), FitError::Stopped));
    assert_eq!(heard, [0, 1, 2, 3, 4, 5]);
}

#[test]
fn rows_in_another_order_give_as_good_a_model() {
    let (data, unseen) = (planted(10_000, 5, 97), planted(10_000, 5, 197));
    let order: Vec<usize> = (0..10_000).map(|row| (row * 7_919) % 10_000).collect();
    let turned = DatasetBase::new(
        data.records.select(&order),
        order.iter().map(|&row| data.targets[row]).collect::<Array1<bool>>(),
    );
    let of = |data: &Labelled| auc_on(&quick().patience(0).fit(data).unwrap(), &unseen);
    assert!((of(&data) - of(&turned)).abs() < 0.005);
}

/// Half of the rounds see `useless` only and grow nothing.
#[test]
fn rounds_without_a_tree_change_nothing() {
    let rows: u16 = 4000;
    let columns =
        vec![(0..rows).map(|row| f32::from(row % 2)).collect(), (0..rows).map(|row| f32::from(row / 2 % 2)).collect()];
    let table = Table::new(vec!["useful".to_owned(), "useless".to_owned()], columns).unwrap();
    // Of ten rows alike, two or eight are positive.
    let labels: Array1<bool> = (0..rows).map(|row| row / 4 % 10 < if row % 2 == 1 { 8 } else { 2 }).collect();
    let data = DatasetBase::new(table, labels);
    let params = GbdtParams::default().trees_max(40).learning_rate(0.5).l2(0.0).patience(0);
    let params = params.feature_fraction(0.5).gain_min(0.01);
    let models = (0..20).map(|seed| params.clone().seed(seed).fit(&data).unwrap());
    let settled: Vec<Gbdt> = models.filter(|model| model.trees().len() >= 9).collect();
    assert!(settled.len() >= 5, "{} models go on long enough", settled.len());
    for model in settled {
        let probabilities = model.probabilities(&data.records);
        assert!(
            (probabilities[0] - 0.2).abs() < 0.01 && (probabilities[1] - 0.8).abs() < 0.01,
            "{:?}",
            &probabilities[..2]
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn no_mixture_of_categories_weights_and_options_makes_it_panic(
        rows in prop::collection::vec((0_u16..600, any::<f32>(), any::<bool>(), prop_oneof![Just(0.0_f32), 0.0_f32..1e6]), 1..300),
        (leaves, bins, categories) in (2_usize..40, 3_usize..=255, 1_usize..=255),
        (negatives, goss, rate, seed) in (prop_oneof![Just(0.0), 1.0..30.0], any::<bool>(), 0.1..1.0, any::<u64>()),
    ) {
        let codes = rows.iter().map(|row| if row.0 < 590 { f32::from(row.0) } else { f32::NAN }).collect();
        let columns = vec![codes, rows.iter().map(|row| row.1).collect(), vec![3.0; rows.len()]];
        let names = ["shop", "number", "constant"].map(str::to_owned).to_vec();
        let table = Table::new(names, columns).unwrap().with_categories("shop", vec![]).unwrap();
        let mut weights: Vec<f32> = rows.iter().map(|row| row.3).collect();
        weights[0] = weights[0].max(1.0);
        let labels: Array1<bool> = rows.iter().map(|row| row.2).collect();
        let data = DatasetBase::new(table, labels).with_weights(weights.into());
        let params = GbdtParams::default().trees_max(6).leaves_max(leaves).bins_max(bins).categories_max(categories);
        let params = params.negatives_per_positive(negatives).learning_rate(rate).seed(seed).patience(2);
        let params = params.category_weight_min(0.0).child_weight_min(0.0).l2(0.0).monotone("number", Direction::Rising);
        let params = if goss { params.goss(0.3, 0.3) } else { params };
        let model = params.fit(&data).unwrap();
        let scores = model.raw_scores(&data.records);
        prop_assert!(scores.iter().all(|score| score.is_finite()));
        prop_assert_eq!(&Gbdt::from_bytes(&model.to_bytes()).unwrap(), &model);
        if auc(&scores, data.targets.as_slice().unwrap()).is_none() {
            prop_assert!(model.calibration().slope() > 0.0);
        }
    }
}
