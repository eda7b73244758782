//! What most commands open first: the catalog, the lake and the store.

use anyhow::Context as _;
use chrono::NaiveDate;

use crate::{
    app,
    catalog::Catalog,
    clock,
    config::Config,
    lake::{Store, tables},
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
        let options = app::store_options(config);
        let lake = Store::open(&config.lake, &options).await.context("SEGMENT_LAKE cannot be opened")?;
        let store = Store::open(&config.store, &options).await.context("SEGMENT_STORE cannot be opened")?;
        Ok(Self { catalog, lake, store })
    }
}

/// The newest day that is over and has events; the calendar alone where there are none.
pub(super) async fn newest_full_day(stores: &Stores) -> anyhow::Result<NaiveDate> {
    let calendar = clock::last_full_day(clock::now(), stores.catalog.time_zone);
    Ok(tables::newest_day(&stores.lake, &stores.catalog, calendar).await?.unwrap_or(calendar))
}
