//! `features build`: the nightly batch.

use anyhow::Context as _;
use chrono::NaiveDate;

use super::{
    output,
    progress::Bars,
    stores::{Stores, newest_full_day},
};
use crate::{config::Config, features};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Build the snapshots that scoring on a day and training for it need; what exists is kept.
    Build {
        /// The snapshot's day; without it, the newest day that is over and has data.
        #[arg(long)]
        as_of: Option<NaiveDate>,
    },
}

pub(super) async fn run(command: Command, config: &Config) -> anyhow::Result<()> {
    let Command::Build { as_of } = command;
    super::threads(config.threads)?;
    let stores = Stores::open(config).await?;
    let as_of = match as_of {
        Some(day) => day,
        None => newest_full_day(&stores).await?,
    };
    let bars = Bars::default();
    let built = features::build(&stores.lake, &stores.store, &stores.catalog, as_of, &bars)
        .await
        .with_context(|| format!("the snapshot of {as_of} could not be built"))?;
    bars.finish();
    if built.is_empty() {
        output::line(format!("The snapshots for {as_of} are there already."));
    }
    for day in built {
        output::line(format!("Built the snapshot of {day}."));
    }
    Ok(())
}
