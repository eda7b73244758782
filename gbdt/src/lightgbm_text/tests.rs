//! Texts that are written, read again, edited, and broken.

use linfa::ParamGuard;
use proptest::prelude::*;

use super::super::binning::{Categories, Cuts, FeatureBins};
use super::super::calibration::Calibration;
use super::super::model::{Gbdt, TrainingFacts};
use super::super::params::GbdtParams;
use super::super::random_models::{self, Dice, Size};
use super::super::table::Table;
use super::super::tree::{Child, Leaf, Split, Test, Tree};
use super::*;

/// A number and a category, one tree with a split on each.
fn small_model() -> Gbdt {
    let cuts = FeatureBins::Numeric(Cuts::new(vec![0.5, 1e300]).unwrap());
    let categories = FeatureBins::Categorical(Categories::new(vec![1, 33, 40], vec![]).unwrap());
    let (left, right) = (Child::Leaf(0), Child::Split(1));
    let first = Split { feature: 0, test: Test::AtMost(0), missing_left: true, left, right, gain: 2.5 };
    let (left, right) = (Child::Leaf(1), Child::Leaf(2));
    let second = Split { feature: 1, test: Test::OneOf(vec![0, 1]), missing_left: false, left, right, gain: 1e-7 };
    let leaves = [(1 << 22, 60), (-(1 << 23), 30), (0, 10)].map(|(value, rows)| Leaf { value, rows });
    let bins = vec![cuts, categories];
    Gbdt {
        feature_names: vec!["age, years".to_owned(), "region".to_owned()],
        trees: vec![Tree::new(vec![first, second], leaves.to_vec(), &bins).unwrap()],
        bins,
        leaf_bits: 24,
        base_score: -1.0,
        calibration: Calibration::IDENTITY,
        params: GbdtParams::default().check().unwrap(),
        facts: TrainingFacts::default(),
        doubles: false,
    }
}

const SMALL_TREE: &str = "\
Tree=0
num_leaves=3
num_cat=1
split_feature=0 1
split_gain=2.5 1e-7
threshold=0.5 0
decision_type=10 9
left_child=-1 -2
right_child=1 -3
leaf_value=-0.75 -1.5 -1.0
leaf_weight=60 30 10
leaf_count=60 30 10
internal_value=-1.0 -1.375
internal_weight=100 40
internal_count=100 40
cat_boundaries=0 2
cat_threshold=2 2
is_linear=0
shrinkage=1


";

/// What `text` says when it is imported.
fn refusal(text: &str) -> String {
    Gbdt::from_lightgbm_text(text).unwrap_err().to_string()
}

fn scores_of(text: &str, rows: &[[f32; 2]]) -> Vec<f64> {
    let model = Gbdt::from_lightgbm_text(text).unwrap();
    let columns = (0..2).map(|feature| rows.iter().map(|row| row[feature]).collect()).collect();
    model.raw_scores(&Table::new(model.feature_names().to_vec(), columns).unwrap())
}

#[test]
fn a_small_model_is_written_as_lightgbm_writes() {
    let text = small_model().to_lightgbm_text();
    let header = "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\nmax_feature_idx=1\n\
                  objective=binary sigmoid:1\nsegment_bot_floats=32\nfeature_names=age__years region\nfeature_infos=[-inf:inf] 1:33:40\n";
    let expected = format!("{header}tree_sizes={}\n\n{SMALL_TREE}end of trees\n", SMALL_TREE.len());
    assert_eq!(text.split_inclusive("end of trees\n").next().unwrap(), expected);
    assert!(
        text.contains("\nfeature_importances:\nage__years=1\nregion=1\n\nparameters:\n[boosting: gbdt]\n"),
        "{text}"
    );
    assert!(text.ends_with("]\n\nend of parameters\n\npandas_categorical:null\n"), "{text}");
}

