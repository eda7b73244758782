//! Promises of the queue, each on a real database.

use std::{collections::HashSet, time::Duration};

use segment_bot::{
    queue::{
        self, Beat, CancelOutcome, ClaimLimits, Fenced, JobKind, MessageRef, Outcome, QueueError, RequestState,
        Settled, Wake,
    },
    segment::Failure,
};
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{
    database::database,
    requests::{claimed, limits, new_request, now, performed, submitted, summary},
};

const SHORT: Duration = Duration::from_millis(30);

/// Lets a short lease run out and takes the job back.
async fn worker_lost(pool: &PgPool) -> bool {
    let lease = queue::claim(pool, JobKind::Segment, "doomed", &limits(SHORT)).await.unwrap().unwrap();
    tokio::time::sleep(2 * SHORT).await;
    let reaped = queue::reap(pool).await.unwrap();
    assert_eq!((reaped.len(), reaped[0].job_id), (1, lease.job_id));
    reaped[0].again
}

#[tokio::test]
async fn a_request_comes_back_as_it_was_asked() {
    let pool = database().await;
    let new = new_request("V1", "U1");
    let request = queue::submit(&pool, &new).await.unwrap().request;
    assert_eq!((&request.conditions, request.locale), (&new.conditions, new.locale));
    assert_eq!((request.number, request.state, request.version, request.shown), (1, RequestState::Queued, 1, 0));
    assert_eq!(request.reference.len(), 8);
    assert_eq!(queue::request(&pool, 1).await.unwrap().unwrap(), request);
    assert_eq!(queue::request(&pool, 2).await.unwrap(), None);
}

#[tokio::test]
async fn a_repeated_click_starts_one_job() {
    let pool = database().await;
    let new = new_request("V1", "U1");
    let clicks = (0..10).map(|_| queue::submit(&pool, &new));
    let submitted = futures::future::try_join_all(clicks).await.unwrap();
    assert_eq!(submitted.iter().filter(|submitted| submitted.fresh).count(), 1);
    assert_eq!(submitted.iter().map(|submitted| submitted.request.id).collect::<HashSet<_>>().len(), 1);
    let jobs: i64 = sqlx::query_scalar("select count(*) from job").fetch_one(&pool).await.unwrap();
    assert_eq!(jobs, 1);
}

#[tokio::test]
async fn a_request_whose_job_cannot_be_stored_is_not_stored() {
    let pool = database().await;
    sqlx::query("alter table job add check (owner_key <> 'T1:U1')").execute(&pool).await.unwrap();
    queue::submit(&pool, &new_request("V1", "U1")).await.unwrap_err();
    assert_eq!(queue::requests_of(&pool, "T1", "U1", 5).await.unwrap(), []);
}

#[tokio::test]
async fn one_requesters_jobs_run_in_the_order_of_asking() {
    let pool = database().await;
    let first = submitted(&pool, "U1").await;
    let second = submitted(&pool, "U1").await;
    assert_eq!(claimed(&pool, JobKind::Segment).await.unwrap().request_id, first.id);
    assert_eq!(claimed(&pool, JobKind::Segment).await.unwrap().request_id, second.id);
    assert_eq!(claimed(&pool, JobKind::Segment).await, None);
    let newest_first = queue::requests_of(&pool, "T1", "U1", 5).await.unwrap();
    assert_eq!(newest_first.iter().map(|request| request.number).collect::<Vec<_>>(), [2, 1]);
}

#[tokio::test]
async fn no_more_run_than_the_caps_allow() {
    let pool = database().await;
    for user in ["A", "A", "A", "B", "B", "C"] {
        submitted(&pool, user).await;
    }
    let caps = ClaimLimits { running_max: 4, running_per_owner_max: 2, ..limits(Duration::from_secs(30)) };
    let mut started = Vec::new();
    while let Some(lease) = queue::claim(&pool, JobKind::Segment, "w", &caps).await.unwrap() {
        started.push(now(&pool, lease.request_id).await.user);
    }
    assert_eq!(started, ["A", "B", "C", "A"], "requesters take turns, and the fourth fills the cap");
}

