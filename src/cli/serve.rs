//! `serve`: Slack, delivery, and the worker processes.

use clap::ArgAction;

use super::signals;
use crate::{
    app::{self, BoundListener, Workers},
    config::Config,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Also run worker processes here; `--with-worker=false` when they run elsewhere.
    #[arg(long, action = ArgAction::Set, default_value_t = true, num_args = 0..=1, require_equals = true,
          default_missing_value = "true")]
    with_worker: bool,
}

pub(super) async fn run(args: Args, config: Config) -> anyhow::Result<()> {
    let workers = args.with_worker.then(Workers::default);
    let door = BoundListener::bind(&config).await?;
    signals::until_signalled(|stopping| app::serve(config, door, workers, stopping)).await
}