#[test]
fn what_is_read_is_what_was_written() {
    let written = small_model();
    let read = Gbdt::from_lightgbm_text(&written.to_lightgbm_text()).unwrap();
    // The cut and the category that no split tests are gone; the base score is in the leaves.
    assert_eq!(read.bins[0], FeatureBins::Numeric(Cuts::new(vec![0.5]).unwrap()));
    assert_eq!(read.bins[1], FeatureBins::Categorical(Categories::new(vec![1, 33], vec![]).unwrap()));
    assert_eq!((read.trees[0].splits(), read.leaf_bits), (written.trees[0].splits(), 30));
    assert_eq!(read.trees[0].leaves()[1], Leaf { value: -3 << 29, rows: 30 });
    assert_eq!((read.params, read.facts.rows, read.facts.trees_grown), (written.params, 100, 1));
}

#[test]
fn parameters_survive() {
    let params = GbdtParams::for_positives(100).goss(0.2, 0.1).row_fraction(0.7).seed(9).l1(1e-9).trees_max(7);
    let model = Gbdt { params: params.check().unwrap(), ..small_model() };
    assert_eq!(Gbdt::from_lightgbm_text(&model.to_lightgbm_text()).unwrap().params, model.params);
    let text = model.to_lightgbm_text().replace("[num_leaves: 8]", "[num_leaves: 1]").replace("l1: ", "l1: x");
    let read = Gbdt::from_lightgbm_text(&text).unwrap().params;
    let defaults = GbdtParams::default().check().unwrap();
    assert_eq!((read.leaves_max, read.l1, read.trees_max), (defaults.leaves_max, defaults.l1, 7));
}

#[test]
fn names_become_what_lightgbm_takes_and_stay_different() {
    let names = ["a b", "a_b", "a\tb", "", "_", "{\"x\":[1]}", "größe", "a=b\\"].map(str::to_owned).to_vec();
    let model =
        Gbdt { bins: vec![small_model().bins[0].clone(); 8], feature_names: names, trees: vec![], ..small_model() };
    let read = Gbdt::from_lightgbm_text(&model.to_lightgbm_text()).unwrap();
    let expected = ["a_b_2", "a_b", "a_b_3", "__2", "_", "__x___1__", "größe", "a_b_"];
    assert_eq!(read.feature_names, expected);
}

#[test]
fn a_model_without_trees_or_features_is_a_tree_with_one_leaf() {
    let calibration = Calibration::new(2.0, 0.25).unwrap();
    let model = Gbdt { trees: vec![], bins: vec![], feature_names: vec![], calibration, ..small_model() };
    let text = model.to_lightgbm_text();
    assert!(text.contains("max_feature_idx=-1\n") && text.contains("leaf_value=-1.75\n"), "{text}");
    assert_eq!(scores_of(&small_model_without_trees(), &[[0.0, 0.0]]), [-1.0]);
    let read = Gbdt::from_lightgbm_text(&text).unwrap();
    assert!((read.log_odds(i64::from(read.trees[0].leaves()[0].value)) - -1.75).abs() < 1e-15);
}

fn small_model_without_trees() -> String {
    Gbdt { trees: vec![], ..small_model() }.to_lightgbm_text()
}

#[test]
fn missing_values_go_where_their_kind_says() {
    let nan = [[f32::NAN, 1.0], [0.0, 1.0], [7.0, 1.0]];
    let with = |decision: &str, threshold: &str| {
        let text =
            small_model().to_lightgbm_text().replace("decision_type=10 9", &format!("decision_type={decision} 9"));
        scores_of(&text.replace("threshold=0.5 0", &format!("threshold={threshold} 0")), &nan)
    };
    let (left, right) = (-0.75, -1.5);
    assert_eq!(with("10", "0.5"), [left, left, right]);
    assert_eq!(with("8", "0.5"), [right, left, right]);
    // No kind: missing is 0.
    assert_eq!(with("0", "0.5"), [left, left, right]);
    assert_eq!(with("2", "-0.5"), [right, right, right]);
    assert_eq!(with("2", "-0.0"), [left, left, right]);
    assert_eq!(with("2", "inf"), [left, left, left]);
    assert_eq!(with("8", "inf"), [right, left, left]);
}