#[tokio::test]
async fn who_asks_once_does_not_wait_behind_who_asks_often() {
    let pool = database().await;
    for user in ["A", "A", "A", "B", "A", "C"] {
        submitted(&pool, user).await;
    }
    let mut started = Vec::new();
    while let Some(lease) = claimed(&pool, JobKind::Segment).await {
        started.push(now(&pool, lease.request_id).await.user);
        queue::settle(&pool, &lease, Outcome::SegmentDone(summary())).await.unwrap();
    }
    assert_eq!(started, ["A", "B", "C", "A", "A", "A"]);
}

#[tokio::test]
async fn the_place_is_the_order_of_starting() {
    let pool = database().await;
    let mut requests = Vec::new();
    for user in ["A", "A", "A", "B"] {
        requests.push(submitted(&pool, user).await);
    }
    let running = claimed(&pool, JobKind::Segment).await.unwrap();
    let mut places = Vec::new();
    for request in &requests {
        places.push(queue::place(&pool, request.id).await.unwrap().map(|place| (place.position, place.eta)));
    }
    assert_eq!(places, [None, Some((2, None)), Some((3, None)), Some((1, None))]);

    queue::settle(&pool, &running, Outcome::SegmentDone(summary())).await.unwrap();
    sqlx::query("update job set started_at = finished_at - interval '40 s' where finished_at is not null")
        .execute(&pool)
        .await
        .unwrap();
    claimed(&pool, JobKind::Segment).await.unwrap();
    let place = queue::place(&pool, requests[2].id).await.unwrap().unwrap();
    let eta = place.eta.unwrap();
    assert_eq!((place.position, eta.likely), (2, 80));
    assert!(eta.is_unsure(), "one segment says little: {eta:?}");
}

#[tokio::test]
async fn an_expired_lease_is_taken_over_and_the_late_worker_changes_nothing() {
    let pool = database().await;
    let request = submitted(&pool, "U1").await;
    let slow = queue::claim(&pool, JobKind::Segment, "slow", &limits(SHORT)).await.unwrap().unwrap();
    queue::note(&pool, &slow, &json!({"s3_key": "a"})).await.unwrap();
    tokio::time::sleep(2 * SHORT).await;
    assert_eq!(queue::reap(&pool).await.unwrap().len(), 1);
    assert_eq!(queue::reap(&pool).await.unwrap().len(), 0);
    let second = claimed(&pool, JobKind::Segment).await.unwrap();
    assert_eq!((second.job_id, second.attempt, second.failures), (slow.job_id, 2, 1));
    assert_eq!(second.progress, json!({"s3_key": "a"}), "what the first noted is there to resume from");

    let before = now(&pool, request.id).await;
    assert!(matches!(queue::note(&pool, &slow, &json!({"s3_key": "b"})).await, Err(Fenced::Lost)));
    assert!(matches!(queue::report(&pool, &slow, "scoring", 1, 2).await, Err(Fenced::Lost)));
    let mut conn = pool.acquire().await.unwrap();
    assert_eq!(queue::beat(&mut conn, &slow, SHORT).await.unwrap(), Beat::Lost);
    for outcome in
        [Outcome::SegmentDone(summary()), Outcome::Failed(Failure::Internal), Outcome::Cancelled, Outcome::HandBack]
    {
        assert_eq!(queue::settle(&pool, &slow, outcome).await.unwrap(), Settled::TooLate);
    }
    assert_eq!(now(&pool, request.id).await, before);
    assert_eq!(queue::settle(&pool, &second, Outcome::SegmentDone(summary())).await.unwrap(), Settled::Yes);
    assert_eq!(queue::settle(&pool, &second, Outcome::SegmentDone(summary())).await.unwrap(), Settled::TooLate);
}

