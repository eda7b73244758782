//! Models go to `LightGBM` and come from there without a change of any score: against the Python package, where there
//! is one. `SEGMENT_PYTHON` names the Python that can import `lightgbm`; without it, the tests say so and pass.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use gbdt::{Gbdt, LightGbmTextError, Table};
use serde_json::{Value, json};

/// The smallest text of a model, to get a file from whose parts are then replaced.
const STUMP: &str = "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx=0\n\
                     objective=binary sigmoid:1\nfeature_names=a\n\nend of trees\n";

/// The Python to ask, or `None` with a message.
#[expect(clippy::print_stderr, reason = "a test that checks nothing should not look like one that does")]
fn python() -> Option<OsString> {
    let Some(python) = std::env::var_os("SEGMENT_PYTHON") else {
        eprintln!("skipped: SEGMENT_PYTHON names no Python");
        return None;
    };
    let imports = Command::new(&python).args(["-c", "import lightgbm"]).output();
    if imports.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    eprintln!("skipped: the Python of SEGMENT_PYTHON cannot import lightgbm");
    None
}

/// Trains and scores what is in `directory`.
fn run(python: &OsString, directory: &Path) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/lightgbm_round_trip.py");
    let output = Command::new(python).arg(script).arg(directory).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Numbers by chance, the same each time (Knuth's multiplier).
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.throw(from.len() as u64)).unwrap()]
    }

    /// In `0.0..1.0`, by steps that `f32` holds.
    fn unit(&mut self) -> f32 {
        f32::from(u16::try_from(self.throw(1 << 16)).unwrap()) / 65_536.0
    }
}

/// What a feature of a made-up model is cut at or which categories it has.
enum Feature {
    Cuts(Vec<f64>),
    Codes(Vec<u32>),
}

impl Feature {
    fn all() -> Vec<Self> {
        vec![
            Self::Cuts((0..250).map(|cut| f64::from(cut) / 8.0 - 10.0).collect()),
            Self::Codes((0..=84).collect()),
            Self::Codes(vec![1, 7, 31, 32, 70_000]),
            Self::Cuts(vec![-1e300, -1e30, -0.1, 0.0, 0.1, 0.3, 16_777_217.0, 3e38, 1e39]),
            Self::Cuts(vec![]),
        ]
    }

    /// As in a model file.
    fn written(&self, name: &str) -> Value {
        match self {
            Self::Cuts(cuts) => json!({"name": name, "cuts": cuts}),
            Self::Codes(codes) => json!({"name": name, "codes": codes, "categories": []}),
        }
    }

    fn test(&self, dice: &mut Dice) -> (Value, bool) {
        match self {
            Self::Cuts(cuts) => (json!({"at_most": dice.throw(cuts.len() as u64 + 1)}), dice.throw(2) == 0),
            Self::Codes(codes) => {
                let bins: Vec<usize> = (0..codes.len()).filter(|_| dice.throw(3) == 0).collect();
                (json!({"one_of": bins}), false)
            }
        }
    }

    /// Values on and next to cuts, infinite and missing ones; categories with and without a bin.
    #[expect(clippy::cast_possible_truncation, reason = "the nearest f32 to a cut is on one of its sides")]
    fn values(&self) -> Vec<f32> {
        match self {
            Self::Cuts(cuts) => {
                let around = |cut: &f64| [*cut as f32, (*cut as f32).next_up(), (*cut as f32).next_down()];
                let special = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, f32::MAX, f32::MIN];
                let values = cuts.iter().flat_map(around).chain(special);
                // LightGBM takes what is nearer to 0 as 0.
                values.filter(|value| value.is_nan() || value.abs() == 0.0 || value.abs() > 1e-35).collect()
            }
            Self::Codes(codes) => {
                let codes = codes.iter().map(|code| u16::try_from(*code).map_or(70_000.0, f32::from));
                codes.chain([f32::NAN, 85.0, 90.0, 69_999.0, 70_001.0, 16_777_215.0, -1.0]).collect()
            }
        }
    }
}

