//! Wiring: what `serve` and `worker` are made of, and in which order they end.

mod delivery_jobs;
mod http;
mod idle_training;
mod results;
mod segment_job;

use std::{ffi::OsString, future::Future, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use sqlx::PgPool;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use http::BoundListener;
pub use idle_training::Idle;
pub use results::Results;

use crate::{
    catalog::Catalog,
    config::Config,
    jobs::{self, Children, Overrun, WorkerSettings},
    lake::{Store, StoreOptions},
    pipeline::Estimator,
    queue::{self, ClaimLimits, JobKind},
    slack::{
        self, AnnounceSettings, CallPriority, Estimates, IncidentSettings, Method, SlackApp, SlackClient, SlackLook,
    },
    texts::Texts,
};

/// Deliveries and last words at the same time; they only wait for the network.
const DELIVERY_SLOTS: usize = 4;
/// How long a worker process may take to hand back its job; shorter than the service's own patience.
const WORKER_GRACE: Duration = Duration::from_secs(20);

/// How `serve` starts its worker processes.
#[derive(Debug, Clone, Default)]
pub struct Workers {
    /// Variables that they get beside those of this process.
    pub environment: Vec<(String, String)>,
    /// Where they log; this process's stderr otherwise.
    pub log: Option<PathBuf>,
}

/// Answers Slack and delivers, with or without worker processes, until `stopping`.
pub async fn serve(
    config: Config,
    door: BoundListener,
    workers: Option<Workers>,
    stopping: CancellationToken,
) -> anyhow::Result<()> {
    let catalog = Arc::new(Catalog::load(&config.catalog)?);
    let store = open_store(&config).await?;
    let slack_config = config.require_slack()?.clone();
    let client = SlackClient::new(&slack_config)?;
    let pool = open_database(&config).await?;
    let results = Results::new(store.clone(), pool.clone(), catalog.limits);
    let app = SlackApp::new(catalog.clone(), pool.clone(), Arc::new(Texts::load()?), client, slack_config)
        .with_estimates(estimates(catalog.clone(), store.clone()));

    let mut parts = Parts { tasks: JoinSet::new(), stopping: stopping.clone() };
    let health = http::Health { pool: pool.clone(), slack: app.client().clone() };
    let token = config.metrics_token.clone();
    let metrics = http::Metrics { health, catalog, store, token, seen: Arc::default() };
    parts.add("the HTTP server", door.serve(slack::router(app.clone()), metrics, stopping.clone()));
    let watching = app.client().clone().watch_installation(stopping.clone());
    parts.add("the look at the installation", finished(watching));
    let announcing = slack::announce(app.clone(), AnnounceSettings::default(), stopping.clone());
    parts.add("the announcer", finished(announcing));
    let reporting = slack::incidents(app.clone(), IncidentSettings::default(), stopping.clone());
    parts.add("the incidents", finished(reporting));
    if config.slack.as_ref().is_some_and(|slack| slack.app_token.is_some()) {
        parts.add("Socket Mode", finished(slack::socket_mode(app.clone(), stopping.clone())));
    }
    add_delivery_jobs(&mut parts, &config, &app, &pool, results);
    if config.requests_kept_days > 0 {
        let keep = Duration::from_hours(24 * u64::from(config.requests_kept_days));
        parts.add("retention", finished(forget(pool.clone(), keep, stopping.clone())));
    }
    if let Some(workers) = workers {
        parts.add("the workers", finished(jobs::supervise(children(&config, workers)?, stopping)));
    }
    let ended = parts.until_all_ended().await;
    app.finish().await;
    ended
}

/// Removes requests that finished longer than `keep` ago, now and every hour, until `stopping`.
async fn forget(pool: PgPool, keep: Duration, stopping: CancellationToken) {
    loop {
        match queue::forget(&pool, keep).await {
            Ok(0) => {}
            Ok(requests) => tracing::info!(requests, "forgot finished requests"),
            Err(error) => tracing::warn!(%error, "finished requests cannot be removed; trying again in an hour"),
        }
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(Duration::from_hours(1)) => {}
        }
    }
}

/// Counts people for the form on the newest snapshot.
fn estimates(catalog: Arc<Catalog>, store: Store) -> Estimates {
    let estimator = Arc::new(Estimator::new(catalog, store));
    Estimates::new(move |asked| {
        let estimator = estimator.clone();
        async move {
            let counted = estimator.estimate(asked).await;
            counted.inspect_err(|error| tracing::warn!(%error, "people cannot be counted for the form")).ok()
        }
    })
}

/// Builds segments from the queue, one at a time, until `stopping`.
pub async fn work(config: Config, name: String, stopping: CancellationToken) -> anyhow::Result<()> {
    let catalog = Catalog::load(&config.catalog)?;
    let store = open_store(&config).await?;
    let pool = open_database(&config).await?;
    let settings = WorkerSettings { overrun: Overrun::Abort, ..WorkerSettings::new(name, limits(&config)) };
    let catalog = Arc::new(catalog);
    let idle = Idle::new(&settings.name, pool.clone(), catalog.clone(), store.clone());
    let warming = tokio::spawn(idle.train_until(stopping.clone()));
    let shared = Arc::new(segment_job::Shared { catalog, store });
    let perform = move |job| segment_job::perform(shared.clone(), job);
    tracing::info!(worker = settings.name, "waiting for segments to build");
    jobs::run(&pool, JobKind::Segment, &settings, perform, stopping).await;
    Ok(warming.await?)
}

/// Opens the database with its tables up to date.
async fn open_database(config: &Config) -> anyhow::Result<PgPool> {
    let pool = queue::connect(config.require_database()?).await.context("the database cannot be reached")?;
    queue::migrate(&pool).await.context("the database's tables could not be brought up to date")?;
    Ok(pool)
}