#[tokio::test]
async fn a_beat_keeps_the_lease() {
    let pool = database().await;
    submitted(&pool, "U1").await;
    let lease = queue::claim(&pool, JobKind::Segment, "w", &limits(SHORT)).await.unwrap().unwrap();
    let mut conn = pool.acquire().await.unwrap();
    assert_eq!(queue::beat(&mut conn, &lease, Duration::from_secs(30)).await.unwrap(), Beat::Alive);
    tokio::time::sleep(2 * SHORT).await;
    assert_eq!(queue::reap(&pool).await.unwrap(), []);
}

#[tokio::test]
async fn a_job_whose_worker_dies_three_times_fails_and_the_requester_is_told_once() {
    let pool = database().await;
    let request = submitted(&pool, "U1").await;
    assert!(worker_lost(&pool).await);
    assert_eq!(now(&pool, request.id).await.state, RequestState::Queued);
    assert!(worker_lost(&pool).await);
    assert!(!worker_lost(&pool).await);
    let failed = now(&pool, request.id).await;
    assert_eq!((failed.state, failed.failure), (RequestState::Failed, Some(Failure::WorkerLost)));
    assert_eq!(claimed(&pool, JobKind::Segment).await, None);
    performed(&pool, JobKind::Notify, Outcome::Notified).await;
    assert_eq!(claimed(&pool, JobKind::Notify).await, None);
    assert_eq!(now(&pool, request.id).await.state, RequestState::Failed);
}

#[tokio::test]
async fn what_may_pass_is_tried_again_after_a_wait_and_then_fails() {
    let pool = database().await;
    let request = submitted(&pool, "U1").await;
    let patient = ClaimLimits::new(Duration::from_secs(30));
    let lease = queue::claim(&pool, JobKind::Segment, "w", &patient).await.unwrap().unwrap();
    queue::settle(&pool, &lease, Outcome::Failed(Failure::StorageUnreachable)).await.unwrap();
    assert_eq!(claimed(&pool, JobKind::Segment).await, None, "five seconds have not passed");
    assert_eq!(now(&pool, request.id).await.state, RequestState::Queued);
    let wait: f64 = sqlx::query_scalar("select extract(epoch from run_at - now())::float8 from job")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert!((3.0..=5.0).contains(&wait), "{wait}");

    sqlx::query("update job set run_at = now()").execute(&pool).await.unwrap();
    performed(&pool, JobKind::Segment, Outcome::Failed(Failure::StorageUnreachable)).await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    performed(&pool, JobKind::Segment, Outcome::Failed(Failure::StorageUnreachable)).await;
    assert_eq!(now(&pool, request.id).await.failure, Some(Failure::StorageUnreachable));
}

#[tokio::test]
async fn what_cannot_pass_fails_at_once() {
    let pool = database().await;
    let request = submitted(&pool, "U1").await;
    let failure = Failure::TooSmall { people: 3, smallest: 100 };
    performed(&pool, JobKind::Segment, Outcome::Failed(failure.clone())).await;
    let failed = now(&pool, request.id).await;
    assert_eq!((failed.state, failed.failure), (RequestState::Failed, Some(failure)));
    assert!(failed.finished_at.is_some());
}

#[tokio::test]
async fn a_job_past_its_deadline_fails_even_while_its_worker_beats() {
    let pool = database().await;
    let request = submitted(&pool, "U1").await;
    let hasty = ClaimLimits { deadline: SHORT, ..limits(Duration::from_secs(30)) };
    let lease = queue::claim(&pool, JobKind::Segment, "w", &hasty).await.unwrap().unwrap();
    tokio::time::sleep(2 * SHORT).await;
    let mut conn = pool.acquire().await.unwrap();
    assert_eq!(queue::beat(&mut conn, &lease, SHORT).await.unwrap(), Beat::Lost);
    assert_eq!(queue::reap(&pool).await.unwrap().len(), 1);
    assert_eq!(now(&pool, request.id).await.failure, Some(Failure::TookTooLong));
}