#[test]
fn thresholds_beyond_f32_act_right() {
    let rows = [f32::NEG_INFINITY, f32::MIN, -1e-45, 1e-45, f32::MAX, f32::INFINITY].map(|value| [value, 1.0]);
    let lefts = |threshold: &str| {
        let text = small_model().to_lightgbm_text().replace("threshold=0.5 0", &format!("threshold={threshold} 0"));
        let scores = scores_of(&text, &rows);
        scores.into_iter().map(|score| score > -1.0).collect::<Vec<_>>()
    };
    assert_eq!(lefts("-inf"), [true, false, false, false, false, false]);
    assert_eq!(lefts("-1e300"), [true, false, false, false, false, false]);
    assert_eq!(lefts("-1e-300"), [true, true, true, false, false, false]);
    assert_eq!(lefts("1e-300"), [true, true, true, false, false, false]);
    assert_eq!(lefts("1e300"), [true, true, true, true, true, false]);
    assert_eq!(lefts("1e400"), [true; 6]);
}

#[test]
fn sigmoid_becomes_the_slope() {
    let text = small_model().to_lightgbm_text().replace("sigmoid:1", "sigmoid:2.5");
    assert_eq!(scores_of(&text, &[[0.0, 0.0]]), [-0.75 * 2.5]);
}

#[test]
fn leaves_get_as_many_places_as_fit() {
    let bits = |values: &str| {
        let text =
            small_model().to_lightgbm_text().replace("leaf_value=-0.75 -1.5 -1.0", &format!("leaf_value={values}"));
        Gbdt::from_lightgbm_text(&text).map(|model| model.leaf_bits)
    };
    assert_eq!(bits("1e-9 0 0"), Ok(30));
    assert_eq!(bits("1.9 -1.9 0"), Ok(30));
    assert_eq!(bits("1.9 -2.0 0"), Ok(29));
    assert_eq!(bits("2147483647 0 0"), Ok(0));
    assert_eq!(bits("2147483648 0 0"), Err(LightGbmTextError::LeafValues));
    assert_eq!(bits("1e308 0 0"), Err(LightGbmTextError::LeafValues));
}

#[test]
fn rows_beyond_the_int_of_lightgbm_keep_their_shares() {
    let mut model = small_model();
    let leaves = [3 << 40, 0, 1 << 40].map(|rows| Leaf { value: 5, rows }).to_vec();
    model.trees = vec![Tree::new(model.trees[0].splits().to_vec(), leaves, &model.bins).unwrap()];
    let text = model.to_lightgbm_text();
    assert!(text.contains("\nleaf_count=805306367 1 268435455\n"), "{text}");
    assert!(text.contains("\ninternal_count=1073741823 268435456\n"), "{text}");
}

#[test]
fn what_cannot_be_imported_is_named() {
    let text = small_model().to_lightgbm_text();
    let edited = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        refusal(&text.replacen(from, to, 1))
    };
    assert_eq!(refusal("booster"), "this is not a LightGBM model: its first line is not `tree`");
    assert_eq!(
        edited("v4", "v3"),
        "the model has format \"v3\"; load it with LightGBM 4 and save it again to get `v4`"
    );
    assert_eq!(
        edited("binary sigmoid:1", "regression"),
        "the model has objective \"regression\"; only `binary` can be imported"
    );
    assert_eq!(
        edited("sigmoid:1", "sigmoid:-1"),
        "the header has \"binary sigmoid:-1\" in `objective`, which cannot stand there"
    );
    assert!(edited("num_class=1", "num_class=3").starts_with("the model has 3 classes"));
    assert!(edited("label_index=0", "average_output").starts_with("the model averages its trees"));
    assert!(edited("end of trees", "").starts_with("the model ends early"));
    assert_eq!(edited("leaf_value=", "leaf_values="), "tree 0 has no `leaf_value`");
    assert_eq!(edited("-0.75", "nan"), "tree 0 has \"NaN\" in `leaf_value`, which cannot stand there");
    assert_eq!(
        edited("num_leaves=3", "num_leaves=4000000000"),
        "tree 0 has 3 values in `leaf_value` instead of 4000000000"
    );
    assert_eq!(edited("num_leaves=3", "num_leaves=0"), "tree 0 has \"0\" in `num_leaves`, which cannot stand there");
    assert!(edited("is_linear=0", "is_linear=1").starts_with("tree 0 has linear models in its leaves"));
    assert!(edited("=10 9", "=6 9").starts_with("tree 0 takes 0 as missing in `age__years`"));
    assert_eq!(edited("=10 9", "=12 9"), "tree 0 has \"12\" in `decision_type`, which cannot stand there");
    assert_eq!(edited("=age__years", "=region"), "two features have the name `region`");
    assert_eq!(
        edited("split_feature=0 1", "split_feature=0 0"),
        "`age__years` is tested as a number and as a category"
    );
    assert_eq!(
        edited("split_feature=0 1", "split_feature=0 2"),
        "tree 0 is broken: split 1 tests feature 2, which does not exist"
    );
    assert!(edited("right_child=1", "right_child=0").starts_with("tree 0 is broken: split 0 leads to a place"));
    assert_eq!(
        edited("threshold=0.5 0", "threshold=0.5 1"),
        "tree 0 has \"1\" in `threshold`, which cannot stand there"
    );
    assert_eq!(
        edited("cat_boundaries=0 2", "cat_boundaries=0 3"),
        "tree 0 has \"3\" in `cat_boundaries`, which cannot stand there"
    );
    assert_eq!(
        edited("max_feature_idx=1", "max_feature_idx=9223372036854775807"),
        "the header has \"9223372036854775807\" in `max_feature_idx`, which cannot stand there"
    );
}

