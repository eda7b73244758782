//! Fault 15: the clocks of two workers are two hours apart; nothing may notice.

use std::{
    path::PathBuf,
    process::{Child, Command},
    time::Instant,
};

use segment_bot::{config::Secret, queue::RequestState};
use tokio::time::sleep;

use crate::{
    support::requests::submitted,
    table::{Row, quick_or_full, seconds},
    workers::{DEAF, LEASE, PATIENCE, child_command, ended, shared_database, tries, until},
};

const HOUR: i32 = 3_600;

/// A library that moves the calendar clock of the process that preloads it; the monotonic clock stays.
fn moved_clock() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("moved_clock.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults/moved_clock.c");
    let built = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).status();
    assert!(built.unwrap().success(), "cc links Rust programs, so it is there");
    (folder, library)
}

fn child(url: &Secret, slots: usize, library: &PathBuf, by: i32) -> Child {
    let mut command = child_command(url, slots);
    command.env("LD_PRELOAD", library).env("MOVED_CLOCK_SECONDS", by.to_string());
    command.spawn().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_an_hour_off_change_nothing() {
    let (_folder, library) = moved_clock();
    let told = Command::new("date").arg("+%s").env("LD_PRELOAD", &library).env("MOVED_CLOCK_SECONDS", "3600").output();
    let told: i64 = String::from_utf8(told.unwrap().stdout).unwrap().trim().parse().unwrap();
    let moved = told - segment_bot::clock::now().timestamp();
    assert!((3_590..=3_610).contains(&moved), "the clock is moved by {moved} s");

    // Killed with a clock that is ahead, taken over by one that is behind.
    let (url, pool) = shared_database().await;
    let request = submitted(&pool, DEAF).await;
    let mut doomed = child(&url, 1, &library, HOUR);
    until(&pool, request.id, RequestState::Running).await;
    let spare = child(&url, 1, &library, -HOUR);
    doomed.kill().unwrap();
    let killed = Instant::now();
    until(&pool, request.id, RequestState::Delivering).await;
    let taken_over = killed.elapsed();
    doomed.wait().unwrap();
    let tries = tries(&pool, request.id).await;

    // Two that race, two hours apart.
    sqlx::query("create table ran (job_id uuid)").execute(&pool).await.unwrap();
    let ahead = child(&url, 6, &library, HOUR);
    let wanted: i64 = quick_or_full(100, 1_000);
    for n in 0..wanted {
        submitted(&pool, &format!("U{}", n % 7)).await;
    }
    let start = Instant::now();
    let left = "select count(*) from job where kind = 'segment' and state in ('queued', 'running')";
    while sqlx::query_scalar::<_, i64>(left).fetch_one(&pool).await.unwrap() > 0 {
        assert!(start.elapsed() < PATIENCE);
        sleep(LEASE / 100).await;
    }
    for mut child in [spare, ahead] {
        drop(child.stdin.take());
        assert!(ended(child).await.success());
    }
    let counted = "select count(*), count(distinct job_id) from ran";
    let (runs, distinct): (i64, i64) = sqlx::query_as(counted).fetch_one(&pool).await.unwrap();
    Row {
        number: "15",
        fault: "worker clocks 1 h ahead and 1 h behind (calendar clock; the monotonic one untouched)",
        bar: format!("killed: restarted ≤ lease + 2 s, attempt 2; racing: {wanted} runs, all distinct"),
        measured: format!("done after {}, attempt {}; {runs} runs, {distinct} distinct", seconds(taken_over), tries.0),
        test: "clock::clocks_an_hour_off_change_nothing",
    }
    .judge(taken_over <= LEASE * 2 && tries == (2, 1) && (runs, distinct) == (wanted, wanted));
}
