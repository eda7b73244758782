//! The HTTP server: Slack's routes, and whether the service is well.

mod connections;
mod metrics;

use std::net::SocketAddr;

use anyhow::Context as _;
use axum::{Router, extract::State, http::StatusCode, routing::get};
use sqlx::{Connection as _, PgPool};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{config::Config, queue::QueueError, slack::SlackClient};

pub(super) use metrics::Metrics;

/// Where the service listens, already bound: whoever asks from now on is answered.
#[derive(Debug)]
pub struct BoundListener {
    listener: TcpListener,
    address: SocketAddr,
}

impl BoundListener {
    /// At `SEGMENT_LISTEN`.
    pub async fn bind(config: &Config) -> anyhow::Result<Self> {
        Self::at(config.listen).await
    }

    /// On any free port of this machine.
    pub async fn bind_free() -> anyhow::Result<Self> {
        Self::at(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    async fn at(address: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen at {address}; SEGMENT_LISTEN chooses another address"))?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// The address with its real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves `routes` and the questions of operators until `stopping`; open requests are answered first.
    pub(super) async fn serve(
        self,
        routes: Router,
        metrics: Metrics,
        stopping: CancellationToken,
    ) -> anyhow::Result<()> {
        tracing::info!(address = %self.address, "listening");
        let health = metrics.health.clone();
        let numbers = Router::new().route("/metrics", get(metrics::metrics)).with_state(metrics);
        let questions = Router::new().route("/healthz", get(|| async { "ok" })).route("/readyz", get(ready));
        let all = routes.merge(questions.with_state(health)).merge(numbers);
        connections::serve(self.listener, all, stopping).await;
        Ok(())
    }
}

/// What readiness depends on.
#[derive(Debug, Clone)]
pub(super) struct Health {
    pub(super) pool: PgPool,
    pub(super) slack: SlackClient,
}

/// Whether a click could be kept and answered now.
async fn ready(State(health): State<Health>) -> (StatusCode, String) {
    let answered = async { Ok::<_, QueueError>(health.pool.acquire().await?.ping().await?) };
    if let Err(error) = answered.await {
        tracing::warn!(%error, "the database does not answer");
        return (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer".to_owned());
    }
    let Some(code) = health.slack.dead_code() else { return (StatusCode::OK, "ready".to_owned()) };
    let body = format!(
        "Slack says that this installation is gone ({code}): nothing is sent until the app is installed again or SLACK_BOT_TOKEN is replaced"
    );
    (StatusCode::SERVICE_UNAVAILABLE, body)
}
