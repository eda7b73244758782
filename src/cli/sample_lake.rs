//! `sample-lake`: data of a fictional advertiser.

use std::path::PathBuf;

use chrono::NaiveDate;

use super::{output, progress::Bars};
use crate::{
    clock,
    demo::sample_lake::{self, SampleOptions},
    progress::Report as _,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder to write; `catalog.toml` goes there too.
    #[arg(long)]
    out: PathBuf,
    #[arg(long, default_value_t = 100_000)]
    users: u64,
    #[arg(long, default_value_t = 180)]
    days: u16,
    /// How often a day each person may come: 2 gives twice the events of 1.
    #[arg(long, default_value_t = 1)]
    visits: u8,
    /// The same options with the same seed give the same bytes.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The newest day with events; yesterday in Japan otherwise.
    #[arg(long)]
    last_day: Option<NaiveDate>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let yesterday = || clock::last_full_day(clock::now(), chrono_tz::Asia::Tokyo);
    let options = SampleOptions {
        users: args.users,
        days: args.days,
        visits: args.visits,
        seed: args.seed,
        last_day: args.last_day.unwrap_or_else(yesterday),
    };
    let bars = Bars::default();
    bars.stage("writing the sample lake");
    let written =
        tokio::task::block_in_place(|| sample_lake::write(&args.out, &options, &|done, of| bars.advance(done, of)));
    bars.finish();
    let written = written?;
    output::line(format!(
        "{}: {} people, {} events, {} of them purchases, up to {}",
        args.out.display(),
        written.users,
        written.events,
        written.purchases,
        options.last_day,
    ));
    Ok(())
}