#[tokio::test]
async fn segment_then_deliver_then_notify() {
    let pool = database().await;
    let request = submitted(&pool, "U1").await;
    performed(&pool, JobKind::Segment, Outcome::SegmentDone(summary())).await;
    let delivering = now(&pool, request.id).await;
    assert_eq!((delivering.state, delivering.summary), (RequestState::Delivering, Some(summary())));
    assert_eq!(queue::cancel(&pool, request.id).await.unwrap(), CancelOutcome::TooLate(RequestState::Delivering));
    performed(&pool, JobKind::Deliver, Outcome::Delivered).await;
    assert_eq!(now(&pool, request.id).await.state, RequestState::Delivering);
    performed(&pool, JobKind::Notify, Outcome::Notified).await;
    let done = now(&pool, request.id).await;
    assert_eq!(done.state, RequestState::Done);
    assert!(done.started_at < done.finished_at);
    for kind in [JobKind::Segment, JobKind::Deliver, JobKind::Notify] {
        assert_eq!(claimed(&pool, kind).await, None);
    }
}

#[tokio::test]
async fn a_delivered_request_is_done_even_when_the_last_word_cannot_be_said() {
    let pool = database().await;
    let request = submitted(&pool, "U1").await;
    performed(&pool, JobKind::Segment, Outcome::SegmentDone(summary())).await;
    performed(&pool, JobKind::Deliver, Outcome::Delivered).await;
    let refused = Failure::SlackRefused { reason: "is_archived".to_owned() };
    performed(&pool, JobKind::Notify, Outcome::Failed(refused)).await;
    assert_eq!(now(&pool, request.id).await.state, RequestState::Done);
}

#[tokio::test]
async fn an_outcome_of_another_kind_fails_the_job() {
    let pool = database().await;
    let request = submitted(&pool, "U1").await;
    performed(&pool, JobKind::Segment, Outcome::Notified).await;
    assert_eq!(now(&pool, request.id).await.failure, Some(Failure::Internal));
}

#[tokio::test]
async fn a_handed_back_job_is_taken_up_at_once_and_nothing_is_counted() {
    let pool = database().await;
    let request = submitted(&pool, "U1").await;
    performed(&pool, JobKind::Segment, Outcome::HandBack).await;
    assert_eq!(now(&pool, request.id).await.state, RequestState::Queued);
    let lease = claimed(&pool, JobKind::Segment).await.unwrap();
    assert_eq!((lease.attempt, lease.failures), (2, 0));
}

#[tokio::test]
async fn a_job_with_nothing_to_do_yet_is_taken_up_later_and_nothing_is_counted() {
    let pool = database().await;
    submitted(&pool, "U1").await;
    performed(&pool, JobKind::Segment, Outcome::Later(SHORT)).await;
    assert_eq!(claimed(&pool, JobKind::Segment).await, None);
    tokio::time::sleep(SHORT).await;
    let lease = claimed(&pool, JobKind::Segment).await.unwrap();
    assert_eq!((lease.attempt, lease.failures), (2, 0));
}

#[tokio::test]
async fn a_waiting_request_is_cancelled_at_once() {
    let pool = database().await;
    let request = submitted(&pool, "U1").await;
    assert_eq!(queue::cancel(&pool, request.id).await.unwrap(), CancelOutcome::Now);
    assert_eq!(now(&pool, request.id).await.state, RequestState::Cancelled);
    assert_eq!(claimed(&pool, JobKind::Segment).await, None);
    assert_eq!(queue::cancel(&pool, request.id).await.unwrap(), CancelOutcome::TooLate(RequestState::Cancelled));
    let unknown = queue::cancel(&pool, Uuid::new_v4()).await;
    assert!(matches!(unknown, Err(QueueError::NoSuchRequest(_))));
}

