//! Logs, on stderr or in a file, as text or JSON.

use std::{fs::File, io::IsTerminal as _, path::Path, sync::Arc};

use anyhow::Context as _;
use tracing_subscriber::{EnvFilter, fmt::writer::BoxMakeWriter};

use crate::config::Config;

/// Logs of a lasting process.
pub(super) fn service(config: &Config) -> anyhow::Result<()> {
    init(config, &config.log_filter, BoxMakeWriter::new(std::io::stderr), std::io::stderr().is_terminal())
}

/// Logs of a command that shows its progress itself: warnings, unless `SEGMENT_LOG` asks for something else.
pub(super) fn command(config: &Config) -> anyhow::Result<()> {
    let filter = if config.log_filter == "info" { "warn" } else { &config.log_filter };
    init(config, filter, BoxMakeWriter::new(std::io::stderr), std::io::stderr().is_terminal())
}

/// Logs at the end of `file`, which several processes may share.
pub(super) fn into_file(config: &Config, file: &Path) -> anyhow::Result<()> {
    let log = File::options()
        .create(true)
        .append(true)
        .open(file)
        .with_context(|| format!("cannot write {}", file.display()))?;
    init(config, &config.log_filter, BoxMakeWriter::new(Arc::new(log)), false)
}

/// The client of S3 tells what it met in words for its makers; whoever called it says the same in ours.
const QUIET: &str = "aws_=off";

/// Where the decoders of files are; a damaged file may make them panic, and whoever called them says so in words.
const DECODERS: &str = "polars";

/// Panics of decoders go to the log at level debug, all others as usual to stderr.
fn quiet_decoders() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| match panic.location() {
        Some(place) if place.file().contains(DECODERS) => tracing::debug!(%panic, "a decoder gave up"),
        _ => usual(panic),
    }));
}

fn init(config: &Config, filter: &str, writer: BoxMakeWriter, colours: bool) -> anyhow::Result<()> {
    quiet_decoders();
    let filter =
        EnvFilter::try_new(format!("{QUIET},{filter}")).with_context(|| format!("SEGMENT_LOG is `{filter}`"))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(colours);
    if config.log_json {
        log.json().flatten_event(true).init();
    } else {
        log.with_target(false).init();
    }
    Ok(())
}
