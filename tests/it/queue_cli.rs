//! `segment-bot queue …`, run as an operator runs it, on a real database.

use std::process::{Command, Output, Stdio};

use segment_bot::{
    config::Secret,
    queue::{self, JobKind, Outcome, RequestState},
    segment::Failure,
};
use serde_json::Value;
use sqlx::PgPool;

use crate::support::{
    command::{finished, segment_bot},
    database::database_url,
    requests::{claimed, now, performed, same_request, submitted, summary},
};

async fn database() -> (Secret, PgPool) {
    let url = database_url().await;
    let pool = queue::connect(&url).await.unwrap();
    queue::migrate(&pool).await.unwrap();
    (url, pool)
}

fn command(url: &Secret, arguments: &[&str]) -> Command {
    let mut command = segment_bot();
    command.env("DATABASE_URL", url.expose()).arg("queue").args(arguments);
    command
}

async fn run(url: &Secret, arguments: &[&str]) -> Output {
    let command = command(url, arguments);
    tokio::task::spawn_blocking(move || finished(command)).await.unwrap()
}

async fn said(url: &Secret, arguments: &[&str]) -> String {
    let output = run(url, arguments).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_runs_and_failed_is_listed() {
    let (url, pool) = database().await;
    assert_eq!(said(&url, &["list"]).await, "No requests.\n");
    submitted(&pool, "U1").await;
    performed(&pool, JobKind::Segment, Outcome::Failed(Failure::DataUnreadable)).await;
    submitted(&pool, "U2").await;
    queue::submit(&pool, &same_request("U3")).await.unwrap();
    queue::submit(&pool, &same_request("U4")).await.unwrap();
    claimed(&pool, JobKind::Segment).await.unwrap();
    let listed = said(&url, &["list"]).await;
    for words in ["1 failed", "2 queued", "1 running", "shares #3", "Failed: #1 (data_unreadable)."] {
        assert!(listed.contains(words), "{words}:\n{listed}");
    }
    let all: Value = serde_json::from_str(&said(&url, &["list", "--json"]).await).unwrap();
    assert_eq!((&all["paused_since"], all["in_flight"].as_array().unwrap().len()), (&Value::Null, 3));
    assert_eq!(all["failed"][0]["code"], "data_unreadable");

    let shown = said(&url, &["show", "#1"]).await;
    for words in
        ["request", "#1", "failed", "data_unreadable", "product=coffee", "segment failed, attempt 1, 1 failures"]
    {
        assert!(shown.contains(words), "{words}:\n{shown}");
    }
    let missing = run(&url, &["show", "99"]).await;
    assert_eq!(String::from_utf8_lossy(&missing.stderr), "error: there is no request #99\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_queue_starts_nothing_and_loses_nothing() {
    let (url, pool) = database().await;
    assert!(said(&url, &["pause"]).await.starts_with("No further segment starts"));
    let request = submitted(&pool, "U1").await;
    assert_eq!(claimed(&pool, JobKind::Segment).await, None);
    assert!(said(&url, &["list"]).await.starts_with("PAUSED since"));
    assert_eq!(said(&url, &["resume"]).await, "Segments start again.\n");
    assert_eq!(said(&url, &["resume"]).await, "The queue was not paused.\n");
    assert_eq!(claimed(&pool, JobKind::Segment).await.unwrap().request_id, request.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_holds_no_delivery_back() {
    let (_, pool) = database().await;
    let request = submitted(&pool, "U1").await;
    performed(&pool, JobKind::Segment, Outcome::SegmentDone(summary())).await;
    queue::pause(&pool).await.unwrap();
    performed(&pool, JobKind::Deliver, Outcome::Delivered).await;
    performed(&pool, JobKind::Notify, Outcome::Notified).await;
    assert_eq!(now(&pool, request.id).await.state, RequestState::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn draining_waits_for_what_runs() {
    let (url, pool) = database().await;
    submitted(&pool, "U1").await;
    let lease = claimed(&pool, JobKind::Segment).await.unwrap();
    let mut draining = command(&url, &["drain"]).stdout(Stdio::piped()).spawn().unwrap();
    while queue::paused(&pool).await.unwrap().is_none() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(draining.try_wait().unwrap().is_none(), "it waits");
    queue::settle(&pool, &lease, Outcome::HandBack).await.unwrap();
    let output = tokio::task::spawn_blocking(move || draining.wait_with_output().unwrap()).await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && said.ends_with("`segment-bot queue resume` starts it again.\n"), "{said}");
    assert_eq!(claimed(&pool, JobKind::Segment).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_requests_are_tried_again_and_others_left_alone() {
    let (url, pool) = database().await;
    for (user, failure) in
        [("U1", Failure::DataUnreadable), ("U2", Failure::CatalogChanged), ("U3", Failure::DataUnreadable)]
    {
        submitted(&pool, user).await;
        performed(&pool, JobKind::Segment, Outcome::Failed(failure)).await;
    }
    assert_eq!(said(&url, &["retry", "--code", "data_unreadable"]).await, "2 requests are in the queue again.\n");
    let again = said(&url, &["retry", "#1", "2"]).await;
    assert_eq!(again, "#1 is queued and not failed; left alone.\n1 requests are in the queue again.\n");
    assert_eq!(said(&url, &["cancel", "1"]).await, "#1 is cancelled.\n");
    assert_eq!(said(&url, &["cancel", "1"]).await, "#1 is cancelled and cannot be cancelled.\n");
    assert!(!run(&url, &["retry"]).await.status.success(), "which ones must be said");
}

#[tokio::test]
async fn finished_requests_are_forgotten_after_a_while() {
    let (_, pool) = database().await;
    let day = std::time::Duration::from_hours(24);
    let leader = queue::submit(&pool, &same_request("U1")).await.unwrap().request;
    let follower = queue::submit(&pool, &same_request("U2")).await.unwrap().request;
    assert_eq!(follower.built_by, Some(leader.id));
    performed(&pool, JobKind::Segment, Outcome::SegmentDone(summary())).await;
    for _ in 0..2 {
        performed(&pool, JobKind::Deliver, Outcome::Delivered).await;
        performed(&pool, JobKind::Notify, Outcome::Notified).await;
    }
    let waiting = submitted(&pool, "U3").await;
    assert_eq!(queue::forget(&pool, day).await.unwrap(), 0);
    let sql = "update segment_request set created_at = created_at - interval '3 days', finished_at = finished_at - interval '2 days'";
    sqlx::query(sql).execute(&pool).await.unwrap();
    let sql = "update segment_request set finished_at = now() where id = $1";
    sqlx::query(sql).bind(follower.id).execute(&pool).await.unwrap();
    assert_eq!(queue::forget(&pool, day).await.unwrap(), 0, "the follower's segment is the leader's");
    let sql = "update segment_request set finished_at = finished_at - interval '2 days' where id = $1";
    sqlx::query(sql).bind(follower.id).execute(&pool).await.unwrap();
    assert_eq!(queue::forget(&pool, day).await.unwrap(), 2);
    assert_eq!(queue::requests_of(&pool, "T1", "U3", 5).await.unwrap()[0].id, waiting.id);
    let jobs: i64 = sqlx::query_scalar("select count(*) from job").fetch_one(&pool).await.unwrap();
    assert_eq!(jobs, 1);
}
