//! Many requests in a short time, from the typed command to the last word: all finish, or all are told why.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use segment_bot::{
    jobs::{Job, WorkerSettings},
    queue::{self, JobKind, Outcome, Request, RequestState},
    segment::Failure,
    slack::{
        ConfirmSettings, Delivery, IncidentSettings, ResultFile, ResultFiles, ResultLinks, deliver, incidents, notify,
    },
};
use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    support::{
        requests::summary,
        stage::{Stage, said},
    },
    table::{Row, alone, makespan_max, quick_or_full, seconds},
    workers::{PATIENCE, Worker, settings},
};

/// Far beyond anything here, so that no lease is lost to a busy machine.
const LEASE: Duration = Duration::from_secs(30);
const WORKERS: u32 = 4;
const PEOPLE: usize = 40;
/// Where the stage's operators are told.
const OPERATORS: &str = "COPS";
/// Shorter waits are told as "in a moment".
const WORTH_TELLING: Duration = Duration::from_secs(5);

/// Two hundred in ten seconds; the quick form asks for fewer and longer jobs.
fn size() -> (u32, Duration) {
    quick_or_full((32, Duration::from_secs(8)), (200, Duration::from_secs(10)))
}

/// As many connections as a process of its own has.
async fn own(pool: &PgPool) -> PgPool {
    let options = pool.connect_options().as_ref().clone();
    PgPoolOptions::new().max_connections(10).connect_with(options).await.unwrap()
}

/// The two delivery jobs of the service, as in `app/delivery_jobs.rs`, with one small file.
fn delivery_jobs(stage: &Stage, pool: &PgPool) -> [Worker; 2] {
    let settings = WorkerSettings { slots: 4, ..settings(LEASE) };
    let app = stage.app.clone();
    let delivering = move |job: Job| {
        let app = app.clone();
        async move {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), "user_id\nu1\n").unwrap();
            let path = file.path().to_owned();
            let files = ResultFiles::new(move |_| {
                let found = vec![ResultFile::stored("segment.csv", path.clone())];
                async move { Ok(found) }
            });
            let stop = CancellationToken::new();
            let delivery = Delivery { lease: &job.lease, request: &job.request, stop: &stop };
            deliver(&app, &files, &ConfirmSettings::default(), delivery).await
        }
    };
    let app = stage.app.clone();
    let telling = move |job: Job| {
        let app = app.clone();
        async move {
            let stop = CancellationToken::new();
            notify(&app, &ResultLinks::none(), Delivery { lease: &job.lease, request: &job.request, stop: &stop }).await
        }
    };
    [
        Worker::of(JobKind::Deliver, pool, settings.clone(), delivering),
        Worker::of(JobKind::Notify, pool, settings, telling),
    ]
}

/// What a crowd saw.
struct Crowd {
    refused: usize,
    requests: Vec<Request>,
    /// From the first command to the last made file.
    made_in: Duration,
    /// Last words by requester and request.
    words: Vec<String>,
    shares: usize,
    /// Messages in the operators' channel.
    alarms: usize,
    /// By how much of the real wait the told one was off, of waits that are worth telling.
    eta_errors: Vec<f64>,
}

/// Everybody types within the given time; `time` is what a segment takes a worker, `outcome` how it ends.
async fn crowd((wanted, within): (u32, Duration), time: Duration, outcome: Outcome) -> Crowd {
    let stage = Stage::new().await;
    let delivery_jobs = delivery_jobs(&stage, &own(&stage.pool).await);
    let alarming = CancellationToken::new();
    tokio::spawn(incidents(stage.app.clone(), IncidentSettings::default(), alarming.clone()));
    let mut workers = Vec::new();
    for _ in 0..WORKERS {
        let (pool, outcome) = (own(&stage.pool).await, outcome.clone());
        workers.push(Worker::start(&pool, settings(LEASE), move |_| {
            let outcome = outcome.clone();
            async move {
                sleep(time).await;
                outcome
            }
        }));
    }
    let start = Instant::now();
    let (mut refused, mut told) = (0, HashMap::new());
    for n in 0..wanted {
        sleep((within * n / wanted).saturating_sub(start.elapsed())).await;
        let user = format!("U{}", usize::try_from(n).unwrap() % PEOPLE);
        // No two are the same, for that would be one computation.
        let reply = stage.types_in(&format!("C{user}"), &user, &format!("product=coffee size={} --go", 500 + n)).await;
        refused += usize::from(!said(&reply).starts_with("*#"));
        told.extend(likely_wait(&stage, &user).await);
    }
    while unfinished(&stage, "segment").await > 0 {
        sleep(Duration::from_millis(10)).await;
        assert!(start.elapsed() < 2 * PATIENCE, "the segments do not end");
    }
    let made_in = start.elapsed();
    while unfinished(&stage, "").await > 0 {
        sleep(Duration::from_millis(10)).await;
        // Slack lets itself be asked for an upload some eighty times a minute.
        assert!(start.elapsed() < 6 * PATIENCE, "the last words do not end");
    }
    for worker in workers.into_iter().chain(delivery_jobs) {
        worker.end().await;
    }
    // What happened last is in the operators' channel by now.
    sleep(2 * IncidentSettings::default().poll).await;
    alarming.cancel();
    let mut requests = Vec::new();
    for n in 0..PEOPLE {
        requests.extend(queue::requests_of(&stage.pool, "T1", &format!("U{n}"), 100).await.unwrap());
    }
    let posts = stage.slack.calls("chat.postMessage");
    let words = posts.iter().filter(|post| post["thread_ts"].is_string()).map(|post| post["thread_ts"].to_string());
    let eta_errors = requests.iter().filter_map(|request| {
        let real = (request.started_at? - request.created_at).to_std().ok().filter(|real| *real >= WORTH_TELLING)?;
        Some((told.get(&request.id)?.as_secs_f64() - real.as_secs_f64()).abs() / real.as_secs_f64())
    });
    let eta_errors = eta_errors.collect();
    let alarms = posts.iter().filter(|post| post["channel"] == OPERATORS).count();
    let (words, shares) = (words.collect(), stage.slack.shared().len());
    Crowd { refused, requests, made_in, words, shares, alarms, eta_errors }
}

