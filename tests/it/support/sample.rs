//! One small sample lake with its snapshots, made once a test process.

use std::sync::Arc;

use chrono::NaiveDate;
use segment_bot::{
    catalog::Catalog,
    demo::sample_lake::{self, SampleOptions},
    features,
    lake::{Store, StoreOptions},
    progress::Silent,
};
use tokio::sync::OnceCell;

/// A lake of 20,000 people and 90 days in a folder of its own, and the snapshots of its last day.
pub(crate) struct Sample {
    pub folder: tempfile::TempDir,
    pub catalog: Catalog,
    pub store: Store,
}

pub(crate) const LAST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2026, 11, 22).expect("a day of the calendar");

static SAMPLE: OnceCell<Arc<Sample>> = OnceCell::const_new();

/// The lake; tests that write choose names of their own.
pub(crate) async fn sample() -> Arc<Sample> {
    SAMPLE.get_or_init(|| async { Arc::new(make(20_000).await) }).await.clone()
}

/// A lake of `users` people of its own.
pub(crate) async fn make(users: u64) -> Sample {
    let folder = tempfile::tempdir().unwrap();
    let options = SampleOptions { users, days: 90, visits: 1, seed: 7, last_day: LAST_DAY };
    sample_lake::write(folder.path(), &options, &|_, _| ()).unwrap();
    let catalog = Catalog::load(&folder.path().join("catalog.toml")).unwrap();
    let store = open(folder.path()).await;
    features::build(&store, &store, &catalog, LAST_DAY, &Silent).await.unwrap();
    Sample { folder, catalog, store }
}

/// A file store in `folder`.
pub(crate) async fn open(folder: &std::path::Path) -> Store {
    let options = StoreOptions { cache_dir: folder.join("cache"), cache_bytes: 1 << 30, s3_path_style: false };
    Store::open(&format!("file://{}", folder.display()), &options).await.unwrap()
}
