//! How often Slack lets itself be called: a bucket of tokens per method, and per channel for posts, shared by the whole process.
//!
//! A Retry-After closes that bucket to the second, for everybody. Who waits for nobody (a person's click) takes a token that
//! is not there yet, so later calls wait longer; nobody hurried ever stands behind work that is not.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tokio::time::Instant;

use crate::slack::client::{CallPriority, Method};

/// More buckets than this are looked through for full ones, which need not be kept.
const BUCKETS_KEPT: usize = 1_000;

/// Calls a minute that are allowed, and how many of them at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rate {
    pub(super) per_minute: f64,
    pub(super) at_once: f64,
}

/// What shares one bucket.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    method: Method,
    /// Slack counts posts by channel.
    channel: Option<String>,
}

impl Key {
    pub(super) fn of(method: Method, body: &Value) -> Self {
        Self::new(method, body["channel"].as_str())
    }

    pub(super) fn new(method: Method, channel: Option<&str>) -> Self {
        let by_channel = method == Method::ChatPostMessage;
        Self { method, channel: channel.filter(|_| by_channel).map(str::to_owned) }
    }
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    /// Below 0 when hurried calls took ahead.
    tokens: f64,
    at: Instant,
    /// Slack said to wait until then.
    closed_until: Option<Instant>,
}

impl Bucket {
    fn fill(&mut self, rate: Rate, now: Instant) {
        let seconds = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = (self.tokens + seconds * rate.per_minute / 60.0).min(rate.at_once);
        self.at = self.at.max(now);
        self.closed_until = self.closed_until.filter(|until| *until > now);
    }

    /// How long until this pace may call.
    fn wait(&self, rate: Rate, now: Instant, pace: CallPriority) -> Duration {
        let closed = self.closed_until.map_or(Duration::ZERO, |until| until - now);
        let missing = match pace {
            CallPriority::Hurried => 0.0,
            CallPriority::Unhurried | CallPriority::InPassing => (1.0 - self.tokens).max(0.0),
        };
        closed.max(Duration::from_secs_f64(missing * 60.0 / rate.per_minute))
    }
}

/// All buckets of the process.
#[derive(Debug, Default)]
pub(super) struct Budget(Mutex<HashMap<Key, Bucket>>);

impl Budget {
    /// Takes a token, or says how long to wait before asking again.
    pub(super) fn take(&self, key: &Key, pace: CallPriority, now: Instant) -> Result<(), Duration> {
        self.with(key, now, |bucket, rate| match bucket.wait(rate, now, pace) {
            Duration::ZERO => {
                bucket.tokens -= 1.0;
                Ok(())
            }
            wait => Err(wait),
        })
    }

    /// How long a call would have to wait.
    pub(super) fn wait(&self, key: &Key, pace: CallPriority, now: Instant) -> Duration {
        self.with(key, now, |bucket, rate| bucket.wait(rate, now, pace))
    }

    /// Slack wants no such call for so long.
    pub(super) fn close(&self, key: &Key, retry_after: Duration, now: Instant) {
        self.with(key, now, |bucket, _| {
            let until = now + retry_after;
            let until = bucket.closed_until.map_or(until, |closed| closed.max(until));
            bucket.closed_until = Some(until);
            // Who waited for this starts one by one.
            bucket.tokens = bucket.tokens.min(1.0);
            bucket.at = until;
        });
    }

    fn with<T>(&self, key: &Key, now: Instant, work: impl FnOnce(&mut Bucket, Rate) -> T) -> T {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= BUCKETS_KEPT && !buckets.contains_key(key) {
            buckets.retain(|key, bucket| {
                let rate = key.method.rate();
                bucket.fill(rate, now);
                bucket.tokens < rate.at_once || bucket.closed_until.is_some()
            });
        }
        let rate = key.method.rate();
        let full = Bucket { tokens: rate.at_once, at: now, closed_until: None };
        let bucket = buckets.entry(key.clone()).or_insert(full);
        bucket.fill(rate, now);
        work(bucket, rate)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn post(channel: &str) -> Key {
        Key::of(Method::ChatPostMessage, &json!({ "channel": channel }))
    }

    /// Whether a call at this second, counted from `start`, may be made.
    fn taken(budget: &Budget, key: &Key, at: Instant) -> bool {
        budget.take(key, CallPriority::Unhurried, at).is_ok()
    }

    #[test]
    fn no_minute_has_more_calls_than_slack_allows() {
        let (budget, start) = (Budget::default(), Instant::now());
        let join = Key::of(Method::ConversationsJoin, &json!({ "channel": "C1" }));
        let allowed = |second: u64| taken(&budget, &join, start + Duration::from_secs(second));
        let calls = (0..60).flat_map(|second| [second; 5]).filter(|second| allowed(*second)).count();
        assert!((45..=50).contains(&calls), "{calls}");
    }

    #[test]
    fn a_channel_gets_a_post_a_second_and_others_do_not_wait_for_it() {
        let (budget, start) = (Budget::default(), Instant::now());
        let posts = (0..50).filter(|_| taken(&budget, &post("C1"), start)).count();
        assert_eq!(posts, 3, "a few at once");
        let wait = budget.take(&post("C1"), CallPriority::Unhurried, start).unwrap_err();
        assert_eq!(wait, Duration::from_secs(1));
        assert!(taken(&budget, &post("C2"), start));
        assert!(taken(&budget, &post("C1"), start + wait));
    }

    #[test]
    fn a_retry_after_closes_one_bucket_for_everybody() {
        let (budget, start) = (Budget::default(), Instant::now());
        budget.close(&post("C1"), Duration::from_secs(7), start);
        budget.close(&post("C1"), Duration::from_secs(3), start);
        for pace in [CallPriority::Hurried, CallPriority::Unhurried] {
            assert_eq!(budget.take(&post("C1"), pace, start), Err(Duration::from_secs(7)));
            assert_eq!(budget.take(&post("C2"), pace, start), Ok(()));
        }
        let after = start + Duration::from_secs(7);
        assert!(taken(&budget, &post("C1"), after) && !taken(&budget, &post("C1"), after), "one by one");
    }

    #[test]
    fn whoever_hurries_takes_ahead() {
        let (budget, start) = (Budget::default(), Instant::now());
        let open = Key::of(Method::ViewsOpen, &json!({}));
        while taken(&budget, &open, start) {}
        assert_eq!(budget.take(&open, CallPriority::Hurried, start), Ok(()));
        assert!(budget.wait(&open, CallPriority::Unhurried, start) > budget.wait(&open, CallPriority::Hurried, start));
    }

    #[test]
    fn full_buckets_are_not_kept() {
        let (budget, start) = (Budget::default(), Instant::now());
        for n in 0..3 * BUCKETS_KEPT {
            let at = start + Duration::from_secs(u64::try_from(n).unwrap());
            assert!(taken(&budget, &post(&n.to_string()), at));
        }
        assert!(budget.0.lock().unwrap().len() <= BUCKETS_KEPT);
    }
}
