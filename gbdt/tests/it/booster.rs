//! Promises of the booster: it finds what is there and nothing else, the same on any number of threads, whatever comes in.
#![expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "made-up numbers may be rounded")]

mod options;

use gbdt::{FitError, Gbdt, GbdtParams, ModelFileError, Table, sigmoid};
use linfa::traits::{Fit, Predict};
use linfa::{DatasetBase, ParamGuard};
use ndarray::Array1;
use proptest::prelude::*;

use crate::metrics::{auc, log_loss};

type Labelled = DatasetBase<Table, Array1<bool>>;

/// Uniform in `0.0..1.0`, a function of its arguments.
fn noise(seed: u64, index: usize) -> f64 {
    let mut bits = (index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ seed.wrapping_mul(0xd6e8_feb8_6659_fd93);
    for _ in 0..2 {
        bits = (bits ^ (bits >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    }
    (bits >> 40) as f64 / (1_u64 << 24) as f64
}

/// Columns of noise, 0..10, some values missing; converters are those with much of column 0, and of column 1 where known.
fn planted(rows: usize, columns: usize, seed: u64) -> Labelled {
    let value = |column: usize, row: usize| {
        let known = column.is_multiple_of(2) || noise(seed + 100 + column as u64, row) > 0.2;
        if known { (noise(seed + column as u64, row) * 10.0) as f32 } else { f32::NAN }
    };
    let names = (0..columns).map(|column| format!("column {column}")).collect();
    let data: Vec<Vec<f32>> = (0..columns).map(|column| (0..rows).map(|row| value(column, row)).collect()).collect();
    let labels = (0..rows).map(|row| {
        let second = if data[1][row].is_nan() { 8.0 } else { f64::from(data[1][row]) };
        let log_odds = f64::from(data[0][row]) - 10.0 + second / 2.0;
        noise(seed + 999, row) < 1.0 / (1.0 + (-log_odds).exp())
    });
    let labels: Array1<bool> = labels.collect();
    DatasetBase::new(Table::new(names, data).unwrap(), labels)
}

fn quick() -> GbdtParams {
    GbdtParams::default().trees_max(60).learning_rate(0.1).seed(3)
}

fn auc_on(model: &Gbdt, data: &Labelled) -> f64 {
    auc(&model.raw_scores(&data.records), data.targets.as_slice().unwrap()).unwrap()
}

#[test]
fn a_planted_signal_is_found_and_its_features_gain_most() {
    let model = quick().fit(&planted(8_000, 6, 1)).unwrap();
    let unseen = planted(8_000, 6, 2);
    // The true odds reach 0.899 here.
    let found = auc_on(&model, &unseen);
    assert!(found > 0.88, "{found}");
    let gains = model.gains();
    assert!(gains[0] > gains[1] && gains[2..].iter().all(|gain| gains[1] > 5.0 * gain), "{gains:?}");
    assert!(model.split_counts()[0] > model.split_counts()[2]);
    let probabilities: Array1<f64> = model.predict(&unseen);
    let expected = unseen.targets.iter().filter(|label| **label).count() as f64;
    assert!((probabilities.sum() / expected - 1.0).abs() < 0.05);
}

#[test]
fn shuffled_labels_teach_nothing() {
    let mut data = planted(10_000, 6, 1);
    data.targets = (0..10_000).map(|row| noise(77, row) < 0.2).collect();
    for patience in [0, 30] {
        let model = quick().patience(patience).fit(&data).unwrap();
        let mut unseen = planted(20_000, 6, 2);
        unseen.targets = (0..20_000).map(|row| noise(78, row) < 0.2).collect();
        let found = auc_on(&model, &unseen);
        assert!((found - 0.5).abs() < 0.03, "{found}");
    }
}

#[test]
fn the_model_file_is_the_same_on_any_number_of_threads() {
    // So many rows that threads share the work on large leaves, and have small ones of their own.
    let data = planted(90_000, 9, 4).with_weights((0..90_000).map(|row| 1.0 + (row % 7) as f32).collect());
    let params = quick().trees_max(6).row_fraction(0.7);
    let bytes_on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| params.fit(&data).unwrap().to_bytes())
    };
    let one = bytes_on(1);
    assert!(one == bytes_on(2) && one == bytes_on(4));
    assert_ne!(one, params.clone().seed(4).fit(&data).unwrap().to_bytes());
}

#[test]
fn columns_may_change_places() {
    let data = planted(4_000, 5, 5);
    let order = [3, 0, 4, 2, 1];
    let names = order.map(|column| data.records.names()[column].clone()).to_vec();
    let columns = order.map(|column| data.records.columns()[column].clone()).to_vec();
    let moved = DatasetBase::new(Table::new(names, columns).unwrap(), data.targets.clone());
    let (model, moved_model) = (quick().fit(&data).unwrap(), quick().fit(&moved).unwrap());
    let scores = model.raw_scores(&data.records);
    assert_eq!(scores, moved_model.raw_scores(&moved.records));
    // Columns are found by name, in either table.
    assert_eq!(scores, model.raw_scores(&moved.records));
}

#[test]
fn scores_do_not_depend_on_the_batch() {
    let data = planted(5_000, 4, 6);
    let model = quick().trees_max(10).fit(&data).unwrap();
    let all = model.raw_scores(&data.records);
    let part: Vec<usize> = (0..5_000).step_by(7).collect();
    let expected: Vec<f64> = part.iter().map(|&row| all[row]).collect();
    assert_eq!(model.raw_scores(&data.records.select(&part)), expected);
}

#[test]
fn early_stopping_stops_and_keeps_the_best_round() {
    let (train, validation) = (planted(2_000, 4, 7), planted(2_000, 4, 8));
    let params = quick().trees_max(400).learning_rate(0.5).patience(5);
    let model = params.fit_with_validation(&train, &validation).unwrap();
    let facts = model.facts();
    assert!(facts.trees_grown < 400 && model.trees().len() + 5 == facts.trees_grown, "{facts:?}");
    assert_eq!((facts.rows, facts.validation_rows), (2_000, 2_000));
    let calibration = model.calibration();
    let before = |score: f64| sigmoid((score - calibration.offset()) / calibration.slope());
    let probabilities: Vec<f64> = model.raw_scores(&validation.records).into_iter().map(before).collect();
    let loss = log_loss(&probabilities, validation.targets.as_slice().unwrap());
    assert!((loss - facts.validation_loss.unwrap()).abs() < 1e-12, "training and scoring see the same scores");
    let calibrated = model.probabilities(&validation.records);
    assert!(log_loss(&calibrated, validation.targets.as_slice().unwrap()) <= loss + 1e-4);
    let fixed = params.clone().patience(0).trees_max(model.trees().len()).fit(&train).unwrap();
    assert_eq!(fixed.trees(), model.trees());
    assert_eq!(fixed.facts().validation_loss, None);
}

#[test]
fn missing_values_carry_meaning() {
    let rows = 2_000;
    let missing = |row: usize| noise(9, row) < 0.3;
    let column = (0..rows).map(|row| if missing(row) { f32::NAN } else { noise(10, row) as f32 }).collect();
    let data = DatasetBase::new(
        Table::new(vec!["visits".to_owned()], vec![column]).unwrap(),
        (0..rows).map(missing).collect::<Array1<bool>>(),
    );
    assert!(auc_on(&quick().fit(&data).unwrap(), &data) > 0.999);
}

#[test]
fn tables_without_anything_to_learn_give_the_share_of_positives() {
    let constant = Table::new(vec!["same".to_owned()], vec![vec![1.0; 100]]).unwrap();
    let one_row = Table::new(vec!["same".to_owned()], vec![vec![1.0]]).unwrap();
    let quarter = |row: usize| row.is_multiple_of(4);
    let model = quick().patience(0).fit(&DatasetBase::new(constant.clone(), (0..100).map(quarter).collect())).unwrap();
    assert!(model.trees().is_empty() && (model.probabilities(&constant)[0] - 0.25).abs() < 1e-6);
    let model = quick().fit(&DatasetBase::new(constant.clone(), Array1::from_elem(100, true))).unwrap();
    assert!(model.probabilities(&constant)[0] > 0.999);
    let model = quick().fit(&DatasetBase::new(one_row.clone(), Array1::from_elem(1, false))).unwrap();
    assert!(model.probabilities(&one_row)[0] < 0.001);
}

#[test]
fn rows_without_weight_do_not_count() {
    let data = planted(3_000, 4, 11);
    let mut labels = data.targets.clone();
    let weights: Array1<f32> = (0..3_000).map(|row| f32::from(u8::from(row % 3 != 0))).collect();
    labels.iter_mut().step_by(3).for_each(|label| *label = !*label);
    let weighted = data.with_weights(weights);
    let mut turned = weighted.clone();
    turned.targets = labels;
    let scores = |data: &Labelled| quick().patience(0).fit(data).unwrap().raw_scores(&data.records);
    assert_eq!(scores(&weighted), scores(&turned));
}

#[test]
fn what_cannot_be_learned_from_is_named() {
    let data = planted(10, 2, 12);
    let fit = |data: Labelled| quick().fit(&data).unwrap_err();
    let with_weights = |weights: Vec<f32>| fit(data.clone().with_weights(Array1::from_vec(weights)));
    assert!(matches!(with_weights(vec![0.0; 10]), FitError::NoWeight));
    assert!(matches!(with_weights([vec![1.0; 9], vec![-1.0]].concat()), FitError::Weight { row: 9, .. }));
    assert!(matches!(with_weights([vec![f32::NAN], vec![1.0; 9]].concat()), FitError::Weight { row: 0, .. }));
    assert!(matches!(with_weights(vec![1.0; 9]), FitError::Weights { rows: 10, weights: 9 }));
    let empty = Table::new(vec![], vec![]).unwrap();
    assert!(matches!(fit(DatasetBase::new(empty, Array1::from_elem(0, true))), FitError::NoRows));
    let few_labels = DatasetBase::new(data.records.clone(), Array1::from_elem(9, true));
    assert!(matches!(fit(few_labels), FitError::Labels { rows: 10, labels: 9 }));
    assert_eq!(quick().l2(-1.0).fit(&data).unwrap_err().to_string(), "l2 must be 0 or more and finite, not -1");
    let other =
        DatasetBase::new(Table::new(vec!["x".to_owned()], vec![vec![1.0]]).unwrap(), Array1::from_elem(1, true));
    let error = quick().fit_with_validation(&data, &other).unwrap_err();
    assert_eq!(error.to_string(), "the validation table has no column `column 0`");
}

#[test]
fn a_model_file_gives_the_same_model_again() {
    let data = planted(3_000, 5, 13);
    let model = quick().fit(&data).unwrap();
    let again = Gbdt::from_bytes(&model.to_bytes()).unwrap();
    assert_eq!(again, model);
    assert_eq!(again.to_bytes(), model.to_bytes());
    assert_eq!(again.raw_scores(&data.records), model.raw_scores(&data.records));
}

#[test]
fn a_changed_model_file_is_refused_with_the_reason() {
    let text = String::from_utf8(quick().trees_max(3).fit(&planted(500, 2, 14)).unwrap().to_bytes()).unwrap();
    let reason = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        Gbdt::from_bytes(text.replacen(from, to, 1).as_bytes()).unwrap_err()
    };
    assert!(matches!(reason("\"format_version\":2", "\"format_version\":1"), ModelFileError::Version { found: 1 }));
    assert!(matches!(reason("\"l2\":5.0", "\"l2\":-5.0"), ModelFileError::Params(_)));
    assert!(matches!(reason("\"name\":\"column 1\"", "\"name\":\"column 0\""), ModelFileError::DuplicateFeature(_)));
    assert!(matches!(reason("\"cuts\":[", "\"cuts\":[1e9,"), ModelFileError::Cuts(_)));
    assert!(matches!(reason("\"split\":1", "\"split\":0"), ModelFileError::Tree { index: 0, .. }));
    assert!(matches!(reason("\"feature\":0", "\"feature\":7"), ModelFileError::Tree { .. }));
    assert!(matches!(reason("\"leaves\":[", "\"leaves\":[{\"value\":1,\"rows\":1},"), ModelFileError::Tree { .. }));
    assert!(matches!(reason("\"leaf_bits\":24", "\"leaf_bits\":31"), ModelFileError::LeafBits(31)));
    assert!(matches!(
        reason("{\"value\":", "{\"value\":2147483647,\"rows\":1},{\"value\":"),
        ModelFileError::Tree { .. }
    ));
    assert!(matches!(reason("\"slope\":", "\"slope\":-"), ModelFileError::Calibration));
    assert!(matches!(reason("\"base_score\":", "\"base\":"), ModelFileError::Unreadable(_)));
    assert!(matches!(Gbdt::from_bytes(b"").unwrap_err(), ModelFileError::Unreadable(_)));
}

