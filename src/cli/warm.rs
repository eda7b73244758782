//! `segment warm`: models before anybody asks, so that the first request of the day needs no training.

use std::collections::BTreeSet;

use anyhow::ensure;
use chrono::NaiveDate;

use super::{output, progress::Bars, stores::Stores};
use crate::{
    catalog::Product,
    config::Config,
    features::Snapshot,
    pipeline::{Warmed, warm},
    queue,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The snapshot's day; without it, the newest.
    #[arg(long)]
    as_of: Option<NaiveDate>,
    /// These products alone, separated by commas.
    #[arg(long, value_delimiter = ',', conflicts_with = "asked")]
    product: Vec<String>,
    /// Only what somebody asked for lately, by the database's requests; `[warm]` in the catalog says since when.
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
    for product in wanted(&args, &stores, config).await? {
        let bars = Bars::default();
        let warmed = warm(catalog, store, &snapshot, product, &bars).await;
        bars.finish();
        output::line(match warmed? {
            Warmed::Ready { model } => format!("{}: model {model} is there.", product.id),
            Warmed::Trained { model } => format!("{}: trained model {model}.", product.id),
            // The others go on.
            Warmed::NoModel(why) => format!("{}: {why}.", product.id),
        });
    }
    Ok(())
}

async fn wanted<'s>(args: &Args, stores: &'s Stores, config: &Config) -> anyhow::Result<Vec<&'s Product>> {
    let products = &stores.catalog.products;
    let unknown = args.product.iter().find(|id| !products.iter().any(|product| product.id.as_str() == *id));
    ensure!(unknown.is_none(), "the catalog has no product `{}`", unknown.map(String::as_str).unwrap_or_default());
    let named: BTreeSet<String> = if args.asked {
        let pool = queue::connect(config.require_database()?).await?;
        queue::products_asked(&pool, stores.catalog.warm.asked_days).await?.into_iter().collect()
    } else {
        args.product.iter().cloned().collect()
    };
    let all = !args.asked && named.is_empty();
    Ok(products.iter().filter(|product| all || named.contains(product.id.as_str())).collect())
}
