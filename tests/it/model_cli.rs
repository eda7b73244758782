//! `segment-bot model …`, run as people run it: files in, files and words out, nothing lost on the way.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs::{self, File},
    io::Write as _,
    path::Path,
    process::{Command, Output},
};

use gbdt::{FeatureBins, Gbdt, Table, sigmoid};
use polars::{
    df,
    prelude::{DataFrame, ParquetReader, ParquetWriter, SerReader as _},
};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::command::{finished, segment_bot};

const TOWNS: [&str; 4] = ["Kyoto, Fu", "Osaka", "Sendai", "Ube"];

/// One person of the made-up tables.
struct Row {
    id: usize,
    age: Option<f64>,
    visits: i64,
    town: Option<&'static str>,
    plan: i64,
    member: bool,
    bought: bool,
}

/// Uniform in `0.0..1.0`, a function of its arguments.
fn noise(seed: u64, index: usize) -> f64 {
    let mut bits = (index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ seed.wrapping_mul(0xd6e8_feb8_6659_fd93);
    for _ in 0..2 {
        bits = (bits ^ (bits >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    }
    f64::from(u32::try_from(bits >> 40).unwrap()) / f64::from(1_u32 << 24)
}

/// A whole number in `0..below`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and not negative")]
fn dice(seed: u64, index: usize, below: u32) -> usize {
    (noise(seed, index) * f64::from(below)) as usize
}

fn people(count: usize) -> Vec<Row> {
    let person = |id: usize| {
        let visits = i64::try_from(dice(1, id, 20)).unwrap();
        let town = (noise(2, id) > 0.1).then(|| TOWNS[dice(3, id, 4)]);
        let plan = i64::try_from(dice(4, id, 3)).unwrap() + 1;
        let age = (noise(5, id) > 0.2).then(|| 18.0 + (noise(6, id) * 600.0).floor() / 10.0);
        let likes = if town == Some("Osaka") { 1.5 } else { 0.0 } + if plan == 2 { 1.0 } else { 0.0 };
        #[expect(clippy::cast_precision_loss, reason = "below 20")]
        let log_odds = visits as f64 / 4.0 - 4.0 + likes;
        Row { id, age, visits, town, plan, member: noise(7, id) > 0.5, bought: noise(8, id) < sigmoid(log_odds) }
    };
    (1..=count).map(person).collect()
}

fn csv(people: &[Row]) -> String {
    let mut text = "id,age,visits,town,plan,member,bought\n".to_owned();
    for Row { id, age, visits, town, plan, member, bought } in people {
        let age = age.map(|age| age.to_string()).unwrap_or_default();
        let town = town.map(|town| if town.contains(',') { format!("\"{town}\"") } else { town.to_owned() });
        let (town, bought) = (town.unwrap_or_default(), u8::from(*bought));
        writeln!(text, "{id},{age},{visits},{town},{plan},{member},{bought}").unwrap();
    }
    text
}

fn write_parquet(people: &[Row], path: &Path) {
    let mut frame = df![
        "id" => people.iter().map(|row| row.id as u64).collect::<Vec<_>>(),
        "age" => people.iter().map(|row| row.age).collect::<Vec<_>>(),
        "visits" => people.iter().map(|row| row.visits).collect::<Vec<_>>(),
        "town" => people.iter().map(|row| row.town).collect::<Vec<_>>(),
        "plan" => people.iter().map(|row| row.plan).collect::<Vec<_>>(),
        "member" => people.iter().map(|row| row.member).collect::<Vec<_>>(),
        "bought" => people.iter().map(|row| i64::from(row.bought)).collect::<Vec<_>>(),
    ]
    .unwrap();
    let file = File::create(path).unwrap();
    ParquetWriter::new(file).with_row_group_size(Some(700)).finish(&mut frame).unwrap();
}

/// A folder with `rows.csv` and `rows.parquet`, in which commands run.
struct Folder(TempDir);

impl Folder {
    fn with_people(count: usize) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        let people = people(count);
        folder.write("rows.csv", &csv(&people));
        write_parquet(&people, &folder.0.path().join("rows.parquet"));
        folder
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.path().join(name)).unwrap()
    }

    fn names(&self) -> BTreeSet<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    fn command(&self, line: &str) -> Command {
        let mut command = segment_bot();
        command.current_dir(self.0.path()).arg("model").args(line.split_whitespace());
        command
    }

    fn run(&self, line: &str) -> Output {
        finished(self.command(line))
    }

    /// What a command that succeeds says on stdout.
    fn said(&self, line: &str) -> String {
        let output = self.run(line);
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.said(line)).unwrap()
    }

    /// What a command that fails with exit code 1 says on stderr; it says nothing on stdout.
    fn error(&self, line: &str) -> String {
        let output = self.run(line);
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), &b""[..]), "{line}");
        String::from_utf8(output.stderr).unwrap().trim_end().to_owned()
    }

    fn trained(&self) -> Value {
        self.json(&format!("train --data rows.csv --out model.json {TRAIN} --json"))
    }

    fn model(&self) -> Gbdt {
        Gbdt::from_bytes(&self.read("model.json")).unwrap()
    }

    /// The log-odds in a CSV of scores.
    fn log_odds(&self, name: &str) -> Vec<f64> {
        let mut reader = csv::Reader::from_path(self.0.path().join(name)).unwrap();
        reader.records().map(|record| record.unwrap()[2].parse().unwrap()).collect()
    }
}

