//! Large results: compressed above one size, and above another a link in the thread instead of a file.

use std::io::Read;

use bytes::Bytes;
use segment_bot::{
    app::Results,
    catalog::Limits,
    digest::sha256_hex,
    lake::{Store, StoreOptions},
    queue::{self, JobKind, Lease, NewRequest, Outcome, Request},
    segment::{Failure, Summary},
    slack::{ConfirmSettings, Delivery, deliver, notify},
    suppression,
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    lake::s3::{Server, inside, make_bucket, request},
    support::{
        requests::{claimed, new_request, now, summary},
        stage::{Stage, catalog},
    },
};

/// Compresses above 1,000 bytes, links above 10,000.
fn limits() -> Limits {
    Limits { gzip_over_bytes: 1_000, link_over_bytes: 10_000, link_days: 3, ..catalog().limits }
}

async fn store(url: &str, folder: &tempfile::TempDir) -> Store {
    let options = StoreOptions { cache_dir: folder.path().join("cache"), cache_bytes: 1 << 30, s3_path_style: true };
    Store::open(url, &options).await.unwrap()
}

/// A CSV of so many lines of 10 bytes.
fn csv(lines: usize) -> String {
    let lines: Vec<String> = (0..lines).map(|n| format!("{n:08},\n")).collect();
    lines.concat()
}

/// A finished build whose files are in `store`, and the lease on its delivery.
async fn built(stage: &Stage, store: &Store, click: &NewRequest, content: &str) -> (Request, Lease) {
    let request = queue::submit(&stage.pool, click).await.unwrap().request;
    let lease = claimed(&stage.pool, JobKind::Segment).await.unwrap();
    let mut files = Vec::new();
    for (name, content) in [("segment.csv", content), ("control.csv", "secret"), ("manifest.json", "{}")] {
        let key = format!("segments/{}/{name}", request.id);
        store.write(&key, Bytes::from(content.to_owned())).await.unwrap();
        files.push(json!({ "name": name, "bytes": content.len(), "sha256": sha256_hex(content) }));
    }
    let summary = Summary { files: serde_json::from_value(json!(files)).unwrap(), ..summary() };
    queue::settle(&stage.pool, &lease, Outcome::SegmentDone(summary)).await.unwrap();
    let lease = claimed(&stage.pool, JobKind::Deliver).await.unwrap();
    (now(&stage.pool, request.id).await, lease)
}

async fn delivered(stage: &Stage, results: &Results, request: &Request, lease: &Lease) -> Outcome {
    let stop = CancellationToken::new();
    let delivery = Delivery { lease, request, stop: &stop };
    deliver(&stage.app, &results.files(), &ConfirmSettings::default(), delivery).await
}

/// Delivers and says the last word; its text in blocks.
async fn told(stage: &Stage, results: &Results, request: &Request, lease: &Lease) -> String {
    let outcome = delivered(stage, results, request, lease).await;
    queue::settle(&stage.pool, lease, outcome).await.unwrap();
    let lease = claimed(&stage.pool, JobKind::Notify).await.unwrap();
    let stop = CancellationToken::new();
    let request = now(&stage.pool, request.id).await;
    let delivery = Delivery { lease: &lease, request: &request, stop: &stop };
    assert_eq!(notify(&stage.app, &results.links(), delivery).await, Outcome::Notified);
    let last = stage.slack.calls("chat.postMessage").pop().unwrap();
    last["blocks"][1]["text"]["text"].as_str().unwrap().to_owned()
}