/// Leaves split one after the other, at places and on features by chance.
fn tree(dice: &mut Dice, features: &[Feature], splits: usize) -> Value {
    let mut grown: Vec<Value> = Vec::new();
    // The split and the side that lead to each leaf.
    let mut ways: Vec<Option<(usize, &str)>> = vec![None];
    for next in 0..splits {
        let leaf = usize::try_from(dice.throw(ways.len() as u64)).unwrap();
        if let Some((split, side)) = ways[leaf] {
            grown[split][side] = json!({"split": next});
        }
        let feature = usize::try_from(dice.throw(features.len() as u64)).unwrap();
        let (test, missing_left) = features[feature].test(dice);
        let (left, right) = (json!({"leaf": leaf}), json!({"leaf": ways.len()}));
        let split = json!({"feature": feature, "test": test, "missing_left": missing_left, "left": left, "right": right, "gain": 0.5});
        grown.push(split);
        ways[leaf] = Some((next, "left"));
        ways.push(Some((next, "right")));
    }
    let leaf = |dice: &mut Dice| json!({"value": i64::try_from(dice.throw(1 << 22)).unwrap() - (1 << 21), "rows": dice.throw(400)});
    json!({"splits": grown, "leaves": ways.iter().map(|_| leaf(dice)).collect::<Vec<_>>()})
}

/// A model made by chance, with base score, slope and offset.
fn made_up(trees: usize, [base_score, slope, offset]: [f64; 3]) -> Gbdt {
    let mut dice = Dice(trees as u64);
    let features = Feature::all();
    let mut file: Value = serde_json::from_slice(&Gbdt::from_lightgbm_text(STUMP).unwrap().to_bytes()).unwrap();
    let names = ["visits per day", "region", "plan: {id}", "visits_per_day", "größe"];
    file["features"] = features.iter().zip(names).map(|(feature, name)| feature.written(name)).collect();
    file["trees"] = (0..trees).map(|_| tree(&mut dice, &features, 30)).collect();
    file["leaf_bits"] = json!(24);
    file["base_score"] = json!(base_score);
    file["calibration"] = json!({"slope": slope, "offset": offset});
    Gbdt::from_bytes(&serde_json::to_vec(&file).unwrap()).unwrap()
}

/// Rows for made-up models, by column.
fn made_up_columns(rows: usize) -> Vec<Vec<f32>> {
    let mut dice = Dice(5);
    let values = |feature: &Feature| feature.values();
    let column = |values: Vec<f32>| (0..rows).map(|_| dice.pick(&values)).collect();
    Feature::all().iter().map(values).map(column).collect()
}

fn write_csv(path: PathBuf, columns: &[Vec<f32>]) {
    let row =
        |row: usize| columns.iter().map(|column| format!("{:?}", f64::from(column[row]))).collect::<Vec<_>>().join(",");
    let lines: Vec<String> = (0..columns[0].len()).map(row).collect();
    fs::write(path, lines.join("\n")).unwrap();
}

/// What `LightGBM` said: for each row the raw score, the probability, contributions and the expected score.
fn predictions(case: &Path) -> Vec<Vec<f64>> {
    let text = fs::read_to_string(case.join("predictions.csv")).unwrap();
    text.lines().map(|line| line.split(',').map(|number| number.parse().unwrap()).collect()).collect()
}

/// The largest differences between what both sides say.
#[derive(Debug, Default)]
struct Differences {
    raw: f64,
    probability: f64,
    contribution: f64,
}

