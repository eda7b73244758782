//! `model`: train, look into, use and hand on models, from files and without Slack.

mod bar;
mod compare;
mod fitting;
mod lightgbm;
mod options;
mod out_file;
mod score;
mod show;
mod train;
mod usage;

use std::{fs, path::Path};

use anyhow::Context as _;
use gbdt::Gbdt;
use tokio_util::sync::CancellationToken;

use super::{output, signals};
use crate::config::Config;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Learn from a table who will say yes, and write the model.
    Train(Box<train::Args>),
    /// Say what a model is made of and, with data, how good it is.
    Show(show::Args),
    /// Compare two models on a table with outcomes.
    Compare(compare::Args),
    /// Write the probability of each row of a table.
    Score(score::Args),
    /// Write a model as a text file that `LightGBM` reads.
    Export(lightgbm::Export),
    /// Make a model of a text file that `LightGBM` wrote.
    Import(lightgbm::Import),
}

pub(super) async fn run(command: Command, config: &Config) -> anyhow::Result<()> {
    let threads = match &command {
        Command::Train(args) => args.threads,
        Command::Score(args) => args.threads,
        Command::Show(_) | Command::Compare(_) | Command::Export(_) | Command::Import(_) => None,
    };
    super::threads(threads.unwrap_or(config.threads))?;
    signals::until_signalled(|stopping| async move {
        let work = tokio::task::spawn_blocking(move || perform(command, &stopping));
        work.await.context("the command broke off")?
    })
    .await
}

fn perform(command: Command, stopping: &CancellationToken) -> anyhow::Result<()> {
    match command {
        Command::Train(args) => train::run(&args, stopping),
        Command::Show(args) => show::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Score(args) => score::run(&args, stopping),
        Command::Export(args) => lightgbm::export(&args),
        Command::Import(args) => lightgbm::import(&args),
    }
}

fn read_model(path: &Path) -> anyhow::Result<Gbdt> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Gbdt::from_bytes(&bytes).with_context(|| format!("{} is not a model that can be used", path.display()))
}

fn say_json(report: &impl serde::Serialize) -> anyhow::Result<()> {
    output::line(serde_json::to_string(report)?);
    Ok(())
}

fn warn(notes: &[String]) {
    for note in notes {
        tracing::warn!("{note}");
    }
}
