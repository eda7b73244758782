//! The command line: one thin file per command, results on stdout, errors in plain words on stderr.

mod catalog;
mod columns;
mod csv;
mod demo;
mod doctor;
mod features;
mod healthcheck;
mod logging;
mod migrate;
mod model;
mod output;
mod progress;
mod queue;
mod sample_lake;
mod segment;
mod serve;
mod signals;
mod stores;
mod suppression;
mod verify;
mod warm;
mod words;
mod worker;

use std::{process::ExitCode, time::Duration};

use anyhow::Context as _;
use clap::{Parser, Subcommand};

use crate::config::Config;

/// Ask for an advertising audience in Slack; get the people most likely to convert, as a CSV, in the same thread.
#[derive(Debug, Parser)]
#[command(name = "segment-bot", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer Slack, deliver results, and look after the worker processes.
    Serve(serve::Args),
    /// Build the segments that wait in the queue; may run on other machines than `serve`.
    Worker(worker::Args),
    /// Compare the catalog with the lake.
    #[command(subcommand)]
    Catalog(catalog::Command),
    /// Turn the lake's events into snapshots of features.
    #[command(subcommand)]
    Features(features::Command),
    /// Build or verify a segment without Slack.
    #[command(subcommand)]
    Segment(segment::Command),
    /// Name people whom nobody may contact; they are left out of every segment.
    #[command(subcommand)]
    Suppression(suppression::Command),
    /// Train, judge and use models on files of your own, without Slack.
    #[command(subcommand)]
    Model(model::Command),
    /// See what waits, runs and failed; pause, drain, retry, cancel.
    #[command(subcommand)]
    Queue(queue::Command),
    /// Bring the database's tables up to date.
    Migrate,
    /// Check everything that the service needs and say what to fix.
    Doctor(doctor::Args),
    /// Write the data of a fictional advertiser.
    SampleLake(sample_lake::Args),
    /// Run everything on this machine, with nothing set up, and play one request.
    Demo(demo::Args),
    /// Ask the running service whether it is well; for containers.
    Healthcheck,
}

/// Runs the command line and says how it ended: 0, 1 for a failure, 2 for wrong usage.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    match start(cli.command) {
        Ok(code) => code,
        Err(error) => {
            output::failure(&error);
            ExitCode::FAILURE
        }
    }
}

fn start(command: Command) -> anyhow::Result<ExitCode> {
    let config = Config::from_env().context("some environment variables cannot be used")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(dispatch(command, config));
    // A build that is still computing must not hold up the end of the process.
    runtime.shutdown_timeout(Duration::from_millis(200));
    ended
}

async fn dispatch(command: Command, config: Config) -> anyhow::Result<ExitCode> {
    match &command {
        Command::Serve(_) => logging::service(&config)?,
        // These two may log into a file.
        Command::Worker(_) | Command::Demo(_) => {}
        _ => logging::command(&config)?,
    }
    match command {
        Command::Serve(args) => serve::run(args, config).await?,
        Command::Worker(args) => worker::run(args, config).await?,
        Command::Catalog(command) => return catalog::run(command, &config).await,
        Command::Features(command) => return features::run(command, &config).await,
        Command::Segment(command) => return segment::run(command, &config).await,
        Command::Suppression(command) => suppression::run(command, &config).await?,
        Command::Model(command) => model::run(command, &config).await?,
        Command::Queue(command) => queue::run(command, &config).await?,
        Command::Migrate => migrate::run(&config).await?,
        Command::Doctor(args) => return doctor::run(&args, &config).await,
        Command::SampleLake(args) => sample_lake::run(&args)?,
        Command::Demo(args) => demo::run(args, config).await?,
        Command::Healthcheck => healthcheck::run(&config).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Sets how many threads computations get; 0 leaves it at every core.
fn threads(count: usize) -> anyhow::Result<()> {
    if count > 0 {
        rayon::ThreadPoolBuilder::new()
            .num_threads(count)
            .build_global()
            .context("the threads could not be started")?;
    }
    Ok(())
}