const TRAIN: &str = "--label bought --ignore id --categorical plan --trees 40 --learning-rate 0.1";

/// The people as the model wants them, built without the code that reads files.
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "features are f32")]
fn table(people: &[Row], model: &Gbdt) -> Table {
    let FeatureBins::Categorical(towns) = &model.bins()[2] else { panic!("towns are categories") };
    let code_of = |town: &str| {
        let place = towns.names().iter().position(|name| name == town).unwrap();
        towns.codes()[place] as f32
    };
    let column = |value: &dyn Fn(&Row) -> f32| people.iter().map(value).collect();
    let columns = vec![
        column(&|row| row.age.map_or(f32::NAN, |age| age as f32)),
        column(&|row| row.visits as f32),
        column(&|row| row.town.map_or(f32::NAN, code_of)),
        column(&|row| row.plan as f32),
        column(&|row| f32::from(u8::from(row.member))),
    ];
    Table::new(["age", "visits", "town", "plan", "member"].map(str::to_owned).to_vec(), columns).unwrap()
}

#[test]
fn csv_and_parquet_give_the_same_model_and_the_model_s_own_scores() {
    let folder = Folder::with_people(3000);
    let report = folder.trained();
    let positives = people(3000).iter().filter(|row| row.bought).count();
    assert_eq!((&report["rows"], &report["features"]), (&3000.into(), &5.into()));
    assert_eq!((&report["positives"], &report["negatives_kept"]), (&positives.into(), &1.0.into()));
    assert_eq!(report["model_bytes"], folder.read("model.json").len());
    assert!(report["validation_loss"].as_f64().unwrap() < 0.6 && report["fit_cpu_seconds"].as_f64().is_some());
    folder.said(&format!("train --data rows.parquet --out other.json {TRAIN}"));
    assert!(folder.read("model.json") == folder.read("other.json"), "the formats give different models");

    let report =
        folder.json("score --model model.json --data rows.csv --out csv.csv --id id --json --measure-prebinned");
    assert_eq!(report["rows"], 3000);
    assert!(report["prebinned_cpu_seconds"].is_number() && report["score_wall_seconds"].is_number());
    folder.said("score --model model.json --data rows.parquet --out parquet.csv --id id");
    assert_eq!(folder.read("csv.csv"), folder.read("parquet.csv"));
    let model = folder.model();
    let expected = model.raw_scores(&table(&people(3000), &model));
    assert_eq!(folder.log_odds("csv.csv"), expected);

    let mut packed = flate2::write::GzEncoder::new(
        File::create(folder.0.path().join("packed.csv.gz")).unwrap(),
        flate2::Compression::fast(),
    );
    packed.write_all(&folder.read("rows.csv")).unwrap();
    packed.finish().unwrap();
    folder.said("score --model model.json --data packed.csv.gz --out scores.parquet");
    let scores: DataFrame =
        ParquetReader::new(File::open(folder.0.path().join("scores.parquet")).unwrap()).finish().unwrap();
    let rows: Vec<u64> = scores.column("row").unwrap().u64().unwrap().into_no_null_iter().collect();
    assert_eq!((rows[0], rows[2999]), (1, 3000));
    let log_odds: Vec<f64> = scores.column("log_odds").unwrap().f64().unwrap().into_no_null_iter().collect();
    let probability = scores.column("probability").unwrap().f64().unwrap().get(7).unwrap();
    assert_eq!((&log_odds, probability), (&expected, sigmoid(expected[7])));
}

