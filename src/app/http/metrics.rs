//! `/metrics`: the queue, the data and the models as numbers, for Prometheus.

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::{Duration, Instant},
};

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use prometheus_client::{
    encoding::text::encode,
    metrics::{family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};
use tokio::sync::Mutex;

use super::Health;
use crate::{
    catalog::Catalog,
    clock,
    config::Secret,
    digest::sha256_hex,
    lake::Store,
    pipeline::{Freshness, freshness},
    queue::{self, QueueError},
};

/// However often somebody asks, the database and the store are asked no more often than this.
const NUMBERS_STAY: Duration = Duration::from_secs(5);
const DATA_STAYS: Duration = Duration::from_mins(1);

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// What proxies add: whoever came through one is not our Prometheus.
const FORWARDED: [&str; 3] = ["forwarded", "x-forwarded-for", "x-real-ip"];

type Labels = Vec<(&'static str, String)>;
type Real = Gauge<f64, AtomicU64>;

/// What the numbers are taken from.
#[derive(Debug, Clone)]
pub(in crate::app) struct Metrics {
    pub(in crate::app) health: Health,
    pub(in crate::app) catalog: Arc<Catalog>,
    pub(in crate::app) store: Store,
    pub(in crate::app) token: Option<Secret>,
    pub(in crate::app) seen: Arc<Mutex<Seen>>,
}

/// The last answers, and when they were found.
#[derive(Debug, Default)]
pub(in crate::app) struct Seen {
    text: Option<(Instant, String)>,
    data: Option<(Instant, Option<Freshness>)>,
}

pub(super) async fn metrics(State(metrics): State<Metrics>, headers: HeaderMap) -> Response {
    if !metrics.may_read(&headers) {
        return StatusCode::NOT_FOUND.into_response();
    }
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], metrics.text().await).into_response()
}

impl Metrics {
    /// With a token, whoever has it; without one, whoever did not come through a proxy.
    fn may_read(&self, headers: &HeaderMap) -> bool {
        let Some(token) = &self.token else { return FORWARDED.iter().all(|name| !headers.contains_key(*name)) };
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        // Hashes tell nothing by the time that comparing them takes.
        given.is_some_and(|given| sha256_hex(given) == sha256_hex(token.expose()))
    }

    async fn text(&self) -> String {
        let mut seen = self.seen.lock().await;
        if let Some((at, text)) = &seen.text
            && at.elapsed() < NUMBERS_STAY
        {
            return text.clone();
        }
        let data = match &seen.data {
            Some((at, data)) if at.elapsed() < DATA_STAYS => data.clone(),
            _ => {
                let found = freshness(&self.catalog, &self.store).await;
                let found = found.inspect_err(|error| tracing::warn!(%error, "the models cannot be counted"));
                let found = found.unwrap_or_default();
                seen.data = Some((Instant::now(), found.clone()));
                found
            }
        };
        let mut registry = Registry::with_prefix("segment_bot");
        let queue = queue_numbers(&mut registry, &self.health).await;
        let is_up = queue.inspect_err(|error| tracing::warn!(%error, "the queue cannot be counted")).is_ok();
        gauge(&mut registry, "database_up", "Whether the database answers", u8::from(is_up).into());
        let is_installed = self.health.slack.dead_code().is_none();
        let help = "Whether Slack takes our token, as far as it said";
        gauge(&mut registry, "slack_installed", help, u8::from(is_installed).into());
        if let Some(data) = data {
            self.data_numbers(&mut registry, &data);
        }
        let mut text = String::new();
        encode(&mut text, &registry).expect("writing into memory succeeds");
        seen.text = Some((Instant::now(), text.clone()));
        text
    }

    fn data_numbers(&self, registry: &mut Registry, data: &Freshness) {
        let last_day = clock::last_full_day(clock::now(), self.catalog.time_zone);
        let age = (last_day - data.as_of).num_days();
        gauge(registry, "snapshot_age_days", "Full days that the newest snapshot lacks", age);
        let ready = Family::<Labels, Gauge>::default();
        registry.register("model_ready", "Whether a product's model for the newest snapshot is there", ready.clone());
        for (product, is_there) in &data.models {
            ready.get_or_create(&vec![("product", product.to_string())]).set(i64::from(*is_there));
        }
    }
}

async fn queue_numbers(registry: &mut Registry, health: &Health) -> Result<(), QueueError> {
    let requests = Family::<Labels, Gauge>::default();
    registry.register("requests", "Requests that are remembered, by state", requests.clone());
    for tally in queue::tallies(&health.pool).await? {
        requests.get_or_create(&vec![("state", tally.state.as_str().to_owned())]).set(tally.requests);
    }
    let jobs = Family::<Labels, Gauge>::default();
    let oldest = Family::<Labels, Gauge>::default();
    registry.register("jobs", "Jobs that are not over, by kind and state", jobs.clone());
    let help = "How long the oldest of them has been in its state";
    registry.register_with_unit("job_oldest", help, Unit::Seconds, oldest.clone());
    for tally in queue::live_jobs(&health.pool).await? {
        let state = if tally.running { "running" } else { "queued" };
        let labels = vec![("kind", tally.kind.as_str().to_owned()), ("state", state.to_owned())];
        jobs.get_or_create(&labels).set(tally.jobs);
        oldest.get_or_create(&labels).set(tally.oldest_seconds);
    }
    let paused = queue::paused(&health.pool).await?.is_some();
    gauge(registry, "queue_paused", "Whether new segments are held back", paused.into());
    let incidents = queue::open_incidents(&health.pool).await?;
    gauge(registry, "incidents_open", "Causes of failures that are not over", incidents);
    let built = Family::<Labels, Real>::default();
    let help = "How long segments of the last 24 hours took to build";
    registry.register_with_unit("build_duration", help, Unit::Seconds, built.clone());
    for (quantile, seconds) in queue::build_seconds(&health.pool).await? {
        built.get_or_create(&vec![("quantile", quantile.to_string())]).set(seconds);
    }
    Ok(())
}

fn gauge(registry: &mut Registry, name: &str, help: &str, value: i64) {
    let gauge = Gauge::<i64>::default();
    gauge.set(value);
    registry.register(name, help, gauge);
}