#[tokio::test]
async fn a_running_request_is_cancelled_by_its_worker_or_when_that_is_lost() {
    let pool = database().await;
    for outcome in [Outcome::Cancelled, Outcome::HandBack, Outcome::Failed(Failure::Internal)] {
        let request = submitted(&pool, "U1").await;
        let lease = claimed(&pool, JobKind::Segment).await.unwrap();
        assert_eq!(queue::cancel(&pool, request.id).await.unwrap(), CancelOutcome::Stopping);
        let mut conn = pool.acquire().await.unwrap();
        assert_eq!(queue::beat(&mut conn, &lease, SHORT).await.unwrap(), Beat::CancelAsked);
        queue::settle(&pool, &lease, outcome).await.unwrap();
        assert_eq!(now(&pool, request.id).await.state, RequestState::Cancelled);
    }
    let request = submitted(&pool, "U1").await;
    queue::claim(&pool, JobKind::Segment, "doomed", &limits(SHORT)).await.unwrap().unwrap();
    queue::cancel(&pool, request.id).await.unwrap();
    tokio::time::sleep(2 * SHORT).await;
    assert!(!queue::reap(&pool).await.unwrap()[0].again);
    assert_eq!(now(&pool, request.id).await.state, RequestState::Cancelled);
}

#[tokio::test]
async fn a_failed_request_can_be_tried_again_where_it_failed() {
    let pool = database().await;
    let request = submitted(&pool, "U1").await;
    assert!(!queue::retry(&pool, request.id).await.unwrap(), "it has not failed");
    performed(&pool, JobKind::Segment, Outcome::Failed(Failure::DataUnreadable)).await;
    assert!(queue::retry(&pool, request.id).await.unwrap());
    assert!(!queue::retry(&pool, request.id).await.unwrap());
    let again = now(&pool, request.id).await;
    assert_eq!((again.state, again.failure), (RequestState::Queued, None));
    performed(&pool, JobKind::Segment, Outcome::SegmentDone(summary())).await;

    let deliver = claimed(&pool, JobKind::Deliver).await.unwrap();
    queue::note(&pool, &deliver, &json!({"file": "F1"})).await.unwrap();
    let refused = Failure::SlackRefused { reason: "not_in_channel".to_owned() };
    queue::settle(&pool, &deliver, Outcome::Failed(refused)).await.unwrap();
    assert!(queue::retry(&pool, request.id).await.unwrap());
    assert_eq!(now(&pool, request.id).await.state, RequestState::Delivering);
    let resumed = claimed(&pool, JobKind::Deliver).await.unwrap();
    assert_eq!((resumed.failures, resumed.progress.clone()), (0, json!({"file": "F1"})));

    // Two notices of failures are still queued; neither ends the request.
    performed(&pool, JobKind::Notify, Outcome::Notified).await;
    performed(&pool, JobKind::Notify, Outcome::Notified).await;
    assert_eq!(now(&pool, request.id).await.state, RequestState::Delivering);

    queue::settle(&pool, &resumed, Outcome::Failed(Failure::DeliveryUnconfirmed)).await.unwrap();
    assert!(queue::retry(&pool, request.id).await.unwrap());
    let anew = claimed(&pool, JobKind::Deliver).await.unwrap();
    assert_eq!(anew.progress, json!({}), "somebody looked and wants the files sent anew");
    queue::settle(&pool, &anew, Outcome::Delivered).await.unwrap();
    performed(&pool, JobKind::Notify, Outcome::Notified).await;
    performed(&pool, JobKind::Notify, Outcome::Notified).await;
    assert_eq!(now(&pool, request.id).await.state, RequestState::Done);
}

