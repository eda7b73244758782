//! Where the input tables are: may they be listed and read?

use anyhow::ensure;

use super::Finding;
use crate::{
    catalog::Catalog,
    config::Config,
    lake::{Object, Store, StoreOptions},
};

const FIX: &str = "SEGMENT_LAKE names the folder or bucket above the paths in the catalog";

pub(super) async fn check(config: &Config, catalog: Option<&Catalog>, options: &StoreOptions) -> Vec<Finding> {
    vec![match look(config, catalog, options).await {
        Ok(words) => Finding::well("lake", words),
        Err(error) => Finding::failed("lake", &error, FIX),
    }]
}

async fn look(config: &Config, catalog: Option<&Catalog>, options: &StoreOptions) -> anyhow::Result<String> {
    let lake = Store::open(&config.lake, options).await?;
    let paths = catalog.map(|catalog| {
        catalog.events.iter().map(|table| &table.path).chain([&catalog.users.path]).cloned().collect::<Vec<_>>()
    });
    let (mut files, mut first): (usize, Option<Object>) = (0, None);
    for path in paths.unwrap_or_default() {
        let fixed = path.split(['*', '?', '[', '{']).next().unwrap_or_default();
        let folder = fixed.rsplit_once('/').map_or("", |(folder, _)| folder);
        let found = lake.list(folder).await?;
        ensure!(!found.is_empty(), "no file lies where `{path}` looks");
        files += found.len();
        first = first.or_else(|| found.into_iter().find(|object| object.bytes > 0));
    }
    if let Some(object) = first {
        lake.touch(&object.key).await?;
    }
    Ok(format!("{} ({files} files)", config.lake))
}
