//! Requests for tests, and where they stand.

use std::time::Duration;

use segment_bot::{
    catalog::Locale,
    queue::{self, Backoff, ClaimLimits, DeliverTo, JobKind, Lease, NewRequest, Outcome, Request, Settled},
    segment::{Size, Summary},
};
use sqlx::PgPool;
use uuid::Uuid;

/// A request of `user` that the click `source_key` makes; another click asks for another number of people.
pub(crate) fn new_request(source_key: &str, user: &str) -> NewRequest {
    // So many that a thousand clicks never ask for the same.
    let people = 500 + (segment_bot::digest::stable_hash(0, source_key.as_bytes()) >> 16);
    NewRequest {
        source_key: source_key.to_owned(),
        team: "T1".to_owned(),
        user: user.to_owned(),
        locale: Locale::Ja,
        channel: "C1".to_owned(),
        thread_ts: None,
        deliver_to: DeliverTo::Thread,
        conditions: serde_json::from_value(serde_json::json!({
            "product": "coffee", "genders": ["f"], "age": {"from": 25, "to": 39}, "regions": ["13"],
            "size": {"people": people}, "exclude_converted": {"days": 90},
        }))
        .unwrap(),
        priority: 0,
    }
}

/// A request of `user` for the same people as every other of these, under a name of its own.
pub(crate) fn same_request(user: &str) -> NewRequest {
    let mut new = new_request(&Uuid::new_v4().to_string(), user);
    new.conditions.size = Size::People(500);
    new.conditions.name = Some(format!("Campaign of {user}"));
    new
}

/// Submits a request of `user`, by a click of its own.
pub(crate) async fn submitted(pool: &PgPool, user: &str) -> Request {
    let click = Uuid::new_v4().to_string();
    queue::submit(pool, &new_request(&click, user)).await.unwrap().request
}

/// The request as it stands now.
pub(crate) async fn now(pool: &PgPool, id: Uuid) -> Request {
    queue::request_by_id(pool, id).await.unwrap().unwrap()
}

/// Limits for tests: no caps, and waits so short that a test need not.
pub(crate) fn limits(lease: Duration) -> ClaimLimits {
    let backoff = Backoff { first: Duration::from_millis(1), longest: Duration::from_millis(1) };
    ClaimLimits { backoff, ..ClaimLimits::new(lease) }
}

/// Claims the next job of `kind` for half a minute.
pub(crate) async fn claimed(pool: &PgPool, kind: JobKind) -> Option<Lease> {
    queue::claim(pool, kind, "test", &limits(Duration::from_secs(30))).await.unwrap()
}

/// Claims the next job of `kind` and ends it this way.
pub(crate) async fn performed(pool: &PgPool, kind: JobKind, outcome: Outcome) {
    let lease = claimed(pool, kind).await.unwrap();
    assert_eq!(queue::settle(pool, &lease, outcome).await.unwrap(), Settled::Yes);
}

/// A summary of nothing much.
pub(crate) fn summary() -> Summary {
    serde_json::from_value(serde_json::json!({
        "as_of": "2026-11-22", "model_id": "m1", "model_reused": true,
        "waterfall": {"people": 10, "matching": 5, "opted_out": 1, "converted": 1, "eligible": 3, "delivered": 2},
        "quality": {
            "auc": 0.7, "auc_low": 0.6, "auc_high": 0.8, "positives": 100, "base_rate": 0.1,
            "expected": 1.0, "expected_low": 0, "expected_high": 2, "expected_random": 0.5, "lift": 2.0,
        },
        "rules": [], "rules_fidelity": 0.9, "factors": [], "breakdown": {"age": [], "gender": [], "region": []},
        "files": [], "stages_ms": [["scoring", 12]],
    }))
    .unwrap()
}
