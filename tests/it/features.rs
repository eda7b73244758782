//! Features: every measure by eye, nothing after the day, the same bytes always, and real data.

mod attributes;
mod builds;
mod incremental;
mod joined;
mod kept_promises;
mod memory;
mod misfits;
mod reference;
mod small;

use std::path::Path;

use chrono::NaiveDate;
use polars::prelude::*;
use segment_bot::{
    catalog::Catalog,
    features::{self, FeaturesError, Memory, Snapshot},
    lake::{Store, StoreOptions},
    progress::Silent,
};

fn options() -> StoreOptions {
    let cache_dir = std::env::temp_dir().join("segment-bot-tests");
    StoreOptions { cache_dir, cache_bytes: 1_000_000_000, s3_path_style: true }
}

async fn folder(path: &Path) -> Store {
    Store::open(&format!("file://{}", path.display()), &options()).await.unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// The rows of a snapshot, sorted by id.
async fn rows(snapshot: &Snapshot) -> DataFrame {
    let mut whole: Option<DataFrame> = None;
    for path in snapshot.local_parts().await.unwrap() {
        let part = ParquetReader::new(std::fs::File::open(path).unwrap()).finish().unwrap();
        whole = Some(match whole {
            Some(rows) => rows.vstack(&part).unwrap(),
            None => part,
        });
    }
    whole.unwrap().sort(["user_id"], SortMultipleOptions::default()).unwrap()
}

fn write_parquet(path: &Path, mut frame: DataFrame) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    ParquetWriter::new(std::fs::File::create(path).unwrap()).finish(&mut frame).unwrap();
}

/// A lake and a store in one temporary folder.
struct TestLake {
    folder: tempfile::TempDir,
    lake: Store,
    store: Store,
}

impl TestLake {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lake = crate::features::folder(&folder.path().join("lake")).await;
        let store = crate::features::folder(&folder.path().join("store")).await;
        Self { folder, lake, store }
    }

    fn put(&self, key: &str, frame: DataFrame) {
        write_parquet(&self.folder.path().join("lake").join(key), frame);
    }

    fn put_text(&self, key: &str, text: &str) {
        let path = self.folder.path().join("lake").join(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    async fn build(&self, catalog: &Catalog, as_of: &str) -> Result<Vec<NaiveDate>, FeaturesError> {
        features::build(&self.lake, &self.store, catalog, day(as_of), &Silent).await
    }

    async fn build_within(&self, catalog: &Catalog, as_of: &str, memory: Memory) -> Result<(), FeaturesError> {
        let (lake, store) = (&self.lake, &self.store);
        features::Batch { lake, store, catalog, memory, reporter: &Silent }.build_again(day(as_of)).await
    }

    async fn snapshot(&self, catalog: &Catalog, as_of: &str) -> Snapshot {
        Snapshot::open(&self.store, catalog, day(as_of)).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::disallowed_methods, reason = "the data is outside the repository")]
async fn real_grocery_data_becomes_snapshots() {
    let Ok(shared) = std::env::var("SEGMENT_SHARED_DATA") else {
        eprintln!("skipped: SEGMENT_SHARED_DATA is not set");
        return;
    };
    let place = TestLake::new().await;
    let lake = folder(&Path::new(&shared).join("ta_feng")).await;
    let catalog = Catalog::parse(include_str!("../data/ta_feng/catalog.toml")).unwrap();
    let built = features::build(&lake, &place.store, &catalog, day("2001-02-28"), &Silent).await.unwrap();
    assert_eq!(built, ["2000-12-06", "2001-01-03", "2001-01-31", "2001-02-28"].map(day));

    let snapshot = place.snapshot(&catalog, "2001-02-28").await;
    let rows = rows(&snapshot).await;
    assert_eq!(rows.height(), 32_266);
    assert_eq!((snapshot.manifest().tables[1].rows, snapshot.manifest().tables[1].rejected.len()), (817_741, 0));
}