/// Compares with what `LightGBM` said of the same rows. Its raw scores are ours before the slope that `sigmoid` is.
fn compare(model: &Gbdt, columns: &[Vec<f32>], case: &Path, slope: f64) -> Differences {
    let table = Table::new(model.feature_names().to_vec(), columns.to_vec()).unwrap();
    let (raw, probabilities, contributions) =
        (model.raw_scores(&table), model.probabilities(&table), model.contributions(&table));
    let mut largest = Differences::default();
    let theirs = predictions(case);
    assert_eq!(theirs.len(), table.rows());
    for (row, theirs) in theirs.iter().enumerate() {
        assert_eq!(theirs.len(), columns.len() + 3);
        let ours = contributions.features.iter().map(|column| column[row]).chain([contributions.expected]);
        for (ours, theirs) in ours.zip(&theirs[2..]) {
            assert!(theirs.is_finite());
            largest.contribution = largest.contribution.max((ours / slope - theirs).abs());
        }
        largest.raw = largest.raw.max((raw[row] / slope - theirs[0]).abs());
        largest.probability = largest.probability.max((probabilities[row] - theirs[1]).abs());
    }
    largest
}

#[test]
fn lightgbm_scores_and_explains_our_models_as_we_do() {
    let Some(python) = python() else { return };
    let directory = tempfile::tempdir().unwrap();
    let columns = made_up_columns(2000);
    // Base scores that leaf units measure exactly leave nothing to round.
    let models = [
        ("exact", made_up(40, [-1.25, 1.0, 0.0]), 0.0),
        ("rounded", made_up(41, [-2.944_438_979_166_440_3, 1.0, 0.0]), 1e-13),
        ("calibrated", made_up(42, [-1.1, 0.83, 0.17]), 1e-13),
        ("without_trees", made_up(0, [-1.1, 2.0, 0.3]), 0.0),
    ];
    let case = |name: &str| directory.path().join("written").join(name);
    for (name, model, _) in &models {
        fs::create_dir_all(case(name)).unwrap();
        fs::write(case(name).join("model.txt"), model.to_lightgbm_text()).unwrap();
        write_csv(case(name).join("rows.csv"), &columns);
    }
    run(&python, directory.path());
    for (name, model, most) in &models {
        let found = compare(model, &columns, &case(name), 1.0);
        assert!(found.raw <= *most && found.probability < 1e-14 && found.contribution < 1e-9, "{name}: {found:?}");
    }
}

/// Rows by column: a number that is sometimes missing, categories (codes to 84, now and then 70,000), a number that is
/// always there, categories few enough for one-hot tests, and the label. `fresh` adds values that training never saw.
fn data(rows: usize, fresh: bool) -> Vec<Vec<f32>> {
    let mut dice = Dice(if fresh { 11 } else { 3 });
    let mut columns = vec![Vec::new(); 5];
    for _ in 0..rows {
        let number = if dice.throw(5) == 0 { f32::NAN } else { dice.unit() * 6.0 - 3.0 };
        let number =
            if fresh { dice.pick(&[number, number, f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0]) } else { number };
        let seen = f32::from(u8::try_from(dice.throw(85)).unwrap());
        let category = if dice.throw(30) == 0 { 70_000.0 } else { seen };
        let category =
            if fresh { dice.pick(&[category, category, 85.0, 99.0, f32::NAN, -1.0, 70_001.0]) } else { category };
        let steady = dice.unit() * 2.0 - 1.0;
        let steady = if fresh { dice.pick(&[steady, steady, f32::NAN, 0.0]) } else { steady };
        let few = dice.pick(&[0.0, 1.0, 2.0]);
        let odds =
            if number.is_nan() { 1.0 } else { number } + if category % 3.0 > 1.5 { 1.0 } else { -1.0 } + steady + few
                - 1.0;
        let label = f32::from(u8::from(odds > dice.unit() * 4.0 - 2.0));
        for (column, value) in columns.iter_mut().zip([number, category, steady, few, label]) {
            column.push(value);
        }
    }
    columns
}