/// A model of one tree that cuts at `count` numbers, or tests for `count` categories, one in each split.
fn many(count: u32, categorical: bool) -> String {
    let joined = |of: &dyn Fn(u32) -> String| (0..count).map(of).collect::<Vec<_>>().join(" ");
    let same = |word: &str| joined(&|_| word.to_owned());
    // Each set has the one word that its only code needs, after words without codes.
    let set = |code: u32| format!("{}{}", "0 ".repeat(code as usize / 32), 1_u32 << (code % 32));
    let boundary = |set: u32| (0..set).map(|code| code / 32 + 1).sum::<u32>();
    let last = |index: u32| index + 1 == count;
    let lines = [
        format!("num_leaves={}", count + 1),
        format!("num_cat={}", if categorical { count } else { 0 }),
        format!("split_feature={}", same("0")),
        format!("threshold={}", joined(&|index| index.to_string())),
        format!("decision_type={}", same(if categorical { "9" } else { "8" })),
        format!("left_child={}", joined(&|index| format!("-{}", index + 1))),
        format!(
            "right_child={}",
            joined(&|index| if last(index) { format!("-{}", count + 1) } else { (index + 1).to_string() })
        ),
        format!("leaf_value={} 0", same("0.125")),
        format!("cat_boundaries={} {}", joined(&|set| boundary(set).to_string()), boundary(count)),
        format!("cat_threshold={}", joined(&set)),
    ];
    let text = small_model_without_trees();
    let (header, rest) = text.split_once("Tree=0").unwrap();
    let (_, rest) = rest.split_once("end of trees").unwrap();
    format!("{header}Tree=0\n{}\n\nend of trees{rest}", lines.join("\n"))
}

#[test]
fn as_many_bins_as_there_are_numbers_for_can_be_imported() {
    let bins = |text: &str| Gbdt::from_lightgbm_text(text).map(|model| model.bins[0].count());
    assert_eq!(bins(&many(254, false)), Ok(256));
    assert_eq!(bins(&many(255, true)), Ok(256));
    assert_eq!(
        refusal(&many(255, false)),
        "`age__years` is cut at 255 different numbers, and at most 254 can be imported; each training that continues another \
         adds cuts of its own: train in one go, with `max_bin` at most 255"
    );
    assert_eq!(
        refusal(&many(256, true)),
        "`age__years` is tested for 256 categories, at most 255 can be imported; put rare categories together"
    );
    assert_eq!(scores_of(&many(254, false), &[[253.0, 0.0], [253.5, 0.0]]), [0.125, 0.0]);
    assert_eq!(
        scores_of(&many(255, true), &[[254.0, 0.0], [255.0, 0.0], [f32::NAN, 0.0], [-1.0, 0.0]]),
        [0.125, 0.0, 0.0, 0.0]
    );
}

