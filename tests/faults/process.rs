//! Faults 2, 3, 16, 17 and 18: processes that die, stop, end, have no core to themselves, or are told to stop.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use segment_bot::{
    jobs::{self, Children, Job, WorkerSettings},
    queue::{self, JobKind, Outcome, RequestState},
    segment::Failure,
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{
    support::{
        database::database,
        requests::{claimed, now, submitted, summary},
    },
    table::{Row, alone, quick_or_full, seconds},
    workers::{
        ABORTS, DEAF, LEASE, Worker, aborted, child, child_command, done, ended, obedient, settings, shared_database,
        signal, tries, until,
    },
};

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_kills_its_process_runs_three_times_and_delays_nobody_else() {
    let (url, pool) = shared_database().await;
    let poison = submitted(&pool, ABORTS).await;
    let shutdown = CancellationToken::new();
    let command = child_command(&url, 1);
    let children = Children {
        program: command.get_program().into(),
        args: command.get_args().map(Into::into).collect(),
        envs: command.get_envs().map(|(name, value)| (name.into(), value.unwrap().into())).collect(),
        count: 2,
        grace: Duration::from_secs(5),
    };
    let supervisor = tokio::spawn(jobs::supervise(children, shutdown.clone()));
    until(&pool, poison.id, RequestState::Running).await;
    let start = Instant::now();
    let other = submitted(&pool, "U2").await;
    until(&pool, other.id, RequestState::Delivering).await;
    let waited = start.elapsed();
    let failed = until(&pool, poison.id, RequestState::Failed).await;
    shutdown.cancel();
    supervisor.await.unwrap();
    let (runs, failures) = tries(&pool, poison.id).await;
    let mut words = 0;
    while let Some(lease) = claimed(&pool, JobKind::Notify).await {
        words += i32::from(lease.request_id == poison.id);
        queue::settle(&pool, &lease, Outcome::Notified).await.unwrap();
    }
    Row {
        number: "2",
        fault: "a job that aborts its process",
        bar: "exactly 3 runs, failed, one last word; another's job done ≤ 5 s meanwhile".to_owned(),
        measured: format!(
            "{runs} runs, {failures} failures, {words} last word; the other's done in {}",
            seconds(waited)
        ),
        test: "process::a_job_that_kills_its_process_runs_three_times_and_delays_nobody_else",
    }
    .judge(
        (runs, failures, words, failed.failure) == (3, 3, 1, Some(Failure::WorkerLost))
            && waited <= Duration::from_secs(5),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_process_that_wakes_up_changes_nothing_and_is_gone() {
    let (url, pool) = shared_database().await;
    sqlx::query("create table ran (job_id uuid)").execute(&pool).await.unwrap();
    let request = submitted(&pool, DEAF).await;
    let zombie = child(&url);
    // Claimed is not begun: who wakes up before that has nothing to abort.
    while sqlx::query_scalar::<_, i64>("select count(*) from ran").fetch_one(&pool).await.unwrap() == 0 {
        sleep(Duration::from_millis(10)).await;
    }
    sleep(Duration::from_millis(100)).await;
    signal(zombie.id(), Signal::SIGSTOP);
    let start = Instant::now();
    let other = Worker::start(&pool, settings(LEASE), done);
    until(&pool, request.id, RequestState::Delivering).await;
    other.end().await;
    sleep((2 * LEASE).saturating_sub(start.elapsed())).await;
    let before = (now(&pool, request.id).await, tries(&pool, request.id).await);
    signal(zombie.id(), Signal::SIGCONT);
    let woken = Instant::now();
    let status = ended(zombie).await;
    let gone = woken.elapsed();
    let unchanged = before == (now(&pool, request.id).await, tries(&pool, request.id).await);
    Row {
        number: "3",
        fault: "SIGSTOP for twice the lease, then SIGCONT, in a job that nothing interrupts",
        bar: "no row changed by the zombie; gone ≤ 6 s (5 s to stop by itself, then it aborts)".to_owned(),
        measured: format!(
            "{}; gone after {} ({status})",
            if unchanged { "no row changed" } else { "rows changed" },
            seconds(gone)
        ),
        test: "process::a_stopped_process_that_wakes_up_changes_nothing_and_is_gone",
    }
    .judge(unchanged && aborted(status) && gone <= Duration::from_secs(6));
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_restarts_in_a_row_lose_nothing_and_count_nothing() {
    let pool = database().await;
    let request = submitted(&pool, "U1").await;
    let (mut ends, mut takeovers) = (Vec::new(), Vec::new());
    let mut handed_back: Option<Instant> = None;
    for attempt in 1..=10 {
        let worker = Worker::start(&pool, settings(LEASE), obedient);
        crate::workers::until_attempt(&pool, request.id, attempt).await;
        if let Some(at) = handed_back {
            takeovers.push(at.elapsed());
        }
        ends.push(worker.end().await);
        assert_eq!(now(&pool, request.id).await.state, RequestState::Queued);
        handed_back = Some(Instant::now());
    }
    let last = Worker::start(&pool, settings(LEASE), done);
    until(&pool, request.id, RequestState::Delivering).await;
    last.end().await;
    let (ends, takeovers) = (crate::table::longest(&ends), crate::table::longest(&takeovers));
    let tries = tries(&pool, request.id).await;
    Row {
        number: "16",
        fault: "a shutdown in the middle of a job, 10 times in a row",
        bar: "handed back ≤ 2 s beyond the grace; taken over ≤ 2 s; no failure counted; done in the end".to_owned(),
        measured: format!(
            "handed back ≤ {}; taken over ≤ {}; {} failures after {} attempts",
            seconds(ends),
            seconds(takeovers),
            tries.1,
            tries.0
        ),
        test: "process::ten_restarts_in_a_row_lose_nothing_and_count_nothing",
    }
    .judge(tries == (11, 0) && ends.max(takeovers) <= Duration::from_secs(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn busy_cores_cost_no_lease() {
    let _alone = alone().await;
    let pool = database().await;
    let time = quick_or_full(3 * LEASE, Duration::from_mins(10));
    let request = submitted(&pool, "U1").await;
    let over = Arc::new(AtomicBool::new(false));
    let cores = thread::available_parallelism().unwrap().get();
    let spinning: Vec<_> = (0..2 * cores)
        .map(|_| {
            let over = Arc::clone(&over);
            thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            })
        })
        .collect();
    let worker = Worker::start(&pool, settings(LEASE), move |job: Job| async move {
        tokio::select! {
            () = sleep(time) => Outcome::SegmentDone(summary()),
            () = job.stop.stopped() => job.stop.outcome(),
        }
    });
    let start = Instant::now();
    while start.elapsed() < time + LEASE && now(&pool, request.id).await.state != RequestState::Delivering {
        sleep(Duration::from_millis(100)).await;
    }
    over.store(true, Ordering::Relaxed);
    for thread in spinning {
        thread.join().unwrap();
    }
    until(&pool, request.id, RequestState::Delivering).await;
    worker.end().await;
    let tries = tries(&pool, request.id).await;
    Row {
        number: "17",
        fault: "all cores busy under a job, two spinning threads a core",
        bar: format!("no lease lost in {}", seconds(time)),
        measured: format!("{} leases lost at a lease of {}", tries.1, seconds(LEASE)),
        test: "process::busy_cores_cost_no_lease",
    }
    .judge(tries == (1, 0));
}

/// How long until a running request of `user` was cancelled, and until its process was gone if it had to go.
async fn cancelled_in(user: &str) -> (Duration, bool) {
    let (url, pool) = shared_database().await;
    let request = submitted(&pool, user).await;
    let mut child = (user == DEAF).then(|| child(&url));
    let worker = child.is_none().then(|| Worker::start(&pool, WorkerSettings { ..settings(LEASE) }, obedient));
    until(&pool, request.id, RequestState::Running).await;
    let start = Instant::now();
    queue::cancel(&pool, request.id).await.unwrap();
    until(&pool, request.id, RequestState::Cancelled).await;
    let took = start.elapsed();
    if let Some(worker) = worker {
        worker.end().await;
    }
    let gone = match child.take() {
        Some(child) => aborted(ended(child).await),
        None => true,
    };
    let deliveries = claimed(&pool, JobKind::Deliver).await.is_some();
    (took, gone && !deliveries)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_is_heard_by_whoever_waits_runs_or_is_deaf() {
    let pool = database().await;
    let waiting = submitted(&pool, "U1").await;
    let start = Instant::now();
    queue::cancel(&pool, waiting.id).await.unwrap();
    let at_once = start.elapsed();
    assert_eq!(now(&pool, waiting.id).await.state, RequestState::Cancelled);
    let ((obedient, clean), (deaf, gone)) = futures::join!(cancelled_in("U1"), cancelled_in(DEAF));
    Row {
        number: "18",
        fault: "cancelled while queued; while running; while nothing can interrupt it",
        bar: "at once; ≤ 6 s; ≤ 6 s with the process gone; no file".to_owned(),
        measured: format!("{}; {}; {}", seconds(at_once), seconds(obedient), seconds(deaf)),
        test: "process::a_cancellation_is_heard_by_whoever_waits_runs_or_is_deaf",
    }
    .judge(at_once <= Duration::from_secs(1) && obedient.max(deaf) <= Duration::from_secs(6) && clean && gone);
}
