//! `demo`: a private Postgres, a sample lake, a stand-in for Slack, the service, and one request played through.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;

use super::{logging, output, progress::Bars, signals, words};
use crate::{
    app::{self, BoundListener, Workers},
    clock,
    config::Config,
    demo::{
        local_slack::LocalSlack,
        postgres::Cluster,
        site::{self, Site},
        tour::{self, Thread},
    },
    pipeline::{
        Suppress,
        build_segment::{Ask, BuildContext, DEFAULT_SEED, build_segment},
    },
    progress::Report as _,
    queue,
    segment::Draft,
};

/// The log of the service and its workers, in the demo's folder.
const LOG: &str = "segment-bot.log";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where everything is kept between runs.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// People in the sample lake.
    #[arg(long, default_value_t = 100_000)]
    users: u64,
    /// Port of the page; another one is taken when it is in use.
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// The program local-slack; deploy/prepare installs it.
    #[arg(long, env = "SEGMENT_LOCAL_SLACK")]
    local_slack: Option<PathBuf>,
}

pub(super) async fn run(args: Args, environment: Config) -> anyhow::Result<()> {
    let folder = match &args.dir {
        Some(dir) => std::path::absolute(dir)?,
        None => cache()?.join("demo"),
    };
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let log = folder.join(LOG);
    logging::into_file(&environment, &log)?;
    signals::until_signalled(|stopping| play(args, folder, stopping))
        .await
        .with_context(|| format!("the demo ended early; its log is {}", log.display()))
}

async fn play(args: Args, folder: PathBuf, stopping: CancellationToken) -> anyhow::Result<()> {
    let bars = Bars::default();
    bars.say(&format!("Everything of the demo is kept in {}", folder.display()));
    let yesterday = clock::last_full_day(clock::now(), chrono_tz::Asia::Tokyo);
    let prepared = tokio::select! {
        prepared = Site::prepare(&folder, args.users, yesterday, &bars) => prepared,
        () = stopping.cancelled() => return Ok(()),
    };
    let site = prepared?;
    let Some(program) = local_slack(args.local_slack) else {
        bars.finish();
        output::line("local-slack is not here (deploy/prepare installs it with npm), so this plays in the terminal.");
        return in_the_terminal(&site, &bars).await;
    };
    bars.stage("starting Postgres");
    let cluster = Site::cluster(&folder).await?;
    let door = BoundListener::bind_free().await?;
    bars.stage("starting local-slack");
    let events = format!("http://{}/slack/events", door.address());
    let slack = LocalSlack::start(&program, &folder, &events, args.port).await?;
    let ended =
        with_slack(Stage { site, cluster: &cluster, slack: &slack, door, folder: &folder }, &bars, stopping).await;
    bars.finish();
    slack.stop().await;
    tokio::task::block_in_place(|| cluster.stop());
    output::line("Stopped everything; the next start reuses the data.");
    ended
}

/// What runs on the demo's stage.
struct Stage<'a> {
    site: Site,
    cluster: &'a Cluster,
    slack: &'a LocalSlack,
    door: BoundListener,
    folder: &'a Path,
}

async fn with_slack(stage: Stage<'_>, bars: &Bars, stopping: CancellationToken) -> anyhow::Result<()> {
    let variables = stage.site.variables(stage.cluster, stage.slack);
    let config = site::config(&variables)?;
    let pool = queue::connect(config.require_database()?).await?;
    queue::migrate(&pool).await?;
    let worker = Workers { environment: variables, log: Some(stage.folder.join(LOG)) };
    let mut serving = tokio::spawn(app::serve(config, stage.door, Some(worker), stopping.clone()));
    bars.stage("playing one request");
    tokio::select! {
        ended = &mut serving => return ended?.context("the service ended"),
        () = stopping.cancelled() => {}
        played = tour::play(stage.slack, &pool) => {
            bars.finish();
            match played {
                Ok(thread) => invite(stage.slack, &thread),
                // The page can still be used and looked at.
                Err(error) => output::line(format!("The scripted request did not work: {error}")),
            }
        }
    }
    // Runs until Ctrl-C.
    serving.await?
}

fn invite(slack: &LocalSlack, thread: &Thread) {
    output::line("");
    output::line(format!("A finished thread:  {}", slack.thread_url(crate::demo::local_slack::CHANNEL, &thread.ts)));
    output::line(format!("  with {}", thread.files.join(", ")));
    output::line(format!("Try it yourself:    {}", slack.page()));
    output::line("  type /segment into #campaign-planning for the form, or for example");
    output::line("  /segment product=coffee age=30-59 region=kanto size=2000 --go");
    output::line("Ctrl-C stops everything.");
}

/// The same request without Slack.
async fn in_the_terminal(site: &Site, bars: &Bars) -> anyhow::Result<()> {
    let text = tour::TEXT.trim_end_matches("--go").trim();
    output::line(format!("{} {text}", tour::COMMAND));
    let draft = Draft::from_text(&site.catalog, text)?;
    let conditions = draft.check(&site.catalog).map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
    let ask = Ask {
        request: "demo".to_owned(),
        conditions,
        as_of: Some(site.as_of),
        seed: DEFAULT_SEED,
        suppress: Suppress::Current,
        replays: None,
    };
    let built = build_segment(BuildContext { catalog: &site.catalog, store: &site.store }, &ask, bars).await;
    bars.finish();
    for line in words::summary(&built?.summary, &ask.conditions) {
        output::line(line);
    }
    output::line("The files are in the demo's folder, below lake/segments/demo.");
    Ok(())
}

fn local_slack(given: Option<PathBuf>) -> Option<PathBuf> {
    let installed =
        || cache().ok().map(|cache| cache.join("local-slack/node_modules/local-slack-linux-x64/bin/local-slack"));
    given.or_else(installed).filter(|program| program.is_file())
}

/// Where deploy/prepare installs and the demo keeps its data.
fn cache() -> anyhow::Result<PathBuf> {
    let home = std::env::home_dir().context("there is no home folder; choose one with --dir")?;
    Ok(home.join(".cache/segment-bot"))
}
