//! `segment-bot features list|describe|verify`, run as people run them.

use std::{path::Path, process::Output};

use segment_bot::features::{ColumnRole, Snapshot};
use serde_json::Value;

use crate::support::{
    command::{finished, segment_bot},
    sample::{LAST_DAY, make},
};

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let place = format!("file://{}", folder.display());
    let mut command = segment_bot();
    command
        .envs([("SEGMENT_LAKE", &place), ("SEGMENT_STORE", &place)])
        .env("SEGMENT_CATALOG", folder.join("catalog.toml"))
        .arg("features")
        .args(arguments);
    finished(command)
}

#[tokio::test(flavor = "multi_thread")]
async fn features_are_listed_in_words_and_a_damaged_snapshot_is_found() {
    let sample = make(500).await;
    let folder = sample.folder.path();

    let listed = run(folder, &["list", "--json"]);
    let meanings: Vec<Value> = serde_json::from_slice(&listed.stdout).unwrap();
    let named: Vec<&str> = meanings.iter().map(|meaning| meaning["name"].as_str().unwrap()).collect();
    let declared = sample.catalog.features.iter().chain(&sample.catalog.rhythm).map(|decl| decl.name.as_str());
    assert_eq!(named, ["age", "gender", "region"].into_iter().chain(declared).collect::<Vec<_>>());
    for words in ["/words/ja", "/words/en", "/unit/ja", "/unit/en", "/null/ja", "/null/en"] {
        assert!(
            meanings.iter().all(|meaning| !meaning.pointer(words).unwrap().as_str().unwrap().is_empty()),
            "{words}"
        );
    }
    // Every column that a snapshot has besides ids and conversions is listed.
    let snapshot = Snapshot::open(&sample.store, &sample.catalog, LAST_DAY).await.unwrap();
    let columns: Vec<&str> =
        meanings.iter().flat_map(|meaning| meaning["columns"].as_array().unwrap()).filter_map(Value::as_str).collect();
    for decl in sample.catalog.features.iter().chain(&sample.catalog.rhythm) {
        for column in snapshot.manifest().columns.iter().filter(|column| column.feature == decl.name) {
            let listed = column.name.split_once(':').map(|(stem, _)| format!("{stem}:<category>"));
            assert!(columns.contains(&listed.as_deref().unwrap_or(&column.name)), "{}", column.name);
        }
    }

    let days = Snapshot::days(&sample.store).await.unwrap();
    let whole = run(folder, &["verify"]);
    assert!(whole.status.success());
    assert_eq!(String::from_utf8(whole.stdout).unwrap().lines().count(), days.len());

    let part = &snapshot.manifest().parts[0].key;
    let mut bytes = std::fs::read(folder.join(part)).unwrap();
    bytes[100] ^= 1;
    std::fs::write(folder.join(part), bytes).unwrap();
    let damaged = run(folder, &["verify"]);
    assert_eq!(damaged.status.code(), Some(1));
    assert_eq!(String::from_utf8(damaged.stdout).unwrap().lines().count(), days.len() - 1);
    assert_eq!(
        String::from_utf8(damaged.stderr).unwrap().trim_end(),
        format!(
            "error: the snapshot of {LAST_DAY} is damaged: `{part}` is not what was written; run `segment-bot features build --as-of {LAST_DAY} --again`"
        )
    );

    let day = LAST_DAY.to_string();
    assert!(run(folder, &["build", "--as-of", &day, "--again"]).status.success());
    assert!(run(folder, &["verify", "--as-of", &day]).status.success());

    let absent = run(folder, &["verify", "--as-of", "2020-01-01"]);
    assert_eq!(absent.status.code(), Some(1));
    assert!(String::from_utf8(absent.stderr).unwrap().contains("there is no snapshot of 2020-01-01"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_is_described_and_compared_with_the_one_before() {
    let sample = make(500).await;
    let (folder, day) = (sample.folder.path(), LAST_DAY.to_string());
    let snapshot = Snapshot::open(&sample.store, &sample.catalog, LAST_DAY).await.unwrap();
    let days = Snapshot::days(&sample.store).await.unwrap();
    let described: Value = serde_json::from_slice(&run(folder, &["describe", "--json"]).stdout).unwrap();
    assert_eq!(described["people"], 500);
    assert_eq!(described["earlier"], days[days.len() - 2].to_string());
    let columns = described["columns"].as_array().unwrap();
    let rows = snapshot.manifest().columns.iter();
    let told = rows.filter(|column| matches!(column.role, ColumnRole::Profile | ColumnRole::Feature));
    assert_eq!(columns.len(), told.count());
    let stable = columns.iter().filter(|column| column["psi"].as_f64().is_some_and(|psi| psi.abs() < 0.5)).count();
    assert!(stable * 2 > columns.len(), "the same people a few weeks later are much the same");
    let gender = columns.iter().find(|column| column["column"]["name"] == "gender").unwrap();
    let texts = gender["values"]["texts"].as_array().unwrap();
    let known: u64 = texts.iter().map(|text| text[1].as_u64().unwrap()).sum();
    assert_eq!(known + gender["missing"].as_u64().unwrap(), 500);
    let table = String::from_utf8(run(folder, &["describe", "--as-of", &day]).stdout).unwrap();
    assert!(table.starts_with(&format!("Snapshot of {LAST_DAY}: 500 people.")), "{table}");
    assert!(table.lines().any(|line| line.trim_start().starts_with("age ")), "{table}");
}