/// What the last request of `user` is told about its wait; nothing while nothing was measured.
async fn likely_wait(stage: &Stage, user: &str) -> Option<(Uuid, Duration)> {
    let request = queue::requests_of(&stage.pool, "T1", user, 1).await.unwrap().pop()?;
    let eta = queue::place(&stage.pool, request.id).await.unwrap()?.eta?;
    Some((request.id, Duration::from_secs(eta.likely.unsigned_abs())))
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Jobs of `kind`, or of any, that are not over.
async fn unfinished(stage: &Stage, kind: &str) -> i64 {
    let sql = "select count(*) from job where state in ('queued', 'running') and (kind = $1 or $1 = '')";
    sqlx::query_scalar(sql).bind(kind).fetch_one(&stage.pool).await.unwrap()
}

/// The most last words in one thread.
fn most_in_a_thread(words: &[String]) -> usize {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for word in words {
        *counts.entry(word).or_default() += 1;
    }
    counts.into_values().max().unwrap_or_default()
}

/// When the last is made by workers that lose no time, of requests that come evenly.
fn ideal(wanted: u32, within: Duration, time: Duration) -> Duration {
    let mut free = [Duration::ZERO; WORKERS as usize];
    for n in 0..wanted {
        let next = free.iter_mut().min().unwrap();
        *next = (*next).max(within * n / wanted) + time;
    }
    crate::table::longest(&free)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_is_served_without_an_error() {
    let _alone = alone().await;
    let (wanted, within) = size();
    let time = quick_or_full(Duration::from_millis(1_100), Duration::from_millis(600));
    let seen = crowd((wanted, within), time, Outcome::SegmentDone(summary())).await;
    let ideal = ideal(wanted, within, time);
    let ratio = seen.made_in.as_secs_f64() / ideal.as_secs_f64();
    let done = seen.requests.iter().filter(|request| request.state == RequestState::Done).count();
    let waits = seen.requests.iter().filter_map(|request| (request.started_at? - request.created_at).to_std().ok());
    let longest = waits.max().unwrap_or_default();
    let eta_error = median(seen.eta_errors);
    let eta = eta_error.map_or_else(
        || "no wait to foretell".to_owned(),
        |error| format!("waits foretold within {:.0} % in the median", error * 100.0),
    );
    Row {
        number: "A",
        fault: "a crowd: typed commands to the last word, 4 workers, 40 people",
        bar: format!(
            "{wanted} requests in {}, {} of work each: no error, all done, one file and one last word each; makespan ≤ {} × ideal; \
             waits of 5 s and more foretold within 50 % in the median",
            seconds(within),
            seconds(time),
            makespan_max()
        ),
        measured: format!(
            "{} errors, {done} done, {} files, {} last words; {ratio:.3} × ideal ({}); nobody waited above {}; {eta}",
            seen.refused,
            seen.shares,
            seen.words.len(),
            seconds(seen.made_in),
            seconds(longest)
        ),
        test: "load::a_crowd_is_served_without_an_error",
    }
    .judge(
        seen.refused == 0
            && [done, seen.shares, seen.words.len()] == [usize::try_from(wanted).unwrap(); 3]
            && most_in_a_thread(&seen.words) == 1
            && seen.alarms == 0
            && ratio <= makespan_max()
            && eta_error.is_none_or(|error| error <= 0.5),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_whose_every_job_fails_hears_it_once_each() {
    let _alone = alone().await;
    let (wanted, within) = quick_or_full((80, Duration::from_secs(4)), size());
    let seen = crowd((wanted, within), Duration::from_millis(5), Outcome::Failed(Failure::Internal)).await;
    let failed = seen.requests.iter().filter(|request| request.state == RequestState::Failed).count();
    Row {
        number: "B",
        fault: "the same crowd, and every attempt fails",
        bar: format!(
            "{wanted} requests in {}: all failed, one last word each, no file, one message to the operators",
            seconds(within)
        ),
        measured: format!(
            "{} errors to commands, {failed} failed, {} last words, at most {} a thread, {} files, {} message to the operators",
            seen.refused,
            seen.words.len(),
            most_in_a_thread(&seen.words),
            seen.shares,
            seen.alarms
        ),
        test: "load::a_crowd_whose_every_job_fails_hears_it_once_each",
    }
    .judge(
        (seen.refused, seen.shares) == (0, 0)
            && [failed, seen.words.len()] == [usize::try_from(wanted).unwrap(); 2]
            && most_in_a_thread(&seen.words) == 1
            && seen.alarms == 1,
    );
}
