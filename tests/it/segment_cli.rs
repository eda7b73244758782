//! `segment-bot segment create`, as a script runs it.

use serde_json::Value;

use crate::support::{
    command::{finished, segment_bot},
    sample::{make, sample},
};

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_the_thread_says_is_said_as_json() {
    let (sample, out) = (sample().await, tempfile::tempdir().unwrap());
    let place = format!("file://{}", sample.folder.path().display());
    let mut command = segment_bot();
    command
        .envs([("SEGMENT_LAKE", &place), ("SEGMENT_STORE", &place)])
        .env("SEGMENT_CATALOG", sample.folder.path().join("catalog.toml"))
        .args(["segment", "create", "--product", "skincare", "--age", "25-39", "--size", "300", "--json", "--out"])
        .arg(out.path());
    let said = tokio::task::spawn_blocking(move || finished(command)).await.unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let said: Value = serde_json::from_slice(&said.stdout).unwrap();
    let number = |name: &str| said[name].as_f64().unwrap_or_else(|| panic!("{name}: {said}"));
    assert!(number("auc_low") <= number("auc") && number("auc") <= number("auc_high"));
    assert!(0.0 <= number("expected_low") && number("expected_low") <= number("expected"));
    assert!(number("expected") <= number("expected_high"));
    assert_eq!(said["delivered"], 300);
    assert_eq!(said["eligible"], said["summary"]["waterfall"]["eligible"]);
    assert!(number("age_unknown") > 0.0, "some of the sample's people have no age");
    let rows = std::fs::read_to_string(out.path().join("segment.csv")).unwrap().lines().count();
    assert_eq!(rows, 301);
}

#[tokio::test(flavor = "multi_thread")]
async fn models_are_trained_before_anybody_asks_and_once_only() {
    let (sample, out) = (make(6_000).await, tempfile::tempdir().unwrap());
    let place = format!("file://{}", sample.folder.path().display());
    let catalog = sample.folder.path().join("catalog.toml");
    let said = |line: &str| {
        let mut command = segment_bot();
        command.envs([("SEGMENT_LAKE", &place), ("SEGMENT_STORE", &place)]).env("SEGMENT_CATALOG", &catalog);
        command.arg("segment").args(line.split_whitespace());
        async move {
            let output = tokio::task::spawn_blocking(move || finished(command)).await.unwrap();
            String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
        }
    };
    let first = said("warm").await;
    assert!(first.contains("skincare: trained model"), "{first}");
    assert!(first.contains("kimono: only 0 of 50 conversions"), "too few is no reason to stop: {first}");
    let again = said("warm --product skincare").await;
    assert!(again.contains("skincare: model ") && again.contains(" is there"), "{again}");
    let built = said(&format!("create --product skincare --size 200 --out {}", out.path().display())).await;
    assert!(built.contains("(reused)"), "{built}");
    assert!(said("warm --product tea").await.contains("the catalog has no product `tea`"));
}