async fn open_store(config: &Config) -> anyhow::Result<Store> {
    Store::open_patiently(&config.store, &store_options(config)).await.context("SEGMENT_STORE cannot be opened")
}

/// What the variables say about stores.
pub fn store_options(config: &Config) -> StoreOptions {
    StoreOptions {
        cache_dir: config.cache_dir.clone(),
        cache_bytes: config.cache_bytes,
        s3_path_style: config.s3_path_style,
    }
}

fn children(config: &Config, workers: Workers) -> anyhow::Result<Children> {
    let mut args: Vec<OsString> = vec!["worker".into(), "--while-stdin-open".into()];
    if let Some(log) = workers.log {
        args.extend(["--log-file".into(), log.into()]);
    }
    let mut environment = workers.environment;
    if config.threads > 0 {
        // polars reads its own variable, once.
        environment.push(("POLARS_MAX_THREADS".to_owned(), config.threads.to_string()));
    }
    Ok(Children {
        program: std::env::current_exe().context("this program cannot be found")?,
        args,
        envs: environment.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
        count: usize::from(config.workers),
        grace: WORKER_GRACE,
    })
}

/// The tasks of a service. The first that ends stops the others.
struct Parts {
    tasks: JoinSet<(&'static str, anyhow::Result<()>)>,
    stopping: CancellationToken,
}

impl Parts {
    fn add(&mut self, name: &'static str, part: impl Future<Output = anyhow::Result<()>> + Send + 'static) {
        self.tasks.spawn(async move { (name, part.await) });
    }

    async fn until_all_ended(mut self) -> anyhow::Result<()> {
        let mut failure = Ok(());
        while let Some(ended) = self.tasks.join_next().await {
            let problem = match ended {
                Ok((name, Err(error))) => Some(error.context(format!("{name} failed"))),
                Ok((name, Ok(()))) if !self.stopping.is_cancelled() => Some(anyhow::anyhow!("{name} ended by itself")),
                Ok((_, Ok(()))) => None,
                Err(panic) => Some(anyhow::Error::new(panic)),
            };
            if let (Some(problem), true) = (problem, failure.is_ok()) {
                failure = Err(problem);
            }
            self.stopping.cancel();
        }
        failure
    }
}

async fn finished(part: impl Future<Output = ()>) -> anyhow::Result<()> {
    part.await;
    Ok(())
}

/// What Slack says of the bot's token. With Socket Mode, the app's token is tried as well.
pub async fn look_at_slack(config: &Config) -> anyhow::Result<SlackLook> {
    let slack_config = config.require_slack()?;
    let looked = slack::look(slack_config).await.with_context(|| format!("Slack at {}", slack_config.api_url))?;
    if slack_config.app_token.is_some() {
        let client = SlackClient::new(slack_config)?;
        let opened = client.call(Method::AppsConnectionsOpen, &serde_json::json!({}), CallPriority::Unhurried).await;
        opened.context("SLACK_APP_TOKEN opens no connection; it must be xapp-… with the scope connections:write")?;
    }
    Ok(looked)
}

/// What the operators' channel is called, if the bot may write there; `None` when none is set.
pub async fn operators_channel(config: &Config) -> anyhow::Result<Option<String>> {
    let Some(channel) = &config.require_slack()?.operators_channel else { return Ok(None) };
    let answer = shown_channel(config, channel).await?;
    anyhow::ensure!(answer["is_member"].as_bool() != Some(false), "the bot is not in {channel}");
    Ok(Some(answer["name"].as_str().map_or_else(|| channel.clone(), |name| format!("#{name}"))))
}

/// Looks whether files may go into the channel with this id; the bot joins public ones by itself.
pub async fn takes_files(config: &Config, channel: &str) -> anyhow::Result<()> {
    let answer = shown_channel(config, channel).await?;
    let is = |name: &str| answer[name].as_bool();
    anyhow::ensure!(
        is("is_ext_shared") != Some(true),
        "{channel} is shared with another company, so no file goes there"
    );
    let closed = is("is_private") == Some(true) && is("is_member") == Some(false);
    anyhow::ensure!(!closed, "{channel} is private, and the bot is not in it");
    Ok(())
}

/// What Slack says of a channel that is in use.
async fn shown_channel(config: &Config, channel: &str) -> anyhow::Result<serde_json::Value> {
    let body = serde_json::json!({ "channel": channel });
    let client = SlackClient::new(config.require_slack()?)?;
    let mut answer = client
        .call(Method::ConversationsInfo, &body, CallPriority::Unhurried)
        .await
        .with_context(|| format!("Slack does not show {channel}"))?;
    let channel_found = answer["channel"].take();
    anyhow::ensure!(channel_found["is_archived"].as_bool() != Some(true), "{channel} is archived");
    Ok(channel_found)
}

fn limits(config: &Config) -> ClaimLimits {
    ClaimLimits { running_per_owner_max: i64::from(config.jobs_per_person), ..ClaimLimits::new(config.lease) }
}

/// The two loops that bring results into Slack.
fn add_delivery_jobs(parts: &mut Parts, config: &Config, app: &SlackApp, pool: &PgPool, results: Results) {
    let name = format!("serve-{}", std::process::id());
    let settings =
        WorkerSettings { slots: DELIVERY_SLOTS, ..WorkerSettings::new(name, ClaimLimits::new(config.lease)) };
    let stopping = &parts.stopping.clone();
    let delivering =
        delivery_jobs::deliver(app.clone(), results.clone(), pool.clone(), settings.clone(), stopping.clone());
    parts.add("delivery", finished(delivering));
    let notifying = delivery_jobs::notify(app.clone(), results, pool.clone(), settings, stopping.clone());
    parts.add("the last word", finished(notifying));
}
