//! `segment verify`: the same bytes again, or which differ.

use std::{path::PathBuf, process::ExitCode};

use super::{output, progress::Bars, stores::Stores};
use crate::{
    config::Config,
    pipeline::{Check, build_segment::BuildContext, verify},
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A segment's manifest.json, with its files beside it.
    manifest: PathBuf,
    /// Threads; `SEGMENT_THREADS` otherwise.
    #[arg(long)]
    threads: Option<usize>,
}

pub(super) async fn run(args: &Args, config: &Config) -> anyhow::Result<ExitCode> {
    super::threads(args.threads.unwrap_or(config.threads))?;
    let stores = Stores::open(config).await?;
    let bars = Bars::default();
    let context = BuildContext { catalog: &stores.catalog, store: &stores.store };
    let checks = verify(context, &args.manifest, &bars).await;
    bars.finish();
    let checks = checks?;
    for check in &checks {
        if check.holds() {
            output::line(format!("same       {}", check.what));
        } else {
            output::line(format!("DIFFERENT  {}: expected {}, found {}", check.what, check.expected, check.found));
        }
    }
    let same = checks.iter().all(Check::holds);
    output::line(if same { "The segment is exactly what its manifest says." } else { "The segment differs." });
    Ok(if same { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
