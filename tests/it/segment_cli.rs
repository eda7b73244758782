//! `segment-bot segment create`, as a script runs it.

use serde_json::Value;

use crate::support::{
    command::{finished, segment_bot},
    sample::sample,
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
