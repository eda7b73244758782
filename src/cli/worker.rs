//! `worker`: one segment at a time, from the queue.

use std::path::PathBuf;

use super::{logging, signals};
use crate::{app, config::Config, jobs};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How logs and the queue call this worker.
    #[arg(long)]
    name: Option<String>,
    /// End when stdin closes, so that a worker does not outlive the service that started it.
    #[arg(long, hide = true)]
    while_stdin_open: bool,
    /// Where to log instead of stderr.
    #[arg(long, hide = true)]
    log_file: Option<PathBuf>,
}

pub(super) async fn run(args: Args, config: Config) -> anyhow::Result<()> {
    match &args.log_file {
        Some(file) => logging::into_file(&config, file)?,
        None => logging::service(&config)?,
    }
    super::threads(config.threads)?;
    let name = args.name.unwrap_or_else(|| format!("worker-{}", std::process::id()));
    signals::until_signalled(|stopping| async move {
        if args.while_stdin_open {
            jobs::follow_parent(stopping.clone())?;
        }
        app::work(config, name, stopping).await
    })
    .await
}