#[tokio::test]
async fn the_root_message_is_behind_until_it_shows_the_last_change() {
    let pool = database().await;
    let request = submitted(&pool, "U1").await;
    let later = submitted(&pool, "U2").await;
    let behind = |requests: Vec<queue::Request>| requests.iter().map(|request| request.number).collect::<Vec<_>>();
    assert_eq!(behind(queue::unshown(&pool, 5).await.unwrap()), [1, 2]);
    let root = MessageRef { channel: "C1".to_owned(), ts: "1.2".to_owned() };
    queue::set_root(&pool, request.id, &root).await.unwrap();
    let second = MessageRef { channel: "C1".to_owned(), ts: "9.9".to_owned() };
    queue::set_root(&pool, request.id, &second).await.unwrap();
    queue::mark_shown(&pool, request.id, 1).await.unwrap();
    queue::mark_shown(&pool, later.id, 1).await.unwrap();
    assert_eq!(queue::unshown(&pool, 5).await.unwrap(), []);
    assert_eq!(now(&pool, request.id).await.root, Some(root), "the first stays");

    let lease = claimed(&pool, JobKind::Segment).await.unwrap();
    let both = behind(queue::unshown(&pool, 5).await.unwrap());
    assert_eq!(both, [1, 2], "one runs, and the other moved up");
    queue::report(&pool, &lease, "scoring", 0, 10).await.unwrap();
    let version = now(&pool, request.id).await.version;
    queue::report(&pool, &lease, "scoring", 5, 10).await.unwrap();
    let running = now(&pool, request.id).await;
    assert_eq!((running.version, running.stage_done, running.stage_of), (version, 5, 10));
    sqlx::query("update segment_request set changed_at = now() - interval '4 s'").execute(&pool).await.unwrap();
    queue::report(&pool, &lease, "scoring", 9, 10).await.unwrap();
    assert_eq!(now(&pool, request.id).await.version, version + 1, "numbers are shown every three seconds");
    queue::mark_shown(&pool, request.id, version + 1).await.unwrap();
    queue::mark_shown(&pool, request.id, version).await.unwrap();
    assert_eq!(now(&pool, request.id).await.shown, version + 1, "an older edit does not count");
}

#[tokio::test]
async fn four_claimers_run_two_hundred_jobs_once_each() {
    let pool = database().await;
    for n in 0..200 {
        submitted(&pool, &format!("U{}", n % 7)).await;
    }
    let claimer = async || {
        let mut jobs = Vec::new();
        while let Some(lease) = claimed(&pool, JobKind::Segment).await {
            jobs.push(lease.job_id);
            queue::settle(&pool, &lease, Outcome::SegmentDone(summary())).await.unwrap();
        }
        jobs
    };
    let (a, b, c, d) = futures::join!(claimer(), claimer(), claimer(), claimer());
    let jobs = [a, b, c, d].concat();
    assert_eq!(jobs.len(), 200);
    assert_eq!(jobs.iter().collect::<HashSet<_>>().len(), 200);
}

#[tokio::test]
async fn a_submission_wakes_listeners_and_a_killed_connection_comes_back() {
    let pool = database().await;
    let far = Duration::from_secs(20);
    let mut listener = queue::Listener::start(&pool);
    assert_eq!(listener.next(far).await, Wake::Look, "connected");
    let request = submitted(&pool, "U1").await;
    assert_eq!(listener.next(far).await, Wake::Job("segment".to_owned()));
    assert_eq!(listener.next(far).await, Wake::Request(request.id));
    assert_eq!(listener.next(SHORT).await, Wake::Look, "nothing came");

    sqlx::query("select pg_terminate_backend(pid) from pg_stat_activity where query ilike 'listen %' and datname = current_database()")
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(listener.next(far).await, Wake::Look, "reconnected");
    claimed(&pool, JobKind::Segment).await.unwrap();
    assert_eq!(listener.next(far).await, Wake::Request(request.id));
    queue::cancel(&pool, request.id).await.unwrap();
    assert_eq!(listener.next(far).await, Wake::Cancel(request.id));
}

#[tokio::test]
async fn a_database_that_is_away_is_a_failure_that_may_pass() {
    let pool = database().await;
    pool.close().await;
    // Only a service that ends closes its own.
    assert!(queue::requests_of(&pool, "T1", "U1", 1).await.unwrap_err().is_transient());
    let nowhere = segment_bot::config::Secret::new("postgres://u@127.0.0.1:1/x");
    assert!(queue::connect(&nowhere).await.unwrap_err().is_transient());
    let wrong = segment_bot::config::Secret::new("no address");
    insta::assert_snapshot!(queue::connect(&wrong).await.unwrap_err(), @"DATABASE_URL must begin with postgres://, such as postgres://user:password@host/database; other notations are not read");
}