#[test]
fn models_that_lightgbm_trained_score_the_same_here() {
    let Some(python) = python() else { return };
    let directory = tempfile::tempdir().unwrap();
    let small = json!({"num_leaves": 15, "learning_rate": 0.1, "min_data_per_group": 5, "cat_smooth": 1.0});
    let with = |more: Value| {
        let mut params = small.clone();
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        params
    };
    let cases = [
        ("plain", with(json!({})), 1.0),
        ("sigmoid_2", with(json!({"sigmoid": 2.0})), 2.0),
        ("missing_as_0", with(json!({"use_missing": false})), 1.0),
        ("dart_and_bagging", with(json!({"boosting": "dart", "bagging_fraction": 0.5, "bagging_freq": 1})), 1.0),
        ("goss", with(json!({"data_sample_strategy": "goss"})), 1.0),
        ("stumps", with(json!({"min_data_in_leaf": 100_000})), 1.0),
    ];
    let (train, fresh) = (data(3000, false), data(2000, true));
    let columns = &fresh[..4];
    let case = |group: &str, name: &str| directory.path().join(group).join(name);
    for (name, params, _) in &cases {
        let case = case("trained", name);
        fs::create_dir_all(&case).unwrap();
        write_csv(case.join("train.csv"), &train);
        write_csv(case.join("rows.csv"), columns);
        let settings = json!({"rounds": 40, "categorical": [1, 3], "params": params});
        fs::write(case.join("params.json"), settings.to_string()).unwrap();
    }
    run(&python, directory.path());
    for (name, _, slope) in &cases {
        let model = import(&case("trained", name)).unwrap();
        let found = compare(&model, columns, &case("trained", name), *slope);
        assert!(found.raw <= 1e-6 && found.probability <= 1e-6 && found.contribution <= 1e-6, "{name}: {found:?}");
        // And back again.
        let case = case("written", name);
        fs::create_dir_all(&case).unwrap();
        fs::write(case.join("model.txt"), model.to_lightgbm_text()).unwrap();
        write_csv(case.join("rows.csv"), columns);
    }
    fs::remove_dir_all(directory.path().join("trained")).unwrap();
    run(&python, directory.path());
    for (name, ..) in &cases {
        let model = import(&case("written", name)).unwrap();
        let found = compare(&model, columns, &case("written", name), 1.0);
        assert!(found.raw <= 0.0 && found.contribution <= 1e-9, "{name}: {found:?}");
    }
}

#[test]
fn what_cannot_be_imported_from_lightgbm_is_explained() {
    let Some(python) = python() else { return };
    let directory = tempfile::tempdir().unwrap();
    let case = |name: &str| directory.path().join("refused").join(name);
    let cases = [
        ("zero", json!({"zero_as_missing": true}), "takes 0 as missing in `Column_"),
        ("linear", json!({"linear_tree": true}), "linear models in its leaves"),
        ("forest", json!({"boosting": "rf", "bagging_fraction": 0.5, "bagging_freq": 1}), "averages its trees"),
        ("regression", json!({"objective": "regression"}), "only `binary`"),
        ("classes", json!({"objective": "multiclass", "num_class": 2}), "has 2 classes"),
        (
            "bins",
            json!({"max_bin": 1000, "min_data_in_bin": 1, "num_leaves": 1000, "min_data_in_leaf": 1}),
            "at most 254",
        ),
    ];
    let train = data(1500, false);
    for (name, params, _) in &cases {
        fs::create_dir_all(case(name)).unwrap();
        write_csv(case(name).join("train.csv"), &train);
        let settings = json!({"rounds": 4, "categorical": [], "params": params});
        fs::write(case(name).join("params.json"), settings.to_string()).unwrap();
    }
    run(&python, directory.path());
    for (name, _, reason) in &cases {
        let error = import(&case(name)).unwrap_err().to_string();
        assert!(error.contains(reason), "{name}: {error}");
    }
}

/// The model that the text in the directory of a case gives.
fn import(case: &Path) -> Result<Gbdt, LightGbmTextError> {
    Gbdt::from_lightgbm_text(&fs::read_to_string(case.join("model.txt")).unwrap())
}
