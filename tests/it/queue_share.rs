//! Equal requests: one computation, everybody answered, nobody lost.

use std::time::Duration;

use segment_bot::{
    queue::{self, CancelOutcome, JobKind, NewRequest, Outcome, Request, RequestState},
    segment::{Failure, Summary},
};
use sqlx::PgPool;

use crate::support::{
    database::database,
    requests::{claimed, now, performed, same_request, summary},
};

async fn asked(pool: &PgPool, users: &[&str]) -> Vec<Request> {
    let mut requests = Vec::new();
    for user in users {
        requests.push(queue::submit(pool, &same_request(user)).await.unwrap().request);
    }
    requests
}

async fn states(pool: &PgPool, requests: &[Request]) -> Vec<RequestState> {
    let mut states = Vec::new();
    for request in requests {
        states.push(now(pool, request.id).await.state);
    }
    states
}

async fn jobs(pool: &PgPool, kind: &str) -> i64 {
    let sql = "select count(*) from job where kind = $1";
    sqlx::query_scalar(sql).bind(kind).fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn equal_requests_are_computed_once_and_everybody_gets_the_files() {
    let pool = database().await;
    let requests = asked(&pool, &["U1", "U2", "U3"]).await;
    let mut other = same_request("U4");
    other.conditions.control_percent = 5;
    let other = queue::submit(&pool, &other).await.unwrap().request;
    assert_eq!(jobs(&pool, "segment").await, 2, "the other one asks for other people");
    let leader = &requests[0];
    assert_eq!(requests[1].built_by, Some(leader.id));
    assert_eq!((requests[2].built_by_number, requests[2].folder()), (Some(leader.number), leader.id.to_string()));
    assert_eq!(other.built_by, None);

    performed(&pool, JobKind::Segment, Outcome::SegmentDone(summary())).await;
    assert_eq!(states(&pool, &requests).await, [RequestState::Delivering; 3]);
    for request in &requests {
        assert_eq!(
            now(&pool, request.id).await.summary.map(|Summary { model_id, .. }| model_id),
            Some("m1".to_owned())
        );
    }
    for _ in 0..3 {
        performed(&pool, JobKind::Deliver, Outcome::Delivered).await;
        performed(&pool, JobKind::Notify, Outcome::Notified).await;
    }
    assert_eq!(states(&pool, &requests).await, [RequestState::Done; 3]);
    assert_eq!(states(&pool, &[other]).await, [RequestState::Queued]);
}

#[tokio::test]
async fn equal_requests_at_the_same_moment_are_computed_once() {
    let pool = database().await;
    let news: Vec<NewRequest> = (0..8).map(|user| same_request(&format!("U{user}"))).collect();
    let submitted = futures::future::try_join_all(news.iter().map(|new| queue::submit(&pool, new))).await.unwrap();
    assert!(submitted.iter().all(|submitted| submitted.fresh));
    assert_eq!(jobs(&pool, "segment").await, 1);
    assert_eq!(submitted.iter().filter(|submitted| submitted.request.built_by.is_none()).count(), 1);
}

#[tokio::test]
async fn another_teams_request_is_never_shared() {
    let pool = database().await;
    asked(&pool, &["U1"]).await;
    let mut other = same_request("U1");
    other.team = "T2".to_owned();
    assert_eq!(queue::submit(&pool, &other).await.unwrap().request.built_by, None);
}

#[tokio::test]
async fn when_the_first_is_cancelled_the_next_builds_it() {
    let pool = database().await;
    let requests = asked(&pool, &["U1", "U2", "U3"]).await;
    assert_eq!(queue::cancel(&pool, requests[0].id).await.unwrap(), CancelOutcome::Now);
    let lease = claimed(&pool, JobKind::Segment).await.unwrap();
    assert_eq!(lease.request_id, requests[1].id);
    assert_eq!(now(&pool, requests[2].id).await.built_by, Some(requests[1].id));
    // While it runs, too.
    assert_eq!(queue::cancel(&pool, requests[1].id).await.unwrap(), CancelOutcome::Stopping);
    queue::settle(&pool, &lease, Outcome::Cancelled).await.unwrap();
    performed(&pool, JobKind::Segment, Outcome::SegmentDone(summary())).await;
    let expected = [RequestState::Cancelled, RequestState::Cancelled, RequestState::Delivering];
    assert_eq!(states(&pool, &requests).await, expected);
}

#[tokio::test]
async fn one_who_waits_for_the_same_can_cancel_alone() {
    let pool = database().await;
    let requests = asked(&pool, &["U1", "U2"]).await;
    assert_eq!(queue::cancel(&pool, requests[1].id).await.unwrap(), CancelOutcome::Now);
    performed(&pool, JobKind::Segment, Outcome::SegmentDone(summary())).await;
    assert_eq!(states(&pool, &requests).await, [RequestState::Delivering, RequestState::Cancelled]);
    assert_eq!(jobs(&pool, "deliver").await, 1);
}

#[tokio::test]
async fn a_failure_is_told_to_everybody_once_and_each_may_try_again() {
    let pool = database().await;
    let requests = asked(&pool, &["U1", "U2"]).await;
    performed(&pool, JobKind::Segment, Outcome::Failed(Failure::DataUnreadable)).await;
    assert_eq!(states(&pool, &requests).await, [RequestState::Failed; 2]);
    assert_eq!(jobs(&pool, "notify").await, 2);
    assert!(queue::retry(&pool, requests[1].id).await.unwrap());
    let lease = claimed(&pool, JobKind::Segment).await.unwrap();
    assert_eq!((lease.request_id, now(&pool, requests[1].id).await.built_by), (requests[1].id, None));
    assert_eq!(queue::settle(&pool, &lease, Outcome::SegmentDone(summary())).await.unwrap(), queue::Settled::Yes);
    assert_eq!(states(&pool, &requests).await, [RequestState::Failed, RequestState::Delivering]);
}

#[tokio::test]
async fn what_is_no_better_than_chance_waits_for_each_persons_word() {
    let pool = database().await;
    let requests = asked(&pool, &["U1", "U2"]).await;
    let doubt = Failure::NoBetterThanChance { day: None, picked: 0, came: 0, random: 0 };
    performed(&pool, JobKind::Segment, Outcome::Failed(doubt)).await;
    assert_eq!(states(&pool, &requests).await, [RequestState::Failed; 2]);
    assert_eq!(jobs(&pool, "deliver").await, 0);
    assert!(queue::unshown_incidents(&pool, Duration::ZERO).await.unwrap().is_empty(), "no operator can mend it");

    assert!(queue::retry(&pool, requests[1].id).await.unwrap());
    assert!(now(&pool, requests[1].id).await.anyway);
    assert!(!now(&pool, requests[0].id).await.anyway);
    let third = asked(&pool, &["U3"]).await;
    assert_eq!(third[0].built_by, None, "who did not say so does not get what waits for nobody's word");
    performed(&pool, JobKind::Segment, Outcome::SegmentDone(summary())).await;
    assert_eq!(states(&pool, &requests).await, [RequestState::Failed, RequestState::Delivering]);
    let asked = &requests[1].conditions;
    assert_eq!(queue::finished_same(&pool, "T1", asked, summary().as_of).await.unwrap(), None);

    performed(&pool, JobKind::Segment, Outcome::Failed(Failure::DataUnreadable)).await;
    assert!(queue::retry(&pool, third[0].id).await.unwrap());
    assert!(!now(&pool, third[0].id).await.anyway, "another failure is no such word");
}

#[tokio::test]
async fn a_worker_that_dies_takes_nobody_who_waits_with_it() {
    let pool = database().await;
    let requests = asked(&pool, &["U1", "U2"]).await;
    let lost = claimed(&pool, JobKind::Segment).await.unwrap();
    sqlx::query("update job set lease_until = now() where id = $1").bind(lost.job_id).execute(&pool).await.unwrap();
    queue::reap(&pool).await.unwrap();
    performed(&pool, JobKind::Segment, Outcome::SegmentDone(summary())).await;
    assert_eq!(states(&pool, &requests).await, [RequestState::Delivering; 2]);
}

#[tokio::test]
async fn a_finished_segment_is_used_again_on_the_same_data_only() {
    let pool = database().await;
    let first = &asked(&pool, &["U1"]).await[0];
    let of = first.conditions.clone();
    let day = summary().as_of;
    assert_eq!(queue::finished_same(&pool, "T1", &of, day).await.unwrap(), None, "it is not finished");
    performed(&pool, JobKind::Segment, Outcome::SegmentDone(summary())).await;
    let found = queue::finished_same(&pool, "T1", &of, day).await.unwrap().unwrap();
    assert_eq!(found.id, first.id);
    let tomorrow = day.succ_opt().unwrap();
    assert_eq!(queue::finished_same(&pool, "T1", &of, tomorrow).await.unwrap(), None);
    assert_eq!(queue::finished_same(&pool, "T2", &of, day).await.unwrap(), None);

    let click = same_request("U2");
    let shared = queue::submit_sharing(&pool, &click, &found).await.unwrap();
    assert!(shared.fresh && !queue::submit_sharing(&pool, &click, &found).await.unwrap().fresh);
    let request = now(&pool, shared.request.id).await;
    assert_eq!((request.state, request.folder()), (RequestState::Delivering, first.id.to_string()));
    assert_eq!(request.summary, found.summary);
    assert_eq!((jobs(&pool, "segment").await, jobs(&pool, "deliver").await), (1, 2));
}

#[tokio::test]
async fn a_higher_priority_starts_first_within_the_caps() {
    let pool = database().await;
    let usual = queue::submit(&pool, &same_request("U1")).await.unwrap().request;
    let mut urgent = same_request("U2");
    (urgent.priority, urgent.conditions.control_percent) = (5, 5);
    let urgent = queue::submit(&pool, &urgent).await.unwrap().request;
    assert_eq!(claimed(&pool, JobKind::Segment).await.unwrap().request_id, urgent.id);
    assert_eq!(claimed(&pool, JobKind::Segment).await.unwrap().request_id, usual.id);
}
