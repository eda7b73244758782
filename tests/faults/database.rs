//! Faults 4, 5 and 6: the database goes away, falls silent, drops the wake-up connection.

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use segment_bot::{
    config::Secret,
    demo::postgres::Cluster,
    jobs::{Job, StopReason, WorkerSettings},
    queue::{self, Outcome, RequestState},
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{
    support::{
        database::database,
        proxy::Proxy,
        requests::{submitted, summary},
        stage::{Stage, catalog, said},
    },
    table::{Row, quick_or_full, seconds},
    workers::{LEASE, Worker, done, settings, signal, tries, until},
};

/// How long a restarting database is away, and a lease that such an outage need not cost.
const AWAY: Duration = Duration::from_secs(3);
const OUTLASTS: Duration = Duration::from_secs(8);

/// What one restart in the middle of a job came to.
struct Restart {
    /// Attempt and failures of the job that was running.
    tries: (i32, i16),
    /// Until somebody who asked meanwhile had an answer.
    answered: Duration,
    answer: String,
    /// From the database's return to the start of the next job.
    next_started: Duration,
}

async fn started(folder: &Path) -> Cluster {
    let folder = folder.to_owned();
    tokio::task::spawn_blocking(move || Cluster::start(&folder).unwrap()).await.unwrap()
}

async fn restarted(how: Signal, away: Duration) -> Restart {
    let folder = std::env::temp_dir().join(format!("cluster-{}", uuid::Uuid::new_v4().simple()));
    let cluster = started(&folder).await;
    let pool = queue::connect(&Secret::new(cluster.url())).await.unwrap();
    queue::migrate(&pool).await.unwrap();
    let stage = Stage::on(catalog(), pool.clone()).await;
    let request = submitted(&pool, "U1").await;
    let go_on = CancellationToken::new();
    let told = go_on.clone();
    let worker = Worker::start(&pool, settings(OUTLASTS), move |job: Job| {
        let told = told.clone();
        async move {
            tokio::select! {
                () = told.cancelled() => Outcome::SegmentDone(summary()),
                () = job.stop.stopped() => job.stop.outcome(),
            }
        }
    });
    until(&pool, request.id, RequestState::Running).await;
    let pid_file = std::fs::read_to_string(cluster.home().join("data/postmaster.pid")).unwrap();
    signal(pid_file.lines().next().unwrap().parse().unwrap(), how);
    let gone = Instant::now();
    tokio::task::block_in_place(|| cluster.stop());
    // The job ends while there is nobody to tell, and somebody asks.
    go_on.cancel();
    let answer = said(&stage.types("product=coffee size=500 --go").await);
    let answered = gone.elapsed();
    sleep(away.saturating_sub(gone.elapsed())).await;
    let cluster = started(&folder).await;
    let back = Instant::now();
    until(&pool, request.id, RequestState::Delivering).await;
    let next = submitted(&pool, "U2").await;
    until(&pool, next.id, RequestState::Delivering).await;
    let next_started = back.elapsed();
    let tries = tries(&pool, request.id).await;
    worker.end().await;
    cluster.stop();
    std::fs::remove_dir_all(folder).unwrap();
    Restart { tries, answered, answer, next_started }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_costs_no_attempt_and_who_asks_meanwhile_is_told() {
    let away = quick_or_full(AWAY, 2 * AWAY);
    // Tasks of their own, because stopping a server blocks.
    let fast = tokio::spawn(restarted(Signal::SIGINT, away));
    let immediate = tokio::spawn(restarted(Signal::SIGQUIT, away));
    let (fast, immediate) = (fast.await.unwrap(), immediate.await.unwrap());
    let answered = fast.answered.max(immediate.answered);
    let next = fast.next_started.max(immediate.next_started);
    let answers = [&fast, &immediate].iter().all(|restart| !restart.answer.is_empty());
    Row {
        number: "4",
        fault: "Postgres restarts in the middle of a job, fast and immediate",
        bar: format!(
            "attempt stays 1 ({} down, lease {}); a submit meanwhile is answered ≤ 3 s; the next job is done ≤ 10 s after",
            seconds(away),
            seconds(OUTLASTS)
        ),
        measured: format!(
            "attempts {} and {}; answered in {}, words: {}; next job done after {}",
            fast.tries.0,
            immediate.tries.0,
            seconds(answered),
            if answers { "yes" } else { "none" },
            seconds(next)
        ),
        test: "database::a_restart_costs_no_attempt_and_who_asks_meanwhile_is_told",
    }
    .judge(
        [fast.tries, immediate.tries] == [(1, 0); 2]
            && answers
            && answered <= Duration::from_secs(3)
            && next <= Duration::from_secs(10),
    );
}

/// From the end of the job whose worker was cut off to the start of the same job elsewhere.
async fn cut_off() -> Option<Duration> {
    let (pool, proxy, through) = Proxy::database().await;
    let request = submitted(&pool, "U1").await;
    let stopped = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&stopped);
    let cut_off = Worker::start(&through, settings(LEASE), move |job: Job| {
        let seen = Arc::clone(&seen);
        async move {
            job.stop.stopped().await;
            *seen.lock().unwrap() = Some((Instant::now(), job.stop.reason()));
            job.stop.outcome()
        }
    });
    until(&pool, request.id, RequestState::Running).await;
    sleep(LEASE / 2).await;
    proxy.freeze();
    let taken = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&taken);
    let other = Worker::start(&pool, settings(LEASE), move |job: Job| {
        *seen.lock().unwrap() = Some(Instant::now());
        done(job)
    });
    until(&pool, request.id, RequestState::Delivering).await;
    other.end().await;
    drop(cut_off);
    let stopped = *stopped.lock().unwrap();
    let (at, reason) = stopped?;
    assert_eq!(reason, Some(StopReason::LeaseLost));
    let taken = *taken.lock().unwrap();
    taken?.checked_duration_since(at)
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_off_from_the_database_nothing_runs_twice_at_once() {
    let runs = quick_or_full(4, 20);
    let mut margins = Vec::new();
    for _ in 0..runs / 4 {
        margins.extend(futures::future::join_all((0..4).map(|_| cut_off())).await);
    }
    let apart: Vec<Duration> = margins.iter().copied().flatten().collect();
    let least = apart.iter().min().copied().unwrap_or_default();
    Row {
        number: "5",
        fault: "TCP black hole between a worker and Postgres",
        bar: format!("the first stops before the second starts, in {runs} of {runs} runs"),
        measured: format!(
            "{} of {runs}; least margin {} at a lease of {}",
            apart.len(),
            seconds(least),
            seconds(LEASE)
        ),
        test: "database::cut_off_from_the_database_nothing_runs_twice_at_once",
    }
    .judge(apart.len() == runs);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_wake_up_connection_delays_one_job_a_little() {
    let pool = database().await;
    let usual = WorkerSettings { poll: Duration::from_secs(1), ..settings(LEASE) };
    let worker = Worker::start(&pool, usual, done);
    let kill = "select pg_terminate_backend(pid) from pg_stat_activity
                where query ilike 'listen %' and datname = current_database()";
    let mut waits = Vec::new();
    for _ in 0..quick_or_full(3, 20) {
        sleep(Duration::from_millis(700)).await;
        assert_eq!(sqlx::query(kill).execute(&pool).await.unwrap().rows_affected(), 1);
        let start = Instant::now();
        let request = submitted(&pool, "U1").await;
        until(&pool, request.id, RequestState::Delivering).await;
        waits.push(start.elapsed());
    }
    worker.end().await;
    let longest = crate::table::longest(&waits);
    Row {
        number: "6",
        fault: "the LISTEN connection is killed",
        bar: "the next job is done ≤ 1.5 s after it is submitted".to_owned(),
        measured: format!("at most {} in {} runs", seconds(longest), waits.len()),
        test: "database::a_killed_wake_up_connection_delays_one_job_a_little",
    }
    .judge(longest <= Duration::from_millis(1_500));
}
