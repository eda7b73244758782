//! What most commands open first: the catalog, the lake and the store.

use anyhow::Context as _;
use chrono::NaiveDate;

use crate::{
    catalog::Catalog,
    clock,
    config::Config,
    lake::{Store, StoreOptions},
};

/// The operator's catalog and both object stores.
pub(super) struct Stores {
    pub(super) catalog: Catalog,
    pub(super) lake: Store,
    pub(super) store: Store,
}

impl Stores {
    pub(super) async fn open(config: &Config) -> anyhow::Result<Self> {
        let catalog = Catalog::load(&config.catalog)?;
        let options = options(config);
        let lake = Store::open(&config.lake, &options).await.context("SEGMENT_LAKE cannot be opened")?;
        let store = Store::open(&config.store, &options).await.context("SEGMENT_STORE cannot be opened")?;
        Ok(Self { catalog, lake, store })
    }
}

/// What the variables say about stores.
pub(super) fn options(config: &Config) -> StoreOptions {
    StoreOptions {
        cache_dir: config.cache_dir.clone(),
        cache_bytes: config.cache_bytes,
        s3_path_style: config.s3_path_style,
    }
}

/// The newest day that is over and for which the lake has a `day=` folder; the calendar alone where days have none.
pub(super) async fn newest_full_day(stores: &Stores) -> anyhow::Result<NaiveDate> {
    let calendar = clock::last_full_day(clock::now(), stores.catalog.time_zone);
    let mut newest = None;
    for table in &stores.catalog.events {
        let fixed = table.path.split(['*', '?', '[', '{']).next().unwrap_or_default();
        let folder = fixed.rsplit_once('/').map_or("", |(folder, _)| folder);
        for object in stores.lake.list(folder).await? {
            newest = newest.max(day_of(&object.key).filter(|day| *day <= calendar));
        }
    }
    Ok(newest.unwrap_or(calendar))
}

fn day_of(key: &str) -> Option<NaiveDate> {
    key.split('/').find_map(|part| part.strip_prefix("day=")?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_from_its_folder() {
        assert_eq!(day_of("events/day=2026-11-22/part-0.parquet"), NaiveDate::from_ymd_opt(2026, 11, 22));
        assert_eq!(day_of("events-2026-11-22.parquet"), None);
    }
}
