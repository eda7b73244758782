//! `suppression`: the list of people whom nobody may contact, put in force, shown, taken out of force.

use std::path::PathBuf;

use anyhow::Context as _;

use super::{output, stores::Stores};
use crate::{config::Config, queue, texts::grouped, worker::suppression};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Put the people of a CSV file in force, in place of the list before.
    Upload(Upload),
    /// Say which list is in force.
    Show,
    /// Take the list out of force: nobody is suppressed any more.
    Clear,
}

#[derive(Debug, clap::Args)]
pub(super) struct Upload {
    /// A CSV file with a header.
    file: PathBuf,
    /// The column of people's ids, as the users table has them.
    #[arg(long, default_value = "user_id")]
    column: String,
}

pub(super) async fn run(command: Command, config: &Config) -> anyhow::Result<()> {
    let store = Stores::open(config).await?.store;
    // The database remembers the list, so that a store that loses it is noticed.
    let pool = match config.require_database() {
        Ok(address) => Some(queue::connect(address).await.context("the database cannot be reached")?),
        Err(_) => None,
    };
    match command {
        Command::Upload(upload) => {
            let current = suppression::upload(&store, pool.as_ref(), &upload.file, &upload.column).await?;
            output::line(format!("{} people are left out of every segment from now on.", grouped(current.people)));
        }
        Command::Show => match suppression::current(&store).await? {
            Some((list, people)) => output::line(format!("{} people, {}", grouped(people), list.key)),
            None => output::line("No list is in force."),
        },
        Command::Clear => {
            suppression::clear(&store, pool.as_ref()).await?;
            output::line("No list is in force any more.");
        }
    }
    Ok(())
}
