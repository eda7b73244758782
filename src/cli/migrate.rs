//! `migrate`: the database's tables.

use super::output;
use crate::{config::Config, queue};

pub(super) async fn run(config: &Config) -> anyhow::Result<()> {
    let pool = queue::connect(config.require_database()?).await?;
    queue::migrate(&pool).await?;
    output::line("The database is up to date.");
    Ok(())
}