fn random_model(seed: u64) -> (Gbdt, Table) {
    let dice = &mut Dice::new(seed);
    let model = random_models::model(dice, Size { features: 6, trees: 4, splits: 10 });
    let table = random_models::table(dice, &model, 50);
    (model, table)
}

/// The same columns under the names of `model`.
fn renamed(table: &Table, model: &Gbdt) -> Table {
    Table::new(model.feature_names().to_vec(), table.columns().to_vec()).unwrap()
}

/// Puts something else in the place of a word, a line or a few bytes of a text.
fn mutated(text: &str, dice: &mut Dice) -> String {
    if text.is_empty() {
        return String::new();
    }
    let strange =
        ["-1", "0", "1e999", "nan", "-inf", "4294967296", "99999999999999999999", "x", "", "=", "\n", "\u{fe0f}"];
    let below = |dice: &mut Dice, end: usize| usize::try_from(dice.throw(end.max(1) as u64)).unwrap();
    let new = strange[below(dice, strange.len())];
    let separator = if dice.throw(2) == 0 { ' ' } else { '\n' };
    let mut parts: Vec<&str> = text.split_inclusive([separator, '=']).collect();
    let (place, other) = (below(dice, parts.len()), below(dice, parts.len()));
    match dice.throw(6) {
        0 => parts[place] = new,
        1 => drop(parts.remove(place)),
        2 => parts.insert(place, parts[other]),
        3 => parts.swap(place, other),
        4 => parts.truncate(place),
        _ => {
            let digit = char::from(b'0' + u8::try_from(dice.throw(10)).unwrap());
            let changed = parts[place].replacen(|letter: char| letter.is_ascii_digit(), &digit.to_string(), 1);
            return parts[..place].concat() + &changed + &parts[place + 1..].concat();
        }
    }
    parts.concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn imported_exports_score_the_same(seed: u64) {
        let (model, table) = random_model(seed);
        let text = model.to_lightgbm_text();
        let read = Gbdt::from_lightgbm_text(&text).unwrap();
        let own_table = renamed(&table, &read);
        let (expected, found) = (model.raw_scores(&table), read.raw_scores(&own_table));
        for (found, expected) in found.iter().zip(&expected) {
            prop_assert!((found - expected).abs() < 1e-8, "{found} for {expected}");
        }
        if model.calibration == Calibration::IDENTITY {
            prop_assert_eq!(found, expected);
        }
        let (expected, found) = (model.contributions(&table), read.contributions(&own_table));
        for (found, expected) in found.features.iter().flatten().zip(expected.features.iter().flatten()) {
            prop_assert!((found - expected).abs() < 1e-8, "{found} for {expected}");
        }
        prop_assert_eq!(Gbdt::from_lightgbm_text(&read.to_lightgbm_text()), Ok(read));
    }

    #[test]
    fn tree_sizes_are_where_trees_begin(seed: u64) {
        let text = random_model(seed).0.to_lightgbm_text();
        let sizes = text.lines().find_map(|line| line.strip_prefix("tree_sizes=")).unwrap();
        let mut rest = &text[text.find("Tree=0").unwrap()..];
        for (index, size) in sizes.split(' ').enumerate() {
            let start = format!("Tree={index}\n");
            prop_assert!(rest.starts_with(&start));
            rest = &rest[size.parse().unwrap()..];
        }
        prop_assert!(rest.starts_with("end of trees\n"));
    }

    #[test]
    fn broken_texts_are_refused_or_are_models(seed: u64, mutations in 1_usize..4) {
        let (model, table) = random_model(seed);
        let dice = &mut Dice::new(!seed);
        let text = (0..mutations).fold(model.to_lightgbm_text(), |text, _| mutated(&text, dice));
        if let Ok(read) = Gbdt::from_lightgbm_text(&text) {
            prop_assert!(read.raw_scores(&table).iter().all(|score| score.is_finite()));
            prop_assert!(Gbdt::from_bytes(&read.to_bytes()).is_ok());
            let again = Gbdt::from_lightgbm_text(&read.to_lightgbm_text()).unwrap();
            let third = Gbdt::from_lightgbm_text(&again.to_lightgbm_text());
            prop_assert_eq!(third, Ok(again));
        }
    }
}
