//! `segment-bot features list|verify`, run as people run them.

use std::{
    path::Path,
    process::{Command, Output},
};

use segment_bot::features::Snapshot;
use serde_json::Value;

use crate::support::sample::{LAST_DAY, make};

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let place = format!("file://{}", folder.display());
    Command::new(env!("CARGO_BIN_EXE_segment-bot"))
        .env_clear()
        .envs([("SEGMENT_LAKE", &place), ("SEGMENT_STORE", &place)])
        .env("SEGMENT_CATALOG", folder.join("catalog.toml"))
        .arg("features")
        .args(arguments)
        .output()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn features_are_listed_in_words_and_a_damaged_snapshot_is_found() {
    let sample = make(500).await;
    let folder = sample.folder.path();

    let listed = run(folder, &["list", "--json"]);
    let meanings: Vec<Value> = serde_json::from_slice(&listed.stdout).unwrap();
    let named: Vec<&str> = meanings.iter().map(|meaning| meaning["name"].as_str().unwrap()).collect();
    let declared = sample.catalog.features.iter().map(|decl| decl.name.as_str());
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
    for decl in &sample.catalog.features {
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
