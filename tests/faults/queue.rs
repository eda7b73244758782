//! Faults 11 to 14: redelivery, races, many at once, one who floods.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use segment_bot::{
    jobs::{Job, WorkerSettings},
    queue::{self, ClaimLimits, Outcome, RequestState},
};
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::time::sleep;

use crate::{
    support::{
        database::database,
        requests::{limits, now, submitted, summary},
        stage::Stage,
    },
    table::{Row, alone, makespan_max, quick_or_full, seconds},
    workers::{LEASE, Worker, child_command, done, ended, settings, shared_database, until},
};

async fn jobs(pool: &PgPool, wanted: &'static str) -> i64 {
    sqlx::query_scalar(wanted).fetch_one(pool).await.unwrap()
}

/// What Slack sends for a submitted form.
fn submission() -> Value {
    json!({
        "type": "view_submission", "team": { "id": "T1" }, "user": { "id": "U1" },
        "view": {
            "id": "V1", "callback_id": "segment_form", "private_metadata": json!({ "c": "C1" }).to_string(),
            "state": { "values": {
                "product": { "product": { "type": "static_select", "selected_option": { "value": "coffee" } } },
                "size_exact": { "size_exact": { "value": "500" } },
                "deliver": { "deliver": { "type": "static_select", "selected_option": { "value": "thread" } } },
            } },
        },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_that_comes_ten_times_is_one_job() {
    let stage = Stage::new().await;
    let payload = submission();
    let answers = futures::future::join_all((0..10).map(|_| stage.interacts(&payload))).await;
    let updated = answers.iter().filter(|answer| answer["response_action"] == "update").count();
    let found = jobs(&stage.pool, "select count(*) from job").await;
    Row {
        number: "11",
        fault: "the same view_submission 10 times in parallel",
        bar: "1 job; each of the 10 is answered".to_owned(),
        measured: format!("{found} job; {updated} of 10 answered"),
        test: "queue::a_click_that_comes_ten_times_is_one_job",
    }
    .judge((found, updated) == (1, 10));
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_processes_run_every_job_once() {
    let (url, pool) = shared_database().await;
    let (processes, wanted) = quick_or_full((3, 200), (5, 1_000));
    sqlx::query("create table ran (job_id uuid)").execute(&pool).await.unwrap();
    for n in 0..wanted {
        submitted(&pool, &format!("U{}", n % 7)).await;
    }
    let start = Instant::now();
    let children: Vec<_> = (0..processes).map(|_| child_command(&url, 6).spawn().unwrap()).collect();
    while jobs(&pool, "select count(*) from job where kind = 'segment' and state = 'queued'").await > 0 {
        sleep(Duration::from_millis(5)).await;
    }
    let took = start.elapsed();
    while jobs(&pool, "select count(*) from job where kind = 'segment' and state = 'running'").await > 0 {
        sleep(Duration::from_millis(5)).await;
    }
    for mut child in children {
        drop(child.stdin.take());
        assert!(ended(child).await.success());
    }
    let runs = jobs(&pool, "select count(*) from ran").await;
    let distinct = jobs(&pool, "select count(distinct job_id) from ran").await;
    let rate = f64::from(wanted) / took.as_secs_f64();
    Row {
        number: "12",
        fault: "racing workers",
        bar: format!("{processes} processes × 6 slots × {wanted} jobs: {wanted} runs, all distinct"),
        measured: format!("{runs} runs, {distinct} distinct; {rate:.0} jobs/s with the start of the processes"),
        test: "queue::racing_processes_run_every_job_once",
    }
    .judge((runs, distinct) == (wanted.into(), wanted.into()));
}

/// A performer that takes `time`, and the most that ever ran at once.
fn counted(
    time: Duration,
) -> (impl Fn(Job) -> futures::future::BoxFuture<'static, Outcome> + Clone + Send + Sync, Arc<AtomicUsize>) {
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&most);
    let perform = move |_: Job| -> futures::future::BoxFuture<'static, Outcome> {
        let (running, seen) = (Arc::clone(&running), Arc::clone(&seen));
        Box::pin(async move {
            seen.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            sleep(time).await;
            running.fetch_sub(1, Ordering::SeqCst);
            Outcome::SegmentDone(summary())
        })
    };
    (perform, most)
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_at_once_wait_their_turn() {
    let _alone = alone().await;
    let pool = database().await;
    let caps = ClaimLimits { running_max: 4, ..limits(Duration::from_secs(30)) };
    let submits = (0..50).map(|n| {
        let pool = pool.clone();
        async move { submitted(&pool, &format!("U{n}")).await }
    });
    let requests = futures::future::join_all(submits).await;
    let mut places = HashSet::new();
    for request in &requests {
        places.insert(queue::place(&pool, request.id).await.unwrap().unwrap().position);
    }
    let time = Duration::from_millis(300);
    let (perform, most) = counted(time);
    let start = Instant::now();
    // More hands than may work.
    let workers: Vec<_> = (0..6)
        .map(|_| Worker::start(&pool, WorkerSettings { limits: caps, ..settings(LEASE) }, perform.clone()))
        .collect();
    for request in &requests {
        until(&pool, request.id, RequestState::Delivering).await;
    }
    let (took, ideal) = (start.elapsed(), time * 50_u32.div_ceil(4));
    for worker in workers {
        worker.end().await;
    }
    let (most, told, ratio) = (most.load(Ordering::SeqCst), places.len(), took.as_secs_f64() / ideal.as_secs_f64());
    Row {
        number: "13",
        fault: "50 submits at once, cap 4, 6 workers",
        bar: format!("never more than 4 running; 50 places told; makespan ≤ {} × ideal", makespan_max()),
        measured: format!("at most {most} running; {told} places; {ratio:.3} × ideal ({})", seconds(took)),
        test: "queue::fifty_at_once_wait_their_turn",
    }
    .judge(most <= 4 && told == 50 && ratio <= makespan_max());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_once_does_not_wait_for_who_floods() {
    let pool = database().await;
    let caps = ClaimLimits { running_max: 4, running_per_owner_max: 2, ..limits(Duration::from_secs(30)) };
    for _ in 0..12 {
        submitted(&pool, "FLOODS").await;
    }
    let (perform, most) = counted(Duration::from_millis(600));
    let settings = WorkerSettings { slots: 4, limits: caps, ..settings(LEASE) };
    let worker = Worker::start(&pool, settings, perform);
    let floods = "select count(*) from job where state = 'running' and owner_key = 'T1:FLOODS'";
    while jobs(&pool, floods).await < 2 {
        sleep(Duration::from_millis(5)).await;
    }
    let start = Instant::now();
    let other = submitted(&pool, "ASKS_ONCE").await;
    until(&pool, other.id, RequestState::Running).await;
    let waited = start.elapsed();
    let alone = most.load(Ordering::SeqCst);
    until(&pool, other.id, RequestState::Delivering).await;
    worker.end().await;
    Row {
        number: "14",
        fault: "one user floods 12, another sends 1; cap 4, 2 a person",
        bar: "the other starts ≤ 1 s; the flood never above its 2".to_owned(),
        measured: format!("started after {}; at most {alone} running together with it", seconds(waited)),
        test: "queue::who_asks_once_does_not_wait_for_who_floods",
    }
    .judge(waited <= Duration::from_secs(1) && alone <= 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_history_does_not_slow_the_next_claim() {
    let _alone = alone().await;
    let pool = database().await;
    let finished = submitted(&pool, "U0").await;
    let rows = "insert into job (kind, request_id, owner_key, source_key, failures_max, state, attempt, started_at, finished_at)
                select 'segment', $1, 'T1:U' || n % 50, 'old:' || n, 3, 'succeeded', 1, now() - n * interval '1 s', now() - n * interval '1 s'
                from generate_series(1, 200000) n";
    sqlx::query(rows).bind(finished.id).execute(&pool).await.unwrap();
    sqlx::query("analyze").execute(&pool).await.unwrap();
    let worker = Worker::start(&pool, settings(LEASE), done);
    until(&pool, finished.id, RequestState::Delivering).await;
    worker.end().await;
    for n in 0..60 {
        submitted(&pool, &format!("U{}", n % 50)).await;
    }
    let mut times = Vec::new();
    for _ in 0..60 {
        let start = Instant::now();
        let lease = crate::support::requests::claimed(&pool, queue::JobKind::Segment).await.unwrap();
        times.push(start.elapsed());
        queue::settle(&pool, &lease, Outcome::SegmentDone(summary())).await.unwrap();
        assert_eq!(now(&pool, lease.request_id).await.state, RequestState::Delivering);
    }
    times.sort();
    let (median, fastest) = (times[30], times[0]);
    Row {
        number: "20",
        fault: "200,000 finished jobs in the table, 60 queued of 50 people",
        bar: "a whole claim, with its transaction, ≤ 5 ms (the quickest of 60, for a busy machine)".to_owned(),
        measured: format!(
            "quickest {:.1} ms, median {:.1} ms",
            fastest.as_secs_f64() * 1e3,
            median.as_secs_f64() * 1e3
        ),
        test: "queue::a_finished_history_does_not_slow_the_next_claim",
    }
    .judge(fastest <= Duration::from_millis(5));
}