#[test]
fn the_number_of_threads_changes_no_byte() {
    let folder = Folder::with_people(2500);
    let bytes_with = |threads: usize| {
        folder.said(&format!(
            "train --data rows.parquet --out model.json {TRAIN} --row-fraction 0.7 --threads {threads}"
        ));
        folder.said(&format!("score --model model.json --data rows.parquet --out scores.csv --threads {threads}"));
        folder.said(&format!("score --model model.json --data rows.csv --out scores.parquet --threads {threads}"));
        ["model.json", "scores.csv", "scores.parquet"].map(|name| folder.read(name))
    };
    let one = bytes_with(1);
    assert!([2, 4].into_iter().all(|threads| bytes_with(threads) == one));
}

#[test]
fn options_reach_the_booster() {
    let folder = Folder::with_people(2000);
    let line = "train --data rows.csv --validation rows.parquet --label bought --out model.json --trees 7 --leaves 5 \
                --depth 3 --learning-rate 0.2 --l1 0.5 --l2 2 --child-weight-min 4 --feature-fraction 0.9 \
                --goss-top 0.4 --goss-rest 0.3 --negatives-per-positive 1 --patience 5 --rising visits,age --seed 9 \
                --ignore id,town --numeric visits --weight plan";
    let report = folder.json(&format!("{line} --json"));
    assert!(report["negatives_kept"].as_f64().unwrap() < 1.0);
    let shown = folder.json("show --model model.json --json");
    insta::assert_snapshot!(shown["params"], @r#"{"bins_max":255,"categories_max":32,"category_l2":10.0,"category_smoothing":10.0,"category_weight_min":3.0,"child_weight_min":4.0,"depth_max":3,"feature_fraction":0.9,"gain_min":0.0,"goss_rest":0.3,"goss_top":0.4,"l1":0.5,"l2":2.0,"learning_rate":0.2,"leaves_max":5,"monotone":{"age":"rising","visits":"rising"},"negatives_per_positive":1.0,"patience":5,"refit":true,"row_fraction":1.0,"seed":9,"trees_max":7,"validation_fraction":0.2}"#);
    let features: Vec<&str> =
        shown["features"].as_array().unwrap().iter().map(|feature| feature["name"].as_str().unwrap()).collect();
    assert_eq!(features, ["age", "visits", "member"]);
    assert_eq!(shown["evaluation"], Value::Null);
}

#[test]
fn a_model_is_shown_and_judged() {
    let folder = Folder::with_people(3000);
    folder.trained();
    let shown = folder.json("show --model model.json --data rows.parquet --label bought --json");
    let judged = &shown["evaluation"];
    assert_eq!(judged["rows"], 3000);
    let auc = judged["auc"].as_f64().unwrap();
    assert!(auc > 0.75 && judged["auc_low"].as_f64().unwrap() < auc && judged["auc_high"].as_f64().unwrap() > auc);
    assert!(judged["lift"][2]["percent"] == 10 && judged["lift"][2]["lift"].as_f64().unwrap() > 1.5);
    assert_eq!(judged["reliability"].as_array().unwrap().len(), 10);
    let features = shown["features"].as_array().unwrap();
    let number = |feature: &Value, name: &str| feature[name].as_f64().unwrap();
    assert!((features.iter().map(|feature| number(feature, "gain_share")).sum::<f64>() - 1.0).abs() < 1e-9);
    assert!(features.iter().all(|feature| number(feature, "mean_absolute_contribution") >= 0.0));
    assert!(number(&features[1], "mean_absolute_contribution") > number(&features[4], "mean_absolute_contribution"));
    let kinds: Vec<&str> = features.iter().map(|feature| feature["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["numeric", "numeric", "categorical", "categorical", "numeric"]);
    assert_eq!((&features[2]["categories"], &features[2]["cuts"]), (&4.into(), &Value::Null));
    let words = folder.said("show --model model.json --data rows.csv --label bought");
    for part in ["AUC", "visits", "4 categories", "Predicted and observed", "calibration", "trees_max 40"] {
        assert!(words.contains(part), "{part} is not in {words}");
    }
}

#[test]
fn a_model_that_lightgbm_could_read_comes_back_with_its_names() {
    let folder = Folder::with_people(3000);
    folder.trained();
    let said = folder.said("export --model model.json --out model.txt");
    assert!(said.contains("Wrote model.txt.categories.json"), "{said}");
    let names: Value = serde_json::from_slice(&folder.read("model.txt.categories.json")).unwrap();
    insta::assert_snapshot!(names, @r#"{"town":{"categories":{"0":"Kyoto, Fu","1":"Osaka","2":"Sendai","3":"Ube"},"name":"town"}}"#);
    folder.said("import --lightgbm model.txt --out again.json");
    for (model, scores) in [("model.json", "first.csv"), ("again.json", "second.csv")] {
        folder.said(&format!("score --model {model} --data rows.csv --out {scores}"));
    }
    let (first, second) = (folder.log_odds("first.csv"), folder.log_odds("second.csv"));
    let apart = first.iter().zip(&second).map(|(one, other)| (one - other).abs()).fold(0.0, f64::max);
    assert!(first.len() == 3000 && apart < 1e-6, "{apart}");
    folder.write("model.txt", "treehouse\n");
    insta::assert_snapshot!(folder.error("import --lightgbm model.txt --out again.json"), @r"
    error: model.txt is not a model that can be used
      because: this is not a LightGBM model: its first line is not `tree`
    ");
}

#[test]
fn unknown_categories_and_allowed_gaps_count_as_missing() {
    let folder = Folder::with_people(3000);
    folder.trained();
    folder.write(
        "new.csv",
        "visits,town,plan,member,age\n12,Atlantis,2,true,30\n12,,2,true,30\n12,Osaka,99,true,30\n12,Osaka,,true,30\n",
    );
    let output = folder.run("score --model model.json --data new.csv --out scores.csv");
    let scores = folder.log_odds("scores.csv");
    let [atlantis, unsaid, unknown_plan, no_plan] = scores[..] else { panic!("{scores:?}") };
    assert_eq!((atlantis, unknown_plan), (unsaid, no_plan));
    assert!(atlantis < unknown_plan, "{scores:?}");
    let warned = String::from_utf8(output.stderr).unwrap();
    assert!(warned.contains("column `town` of new.csv: 1 values are rare or unknown categories"), "{warned}");

    folder.write("short.csv", "visits,member\n12,true\n");
    insta::assert_snapshot!(folder.error("score --model model.json --data short.csv --out short_scores.csv"), @"error: short.csv lacks 3 columns that the model reads: `age`, `town`, `plan`; add them, or let them count as missing with --allow-missing-columns");
    assert!(!folder.names().contains("short_scores.csv"));
    folder.said("score --model model.json --data short.csv --out short_scores.csv --allow-missing-columns");
    folder.write("gaps.csv", "visits,member,age,town,plan\n12,true,,,\n");
    folder.said("score --model model.json --data gaps.csv --out gaps_scores.csv");
    assert_eq!(folder.read("short_scores.csv"), folder.read("gaps_scores.csv"));
    folder.write("none.csv", "visits,member,age,town,plan\n");
    folder.said("score --model model.json --data none.csv --out none_scores.csv");
    assert_eq!(folder.read("none_scores.csv"), b"row,probability,log_odds\n");
}

#[test]
fn a_table_that_cannot_be_learned_from_is_explained() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let error = |text: &str, options: &str| {
        folder.write("t.csv", text);
        folder.error(&format!("train --data t.csv --out m.json {options}"))
    };
    insta::assert_snapshot!(error("age,bought\n30,maybe\n", "--label bought"), @"error: the label `bought` of t.csv must be 0 or 1, but row 1 has `maybe`; write 1 where it happened and 0 where it did not");
    insta::assert_snapshot!(error("age,bought\n30,1\n31,0\n32,3\n", "--label bought"), @"error: the label `bought` of t.csv must have two values, but row 3 has 3 after 0 and 1 came before; write 1 where it happened and 0 where it did not");
    insta::assert_snapshot!(error("age,bought\n30,1\n31,\n", "--label bought"), @"error: the label `bought` of t.csv is missing in row 2; a row without an outcome cannot be learned from: fill it in or drop the row");
    insta::assert_snapshot!(error("age,bought\n30,0\n31,0\n", "--label bought"), @"error: the label `bought` of t.csv is 0 in all 2 rows; a model needs rows of both kinds to learn from");
    insta::assert_snapshot!(error("age,bought\n30,0\n31,1\n", "--label bougth"), @"error: t.csv has no column `bougth` (did you mean `bought`?); it has `age`, `bought`");
    insta::assert_snapshot!(error("day,bought\n2026-11-22,0\n2026-11-23,1\n", "--label bought"), @"error: column `day` of t.csv holds dates such as `2026-11-22`; a model learns nothing lasting from a point in time: turn it into a number, such as days before the day of scoring, or leave it out of training with --ignore day");
    insta::assert_snapshot!(error("age,bought\n30,0\ntea,1\n", "--label bought --numeric age"), @"error: column `age` of t.csv must hold numbers, but row 2 has `tea`; write a number there, or nothing where it is not known");
    insta::assert_snapshot!(error("age,w,bought\n30,1,0\n31,-2,1\n", "--label bought --weight w"), @"error: the weight `w` of t.csv must be a number of 0 or more in every row, but row 2 has -2");
    insta::assert_snapshot!(error("age,bought\n", "--label bought"), @"error: t.csv has no rows");
    insta::assert_snapshot!(error("age,bought\n30,0\n31,1\n", "--label bought --ignore age"), @"error: no column of t.csv is left to learn from");
    insta::assert_snapshot!(error("age,bought\n30,0\n31,1\n", "--label bought --ignore bought"), @"error: column `bought` is named by --label and by --ignore; it can be one of them only");
    insta::assert_snapshot!(error("age,bought\n30,0\n31,1\n", "--label bought --trees 0"), @r"
    error: an option has a value that cannot be used
      because: trees_max must be 1..=100000, not 0
    ");
    insta::assert_snapshot!(error("age,age\n30,0\n31,1\n", "--label age"), @"error: two columns of t.csv have the name `age`; rename one");
    assert_eq!(folder.names(), BTreeSet::from(["t.csv".to_owned()]));
}

#[test]
fn a_file_that_cannot_be_used_is_named_with_the_reason() {
    let folder = Folder::with_people(10);
    folder.write("broken.json", "{\"format_version\": 2, \"params\": ");
    insta::assert_snapshot!(folder.error("show --model broken.json"), @"
    error: broken.json is not a model that can be used
      because: the model file breaks off; is it the file that training wrote?
    ");
    insta::assert_snapshot!(folder.error("show --model nowhere.json"), @r"
    error: cannot read nowhere.json
      because: there is no such file or folder
    ");
    insta::assert_snapshot!(folder.error("train --data rows.txt --label bought --out m.json"), @"error: rows.txt: the name of a table must end with .parquet, .csv or .csv.gz");
    insta::assert_snapshot!(folder.error("train --data nowhere.csv --label bought --out m.json"), @"error: nowhere.csv: there is no such file or folder");
    insta::assert_snapshot!(folder.error("train --data rows.csv --label bought --out nowhere/m.json"), @"error: cannot write nowhere/m.json: there is no folder nowhere");
    insta::assert_snapshot!(folder.error("train --data rows.csv --label bought --out rows.csv"), @"error: rows.csv is read by this very command; write to another file");
    folder.write("rows.parquet", "no Parquet");
    let error = folder.error("train --data rows.parquet --label bought --out m.json");
    assert!(error.starts_with("error: rows.parquet cannot be decoded: the file is damaged"), "{error}");
    let usage = folder.run("train --data rows.csv --label bought --out m.json --goss-top 0.1");
    assert_eq!(usage.status.code(), Some(2));
    assert_eq!(folder.names(), ["broken.json", "rows.csv", "rows.parquet"].map(str::to_owned).into());
}

#[test]
fn a_signal_ends_training_and_leaves_what_was_there() {
    let folder = Folder::with_people(3000);
    folder.write("model.json", "an older model");
    let before = folder.names();
    let line =
        "train --data rows.csv --label bought --out model.json --ignore id --trees 100000 --patience 0 --leaves 64";
    let training = folder.command(line).stderr(std::process::Stdio::piped()).spawn().unwrap();
    // A file on its way means that signals are heard.
    while folder.names() == before {
        std::thread::yield_now();
    }
    let process = nix::unistd::Pid::from_raw(i32::try_from(training.id()).unwrap());
    nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGINT).unwrap();
    let output = training.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(String::from_utf8(output.stderr).unwrap().trim_end(), @r"
    error: model.json was not written
      because: training was stopped
    ");
    assert_eq!((folder.names(), folder.read("model.json")), (before, b"an older model".to_vec()));
}

#[test]
fn two_numbers_are_a_label_and_doubtful_columns_are_mentioned() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let mut text = "age,sold\n".to_owned();
    for row in 0..400 {
        let age = if row == 6 { "young".to_owned() } else { dice(1, row, 40).to_string() };
        writeln!(text, "{age},{}", if dice(1, row, 40) > 20 { 2 } else { 1 }).unwrap();
    }
    folder.write("t.csv", &text);
    let output = folder.run("train --data t.csv --label sold --out m.json --trees 5");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("In the label, 2 is yes and 1 is no."), "{said}");
    let warned = String::from_utf8(output.stderr).unwrap();
    assert!(warned.contains("column `age` counts as categories because row 7 has `young`"), "{warned}");
    folder.write("t.csv", &text.replace("young", "NA"));
    folder.said("train --data t.csv --label sold --out m.json --trees 5");
    assert_eq!(folder.json("show --model m.json --json")["features"][0]["kind"], "numeric");
    folder.write("v.csv", "age,sold\n30,0\n31,1\n");
    insta::assert_snapshot!(folder.error("train --data t.csv --validation v.csv --label sold --out m.json"),
        @"error: yes is 2 in the label of the table to learn from and 1 in that of the validation table");
}

#[test]
fn whole_groups_or_the_latest_rows_say_what_a_model_is_worth() {
    let folder = Folder(tempfile::tempdir().unwrap());
    // Each person has eight rows with one outcome, which a model can learn by heart from the person's size alone.
    let mut text = "person,day,size,bought\n".to_owned();
    for row in 0..4_000 {
        let person = row / 8;
        let bought = if noise(11, person) < 0.3 { "yes" } else { "No" };
        writeln!(text, "p{person},2026-{:02}-{:02},{},{bought}", 1 + row % 9, 1 + row % 28, noise(12, person)).unwrap();
    }
    folder.write("rows.csv", &text);
    let train = |more: &str| {
        folder.json(&format!(
            "train --data rows.csv --label bought --ignore person --out m.json --leaves 63 --l2 0.1 {more} --json"
        ))
    };
    let auc = |report: &Value, of: &str| report[of]["value"].as_f64().unwrap();
    let by_rows = train("--holdout 0.25 --ignore day");
    assert!(auc(&by_rows, "holdout_auc") > 0.8, "the same people are on both sides: {by_rows}");
    let by_person = folder.json(
        "train --data rows.csv --label bought --group person --ignore day --out m.json --holdout 0.25 --leaves 63 --l2 0.1 --json",
    );
    assert!(auc(&by_person, "holdout_auc") < 0.65, "nothing tells new people apart: {by_person}");
    assert!((700..1_300).contains(&by_person["holdout_auc"]["rows"].as_u64().unwrap()));

    let by_time = train("--holdout 0.25 --time day");
    assert!((950..1_100).contains(&by_time["holdout_auc"]["rows"].as_u64().unwrap()), "{by_time}");
    assert!(by_time["validation_auc"]["low"].as_f64() <= by_time["validation_auc"]["value"].as_f64());
    folder.said("train --data rows.csv --label bought --group person --ignore day --out once.json --refit false");
    folder.said("train --data rows.csv --label bought --group person --ignore day --out again.json");
    let params = |file: &str| folder.json(&format!("show --model {file} --json"))["params"]["refit"].clone();
    assert_eq!((params("once.json"), params("again.json")), (false.into(), true.into()));
    let error = folder.error("train --data rows.csv --label bought --ignore day --out m.json --group nobody");
    assert!(error.contains("nobody"), "{error}");
    let error = folder.error("train --data rows.csv --label bought --ignore day --out m.json --holdout 0.9");
    insta::assert_snapshot!(error, @"
    error: m.json was not written
      because: --holdout is a share from 0 to 0.5, such as 0.2
    ");
}

#[test]
fn two_models_are_compared_on_the_same_rows() {
    let folder = Folder::with_people(3000);
    folder.trained();
    folder.said("train --data rows.csv --out few.json --label bought --ignore id,visits,town --trees 5");
    let compared = folder.json("compare model.json few.json --data rows.parquet --label bought --sizes 100,10% --json");
    let number = |name: &str| compared[name].as_f64().unwrap();
    assert!((number("auc_a") - number("auc_b") - number("auc_difference")).abs() < 1e-12);
    assert!(number("auc_difference_low") > 0.05 && number("auc_difference_high") < 0.5, "{compared}");
    let sizes = compared["sizes"].as_array().unwrap();
    assert_eq!((sizes[0]["rows"].as_u64(), sizes[1]["rows"].as_u64()), (Some(100), Some(300)));
    assert!(sizes.iter().all(|size| size["a"].as_u64() > size["b"].as_u64()), "{compared}");
    assert!(sizes[1]["difference_low"].as_f64().unwrap() > 0.0);
    let itself = folder.json("compare model.json model.json --data rows.csv --label bought --json");
    assert_eq!((itself["auc_difference_low"].as_f64(), itself["auc_difference_high"].as_f64()), (Some(0.0), Some(0.0)));
    let words = folder.said("compare model.json few.json --data rows.csv --label bought");
    assert!(words.contains("A over B") && words.contains("5%"), "{words}");
    let error = folder.error("compare model.json few.json --data rows.csv --label bought --sizes many");
    insta::assert_snapshot!(error, @"error: `many` is no size that can be counted; write 1 to 3,000 rows, or a share such as 5%");
}