/// Any `f32`, and often the special ones.
fn any_value() -> impl Strategy<Value = f32> {
    prop_oneof![
        4 => any::<f32>(),
        1 => Just(f32::NAN),
        1 => Just(f32::INFINITY),
        1 => Just(f32::NEG_INFINITY),
        2 => (0_u8..4).prop_map(f32::from),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn no_input_makes_it_panic_or_give_a_score_that_is_not_finite(
        rows in prop::collection::vec((any_value(), any_value(), any::<bool>(), 0.0_f32..=f32::MAX), 1..80),
        (leaves, depth, bins) in (2_usize..12, 1_usize..6, 3_usize..=255),
        (l2, child_weight_min, seed) in (0.0..2.0, 0.0..0.5, any::<u64>()),
    ) {
        let columns = vec![rows.iter().map(|row| row.0).collect(), rows.iter().map(|row| row.1).collect()];
        let table = Table::new(vec!["a".to_owned(), "b".to_owned()], columns).unwrap();
        let data = DatasetBase::new(table, rows.iter().map(|row| row.2).collect::<Array1<bool>>());
        let params = GbdtParams::default().trees_max(8).leaves_max(leaves).depth_max(depth).bins_max(bins);
        let params = params.l2(l2).child_weight_min(child_weight_min).learning_rate(1.0).seed(seed);
        for data in [data.clone(), data.with_weights(rows.iter().map(|row| row.3 + 1e-30).collect())] {
            let model = params.fit(&data).unwrap();
            prop_assert!(model.raw_scores(&data.records).iter().all(|score| score.is_finite()));
            prop_assert_eq!(&Gbdt::from_bytes(&model.to_bytes()).unwrap(), &model);
        }
    }

    #[test]
    fn no_damage_to_a_model_file_makes_reading_panic(
        place in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        let data = planted(200, 3, 15);
        let mut bytes = quick().trees_max(2).fit(&data).unwrap().to_bytes();
        let place = place.index(bytes.len());
        if cut { bytes.truncate(place) } else { bytes[place] = byte }
        if let Ok(model) = Gbdt::from_bytes(&bytes) {
            prop_assert_eq!(model.raw_scores(&data.records).len(), 200);
        }
    }
}

/// A public data set as ordinal codes, with the fold of each row.
#[expect(clippy::print_stdout, reason = "says that nothing was tested")]
fn shared_data(name: &str) -> Option<(Labelled, Vec<String>)> {
    let Some(root) = std::env::var_os("SEGMENT_SHARED_DATA") else {
        println!("SEGMENT_SHARED_DATA is not set; {name} is skipped");
        return None;
    };
    let file = std::fs::File::open(std::path::Path::new(&root).join(name).join("table.csv.gz")).unwrap();
    let mut reader = csv::Reader::from_reader(flate2::read::GzDecoder::new(file));
    let mut names: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let text = |column: usize| records.iter().map(|record| record[column].to_owned()).collect::<Vec<String>>();
    let folds = text(names.iter().position(|name| name == "fold").unwrap());
    let label_column = names.iter().position(|name| name == "label").unwrap();
    let labels = text(label_column).iter().map(|label| label.parse::<f32>().unwrap() > 0.5).collect::<Array1<bool>>();
    let columns = (0..label_column).map(|column| ordinal(&text(column))).collect();
    names.truncate(label_column);
    Some((DatasetBase::new(Table::new(names, columns).unwrap(), labels), folds))
}

/// Numbers as they are; other texts by their place in the alphabet; nothing as missing.
fn ordinal(column: &[String]) -> Vec<f32> {
    let numeric = column.iter().all(|text| text.is_empty() || text.parse::<f32>().is_ok());
    let codes: std::collections::BTreeSet<&String> = column.iter().collect();
    let code = |text: &String| codes.iter().position(|other| *other == text).unwrap() as f32;
    let value = |text: &String| if numeric { text.parse().unwrap() } else { code(text) };
    column.iter().map(|text| if text.is_empty() { f32::NAN } else { value(text) }).collect()
}

fn mean_auc_of_folds(data: &Labelled, folds: &[String]) -> f64 {
    let part = |wanted: &dyn Fn(&String) -> bool| {
        let rows: Vec<usize> = (0..folds.len()).filter(|&row| wanted(&folds[row])).collect();
        DatasetBase::new(
            data.records.select(&rows),
            rows.iter().map(|&row| data.targets[row]).collect::<Array1<bool>>(),
        )
    };
    let names: std::collections::BTreeSet<&String> = folds.iter().collect();
    let aucs = names.iter().map(|&fold| {
        let (train, test) = (part(&|other| other != fold), part(&|other| other == fold));
        let positives = train.targets.iter().filter(|label| **label).count();
        let model = GbdtParams::for_positives(positives).check().unwrap().fit(&train).unwrap();
        auc_on(&model, &test)
    });
    aucs.sum::<f64>() / names.len() as f64
}

#[test]
fn the_bank_campaign_is_ranked_as_well_as_by_others() {
    let Some((data, folds)) = shared_data("bank_marketing") else { return };
    let mean = mean_auc_of_folds(&data, &folds);
    println!("bank_marketing: mean AUC {mean:.4}");
    assert!(mean > 0.78, "{mean}");
}

#[test]
fn the_email_campaign_is_ranked_as_well_as_by_others() {
    let Some((data, folds)) = shared_data("hillstrom") else { return };
    let mean = mean_auc_of_folds(&data, &folds);
    println!("hillstrom: mean AUC {mean:.4}");
    assert!(mean > 0.62, "{mean}");
}
