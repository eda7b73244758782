//! `migrate`: the database's tables.

use anyhow::Context as _;

use super::output;
use crate::{config::Config, queue};

pub(super) async fn run(config: &Config) -> anyhow::Result<()> {
    let pool = queue::connect(config.require_database()?).await?;
    queue::MIGRATOR.run(&pool).await.context("the tables could not be brought up to date")?;
    output::line("The database is up to date.");
    Ok(())
}