fn names(stage: &Stage) -> Vec<String> {
    let reserved = stage.slack.calls("files.getUploadURLExternal");
    reserved.iter().map(|call| call["filename"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_large_file_goes_up_compressed_and_is_the_same_each_time() {
    let (stage, folder) = (Stage::new().await, tempfile::tempdir().unwrap());
    let store = store(&format!("file://{}", folder.path().display()), &folder).await;
    let results = Results::new(store.clone(), stage.pool.clone(), limits());
    let content = csv(500);
    for user in ["U1", "U2"] {
        let (request, lease) = built(&stage, &store, &new_request(user, user), &content).await;
        assert_eq!(delivered(&stage, &results, &request, &lease).await, Outcome::Delivered);
    }
    assert_eq!(names(&stage), ["segment.csv.gz", "manifest.json", "segment.csv.gz", "manifest.json"]);
    let uploads: Vec<Vec<u8>> = stage.slack.uploads().into_values().filter(|bytes| bytes.len() > 2).collect();
    assert_eq!(uploads[0], uploads[1], "neither time nor name is in the header");
    let mut unpacked = String::new();
    flate2::read::GzDecoder::new(&uploads[0][..]).read_to_string(&mut unpacked).unwrap();
    assert!(unpacked == content && uploads[0].len() < content.len() / 2);
}

#[tokio::test]
async fn a_small_file_goes_up_as_it_is() {
    let (stage, folder) = (Stage::new().await, tempfile::tempdir().unwrap());
    let store = store(&format!("file://{}", folder.path().display()), &folder).await;
    let (request, lease) = built(&stage, &store, &new_request("V1", "U1"), &csv(100)).await;
    let told = told(&stage, &Results::new(store, stage.pool.clone(), limits()), &request, &lease).await;
    assert_eq!(names(&stage), ["segment.csv", "manifest.json"]);
    assert!(!told.contains("Slackには"), "{told}");
}

#[tokio::test]
async fn what_slack_would_not_take_lies_in_the_folder_that_is_named() {
    let (stage, folder) = (Stage::new().await, tempfile::tempdir().unwrap());
    let store = store(&format!("file://{}", folder.path().display()), &folder).await;
    let (request, lease) = built(&stage, &store, &new_request("V1", "U1"), &csv(5_000)).await;
    let told = told(&stage, &Results::new(store, stage.pool.clone(), limits()), &request, &lease).await;
    assert_eq!(names(&stage), ["manifest.json"]);
    let place = format!("file://{}/segments/{}/segment.csv", folder.path().display(), request.id);
    assert!(told.contains("`segment.csv`（0.1 MB）はSlackには大きすぎます") && told.contains(&place), "{told}");
}

#[tokio::test]
async fn a_file_that_is_not_what_was_written_is_not_delivered() {
    let (stage, folder) = (Stage::new().await, tempfile::tempdir().unwrap());
    let store = store(&format!("file://{}", folder.path().display()), &folder).await;
    let (request, lease) = built(&stage, &store, &new_request("V1", "U1"), &csv(10)).await;
    store.write(&format!("segments/{}/segment.csv", request.id), Bytes::from(csv(9))).await.unwrap();
    let outcome = delivered(&stage, &Results::new(store, stage.pool.clone(), limits()), &request, &lease).await;
    assert_eq!(outcome, Outcome::Failed(Failure::DataUnreadable));
    assert!(stage.slack.shared().is_empty());
}

#[tokio::test]
async fn what_slack_would_not_take_is_a_link_that_expires() {
    if !inside("slack_results::what_slack_would_not_take_is_a_link_that_expires", Server::Open) {
        return;
    }
    make_bucket("large-results");
    let (stage, folder) = (Stage::new().await, tempfile::tempdir().unwrap());
    let store = store("s3://large-results/store", &folder).await;
    let content = csv(5_000);
    let english = NewRequest { locale: segment_bot::catalog::Locale::En, ..new_request("V1", "U1") };
    let (request_made, lease) = built(&stage, &store, &english, &content).await;
    let told = told(&stage, &Results::new(store, stage.pool.clone(), limits()), &request_made, &lease).await;
    assert_eq!(names(&stage), ["manifest.json"]);
    assert!(told.contains("(0.1 MB) is too large for Slack: <http"), "{told}");
    assert!(told.ends_with("|download it here>. The link works for 3 days; whoever has it has the file."), "{told}");
    let url = told.split_once('<').unwrap().1.split_once('|').unwrap().0.replace("&amp;", "&");
    assert!(url.contains("X-Amz-Expires=259200"), "{url}");
    let (address, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let answer = request(address, &format!("GET /{path}")).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with(&content));
    let kept: String =
        sqlx::query_scalar("select string_agg(progress::text, '') from job").fetch_one(&stage.pool).await.unwrap();
    assert!(!kept.contains("X-Amz"), "the link is in the thread and nowhere else");
}

const PEOPLE: &str = "rank,user_id,score,decile\n1,u1,0.9,1\n2,u2,0.8,1\n3,'-u3,0.7,1\n";

/// A delivered `segment.csv`, however it was compressed.
fn delivered_people(stage: &Stage) -> Vec<String> {
    let texts = stage.slack.uploads().into_values().map(|bytes| String::from_utf8(bytes).unwrap());
    let mut files: Vec<String> = texts.filter(|text| text.starts_with("rank")).collect();
    assert_eq!(files.len(), 1);
    files.remove(0).lines().skip(1).map(|line| line.split(',').nth(1).unwrap().to_owned()).collect()
}

#[tokio::test]
async fn whoever_was_suppressed_since_the_build_is_left_out_and_the_thread_says_so() {
    let (stage, folder) = (Stage::new().await, tempfile::tempdir().unwrap());
    let store = store(&format!("file://{}", folder.path().display()), &folder).await;
    let english = NewRequest { locale: segment_bot::catalog::Locale::En, ..new_request("V1", "U1") };
    let (request, lease) = built(&stage, &store, &english, PEOPLE).await;
    let listed = ["-u3".to_owned(), "u1".to_owned(), "u9".to_owned()];
    suppression::upload(&store, Some(&stage.pool), &listed).await.unwrap();
    let results = Results::new(store, stage.pool.clone(), limits());
    assert_eq!(delivered(&stage, &results, &request, &lease).await, Outcome::Delivered);
    assert_eq!(delivered_people(&stage), ["u2"]);
    let comment = stage.slack.calls("files.completeUploadExternal")[0]["initial_comment"].to_string();
    assert!(comment.contains("2 people were left out who opted out since"), "{comment}");
}

#[tokio::test]
async fn a_lost_suppression_list_lets_nothing_out_until_there_is_one_again() {
    let (stage, folder) = (Stage::new().await, tempfile::tempdir().unwrap());
    let store = store(&format!("file://{}", folder.path().display()), &folder).await;
    let (request, lease) = built(&stage, &store, &new_request("V1", "U1"), PEOPLE).await;
    let results = Results::new(store.clone(), stage.pool.clone(), limits());
    suppression::upload(&store, Some(&stage.pool), &["u1".to_owned()]).await.unwrap();
    store.delete("suppression/current.json").await.unwrap();
    let lost = Outcome::Failed(Failure::SuppressionLost);
    assert_eq!(delivered(&stage, &results, &request, &lease).await, lost);

    // A store that was set back to an earlier list has lost the later one, too.
    suppression::upload(&store, None, &["u2".to_owned()]).await.unwrap();
    suppression::in_force(&store, &stage.pool).await.unwrap_err();
    assert_eq!(delivered(&stage, &results, &request, &lease).await, lost);
    assert!(stage.slack.uploads().is_empty());

    suppression::upload(&store, Some(&stage.pool), &["u1".to_owned()]).await.unwrap();
    assert_eq!(delivered(&stage, &results, &request, &lease).await, Outcome::Delivered);
    assert_eq!(delivered_people(&stage), ["u2", "'-u3"]);
}

#[tokio::test]
async fn a_channel_that_may_not_have_the_file_by_now_gets_none() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&format!("file://{}", folder.path().display()), &folder).await;
    let mut closed = catalog();
    closed.products.iter_mut().for_each(|product| product.allowed_channels = vec!["C9".to_owned()]);
    let shared = json!({ "ok": true, "channel": { "id": "C1", "is_ext_shared": true } });
    for (catalog, info) in [(catalog(), Some(shared)), (closed, None)] {
        let stage = Stage::with(catalog).await;
        let (request, lease) = built(&stage, &store, &new_request("V1", "U1"), PEOPLE).await;
        if let Some(info) = info {
            stage.slack.answer("conversations.info", info);
        }
        let results = Results::new(store.clone(), stage.pool.clone(), limits());
        let outcome = delivered(&stage, &results, &request, &lease).await;
        assert!(matches!(outcome, Outcome::Failed(Failure::SlackRefused { .. })), "{outcome:?}");
        assert!(stage.slack.uploads().is_empty() && stage.slack.shared().is_empty());
    }
}
