//! `features build|list|describe|verify`: the nightly batch, what its columns mean and hold, and whether they are whole.

mod describe;

use std::process::ExitCode;

use anyhow::Context as _;
use chrono::NaiveDate;

use super::{
    output,
    progress::Bars,
    stores::{Stores, newest_full_day},
};
use crate::{
    catalog::Catalog,
    clock,
    config::Config,
    features::{self, Batch, Meaning, Memory, Snapshot, TableRows},
    model::Replays,
    texts::grouped,
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Build the snapshots that scoring on a day and training for it need; what exists is kept.
    Build {
        /// The snapshot's day; without it, the newest day that is over and has data.
        #[arg(long)]
        as_of: Option<NaiveDate>,
        /// Build the snapshot of that day again although it is there, such as when `verify` finds it damaged.
        #[arg(long, requires = "as_of")]
        again: bool,
    },
    /// Say what each feature of the catalog means, in Japanese and English, its unit, and what a missing value means.
    List {
        /// Say it as one JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Say how each feature of a snapshot is distributed, what is missing, and how far it drifted since the snapshot before.
    Describe(describe::Args),
    /// Read stored snapshots again and compare every part with its manifest.
    Verify {
        /// The snapshot's day; without it, every snapshot.
        #[arg(long)]
        as_of: Option<NaiveDate>,
    },
}

pub(super) async fn run(command: Command, config: &Config) -> anyhow::Result<ExitCode> {
    match command {
        Command::Build { as_of, again } => build(as_of, again, config).await,
        Command::List { json } => list(json, config),
        Command::Describe(args) => describe::run(args, config).await,
        Command::Verify { as_of } => verify(as_of, config).await,
    }
}

async fn build(as_of: Option<NaiveDate>, again: bool, config: &Config) -> anyhow::Result<ExitCode> {
    super::threads(config.threads)?;
    let stores = Stores::open(config).await?;
    let as_of = match as_of {
        Some(day) => day,
        None => newest_full_day(&stores).await?,
    };
    let bars = Bars::default();
    let Stores { lake, store, catalog } = &stores;
    let memory = Memory::new(config.memory_bytes)?;
    let batch = Batch { lake, store, catalog, memory, reporter: &bars };
    let built = if again { batch.build_again(as_of).await.map(|()| vec![as_of]) } else { batch.build(as_of).await };
    let built = built.with_context(|| format!("the snapshot of {as_of} could not be built"))?;
    bars.finish();
    if built.is_empty() {
        output::line(format!("The snapshots for {as_of} are there already."));
    }
    if built.contains(&as_of) {
        let snapshot = Snapshot::of(store, as_of).await?;
        let said = snapshot.manifest().tables.iter().flat_map(TableRows::sentences);
        said.for_each(|sentence| output::line(format!("{sentence}.")));
    }
    for day in &built {
        output::line(format!("Built the snapshot of {day}."));
    }
    if config.snapshots_kept > 0 {
        let gone = features::retire(lake, store, catalog, config.snapshots_kept, clock::now().into()).await;
        for day in gone.context("what is no longer needed could not be removed")? {
            output::line(format!("Removed the snapshot of {day}."));
        }
        if let Some(oldest) = Snapshot::days(store).await?.first() {
            Replays { store }.retire(*oldest).await.context("old replays could not be removed")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(json: bool, config: &Config) -> anyhow::Result<ExitCode> {
    let meanings = features::meanings(&Catalog::load(&config.catalog)?);
    if json {
        output::line(serde_json::to_string_pretty(&meanings)?);
    } else {
        meanings.iter().flat_map(lines).for_each(output::line);
    }
    Ok(ExitCode::SUCCESS)
}

fn lines(meaning: &Meaning) -> [String; 4] {
    let Meaning { name: _, columns, words, unit, null } = meaning;
    [
        columns.join("  "),
        format!("  {}。単位：{}。欠損値：{}", words.ja, unit.ja, null.ja),
        format!("  {}. Unit: {}. Null: {}", words.en, unit.en, null.en),
        String::new(),
    ]
}

/// Goes on after a damaged snapshot, so that one run names them all.
async fn verify(as_of: Option<NaiveDate>, config: &Config) -> anyhow::Result<ExitCode> {
    let store = Stores::open(config).await?.store;
    let days = match as_of {
        Some(day) => vec![day],
        None => Snapshot::days(&store).await?,
    };
    if days.is_empty() {
        output::line("There is no snapshot yet.");
    }
    let mut code = ExitCode::SUCCESS;
    for day in days {
        match Snapshot::verified(&store, day).await {
            Ok(snapshot) => {
                let manifest = snapshot.manifest();
                let (parts, people) = (grouped(manifest.parts.len() as u64), grouped(manifest.rows));
                output::line(format!("{day}: as it was written. Parts: {parts}; people: {people}"));
            }
            Err(error) => {
                output::failure(&error.into());
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}
