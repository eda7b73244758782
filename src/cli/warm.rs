//! `segment warm`: models before anybody asks, so that the first request of the day needs no training.

use std::collections::BTreeSet;

use anyhow::ensure;
use chrono::NaiveDate;

use super::{output, progress::Bars, stores::Stores};
use crate::{
    catalog::Product,
    config::Config,
    features::Snapshot,
    model::{ModelError, Registry, Reuse},
    queue,
    worker::build_segment::DEFAULT_SEED,
};

/// Products that were asked for in so many days are those that somebody may ask for today.
const ASKED_DAYS: i32 = 30;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The snapshot's day; without it, the newest.
    #[arg(long)]
    as_of: Option<NaiveDate>,
    /// These products alone, separated by commas.
    #[arg(long, value_delimiter = ',', conflicts_with = "asked")]
    product: Vec<String>,
    /// Only what somebody asked for in the last 30 days, by the database's requests.
    #[arg(long)]
    asked: bool,
    /// Threads; `SEGMENT_THREADS` otherwise. Changes the time, never the result.
    #[arg(long)]
    threads: Option<usize>,
}

pub(super) async fn run(args: Args, config: &Config) -> anyhow::Result<()> {
    super::threads(args.threads.unwrap_or(config.threads))?;
    let stores = Stores::open(config).await?;
    let (store, catalog) = (&stores.store, &stores.catalog);
    let snapshot = match args.as_of {
        Some(day) => Snapshot::open(store, catalog, day).await?,
        None => Snapshot::newest(store, catalog).await?,
    };
    let registry = Registry { store, catalog, seed: DEFAULT_SEED, reuse: Reuse::Allowed };
    for product in wanted(&args, &stores, config).await? {
        let bars = Bars::default();
        // Boxed, because everything that training holds would otherwise be in the caller's future.
        let model = Box::pin(registry.find_or_train(product, &snapshot, &bars)).await;
        bars.finish();
        match model {
            Ok(model) if model.reused => output::line(format!("{}: model {} is there.", product.id, model.id)),
            Ok(model) => output::line(format!("{}: trained model {}.", product.id, model.id)),
            // No model at all is the answer for today; the others go on.
            Err(error @ (ModelError::TooFewConversions { .. } | ModelError::OneClass { .. })) => {
                output::line(format!("{}: {error}.", product.id));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

async fn wanted<'s>(args: &Args, stores: &'s Stores, config: &Config) -> anyhow::Result<Vec<&'s Product>> {
    let products = &stores.catalog.products;
    let unknown = args.product.iter().find(|id| !products.iter().any(|product| product.id.as_str() == *id));
    ensure!(unknown.is_none(), "the catalog has no product `{}`", unknown.map(String::as_str).unwrap_or_default());
    let named: BTreeSet<String> = if args.asked {
        let pool = queue::connect(config.require_database()?).await?;
        queue::products_asked(&pool, ASKED_DAYS).await?.into_iter().collect()
    } else {
        args.product.iter().cloned().collect()
    };
    let all = !args.asked && named.is_empty();
    Ok(products.iter().filter(|product| all || named.contains(product.id.as_str())).collect())
}
