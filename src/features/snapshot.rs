//! A snapshot as readers see it: a manifest that says it is complete, and Parquet parts in order.

use std::{collections::BTreeMap, path::PathBuf};

use chrono::NaiveDate;
use futures::{StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};

use super::{FeaturesError, SnapshotColumn, definition::definition_sha256};
use crate::{
    catalog::Catalog,
    contracts::keys::SNAPSHOTS,
    digest::sha256_hex,
    lake::{LakeError, Object, Store, tables::Misfit},
};

/// Raised when the manifest or the files change so that older code cannot read them.
pub(super) const FORMAT: u32 = 3;
const MANIFEST: &str = "_manifest.json";
/// Parts fetched at the same time.
const FETCHES_TOGETHER: usize = 4;

/// A complete snapshot.
#[derive(Debug, Clone)]
pub struct Snapshot {
    store: Store,
    manifest: SnapshotManifest,
    sha256: String,
}

/// `_manifest.json`: written last, so its presence means that the snapshot is complete. Holds no wall clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SnapshotManifest {
    pub format: u32,
    /// Only events up to the end of this day count.
    pub as_of: NaiveDate,
    /// People.
    pub rows: u64,
    /// In the order of the files.
    pub columns: Vec<SnapshotColumn>,
    /// Everything in the catalog that decides values.
    pub definition_sha256: String,
    pub catalog_sha256: String,
    /// The version of this program.
    pub code_version: String,
    /// What was read, sorted by key.
    pub inputs: Vec<Object>,
    /// In row order.
    pub parts: Vec<Part>,
    /// How many people there are of each kind.
    pub cube: Part,
    /// What was read and what could not be used, per table: `users` first.
    pub tables: Vec<TableRows>,
}

impl SnapshotManifest {
    /// What of its input matched nothing, each with its table.
    pub fn misfits(&self) -> impl Iterator<Item = (&str, &Misfit)> {
        self.tables.iter().flat_map(|table| table.misfits.iter().map(|misfit| (table.table.as_str(), misfit)))
    }
}

/// One Parquet file of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Below the store's root; holds the hash, so another content has another name.
    pub key: String,
    pub rows: u64,
    pub bytes: u64,
    pub sha256: String,
}

/// How many rows of an input table were there and how many were left out, by reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRows {
    pub table: String,
    pub rows: u64,
    /// Reasons that happened; rows that cannot be used.
    pub rejected: BTreeMap<String, u64>,
    /// Rows that are fine but do not count here: later than the snapshot's day, or of nobody in `users`.
    pub outside: BTreeMap<String, u64>,
    /// Amounts that could not be used, by reason; their rows count without one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub amounts: BTreeMap<String, u64>,
    /// What matches nothing in the catalog or in `users`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub misfits: Vec<Misfit>,
    /// Of events that count; `None` for `users` and for a table without any.
    pub first_day: Option<NaiveDate>,
}

impl Snapshot {
    /// The snapshot of `as_of`, if it was built from what the catalog says now.
    pub async fn open(store: &Store, catalog: &Catalog, as_of: NaiveDate) -> Result<Self, FeaturesError> {
        let snapshot = Self::of(store, as_of).await?;
        if snapshot.manifest.definition_sha256 != definition_sha256(catalog) {
            return Err(FeaturesError::OtherDefinition { as_of });
        }
        Ok(snapshot)
    }

    /// The snapshot of the latest day before `as_of`, whatever catalog it was built from; `None` when there is none.
    pub async fn before(store: &Store, as_of: NaiveDate) -> Result<Option<Self>, FeaturesError> {
        match Self::days(store).await?.into_iter().rfind(|day| *day < as_of) {
            Some(day) => Self::read(store, day).await,
            None => Ok(None),
        }
    }

    /// The snapshot of the latest day.
    pub async fn newest(store: &Store, catalog: &Catalog) -> Result<Self, FeaturesError> {
        match Self::days(store).await?.pop() {
            Some(as_of) => Self::open(store, catalog, as_of).await,
            None => Err(FeaturesError::NoSnapshots),
        }
    }

    /// The days of which there is a snapshot, whatever it was built from; ascending.
    pub async fn days(store: &Store) -> Result<Vec<NaiveDate>, FeaturesError> {
        let objects = store.list(SNAPSHOTS).await?;
        let mut days: Vec<NaiveDate> = objects.iter().filter_map(|object| day_of_manifest(&object.key)).collect();
        days.sort_unstable();
        Ok(days)
    }

    /// The snapshot of `as_of`, whatever catalog it was built from.
    pub async fn of(store: &Store, as_of: NaiveDate) -> Result<Self, FeaturesError> {
        match Self::read(store, as_of).await? {
            Some(snapshot) => Ok(snapshot),
            None => Err(FeaturesError::NoSnapshot { as_of, newest: Self::days(store).await?.pop() }),
        }
    }

    /// The snapshot of `as_of` whatever it was built from; `None` when there is none.
    pub(super) async fn read(store: &Store, as_of: NaiveDate) -> Result<Option<Self>, FeaturesError> {
        let Some(bytes) = LakeError::found(store.read(&manifest_key(as_of)).await)? else { return Ok(None) };
        let damaged = |why: String| FeaturesError::Damaged { as_of, why };
        let manifest: SnapshotManifest =
            serde_json::from_slice(&bytes).map_err(|_| damaged("its manifest cannot be read".to_owned()))?;
        if manifest.format != FORMAT || manifest.as_of != as_of {
            return Err(damaged(format!("its manifest is of format {} and day {}", manifest.format, manifest.as_of)));
        }
        Ok(Some(Self { store: store.clone(), sha256: content_sha256(&manifest), manifest }))
    }

    /// The last day whose events count.
    pub fn as_of(&self) -> NaiveDate {
        self.manifest.as_of
    }

    /// Names what the snapshot holds: its day, definitions, columns and the bytes of its parts. Where the input lay,
    /// when it was copied there and who wrote it do not matter, so the same content has the same hash on every machine.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// What it holds and what it was made from.
    pub fn manifest(&self) -> &SnapshotManifest {
        &self.manifest
    }

    /// Readable Parquet files in row order.
    pub async fn local_parts(&self) -> Result<Vec<PathBuf>, FeaturesError> {
        futures::stream::iter(&self.manifest.parts)
            .map(|part| self.local(part))
            .buffered(FETCHES_TOGETHER)
            .try_collect()
            .await
    }

    /// The readable table of how many people there are of each kind.
    pub async fn local_cube(&self) -> Result<PathBuf, FeaturesError> {
        self.local(&self.manifest.cube).await
    }

    async fn local(&self, part: &Part) -> Result<PathBuf, FeaturesError> {
        let object = self.store.stat(&part.key).await.map_err(|error| self.missing_part(error))?;
        if object.bytes != part.bytes {
            let why = format!("`{}` has {} bytes instead of {}", part.key, object.bytes, part.bytes);
            return Err(FeaturesError::Damaged { as_of: self.as_of(), why });
        }
        match self.store.local_copy_checked(&object, &part.sha256).await {
            Err(error @ LakeError::Damaged { .. }) => {
                Err(FeaturesError::Damaged { as_of: self.as_of(), why: error.to_string() })
            }
            result => Ok(result?),
        }
    }

    fn files(&self) -> impl Iterator<Item = &Part> {
        self.manifest.parts.iter().chain([&self.manifest.cube])
    }

    /// The keys of all that it is made of.
    pub(super) fn keys(&self) -> impl Iterator<Item = String> {
        self.files().map(|file| file.key.clone()).chain([manifest_key(self.as_of())])
    }

    /// The snapshot of `as_of`, whatever catalog it was built from, once every part was found as it was written.
    pub async fn verified(store: &Store, as_of: NaiveDate) -> Result<Self, FeaturesError> {
        let snapshot = Self::of(store, as_of).await?;
        snapshot.verify().await?;
        Ok(snapshot)
    }

    /// Reads every file and compares its hash with the manifest's.
    pub async fn verify(&self) -> Result<(), FeaturesError> {
        for part in self.files() {
            let bytes = self.store.read(&part.key).await.map_err(|error| self.missing_part(error))?;
            if sha256_hex(&bytes) != part.sha256 {
                let why = format!("`{}` is not what was written", part.key);
                return Err(FeaturesError::Damaged { as_of: self.as_of(), why });
            }
        }
        Ok(())
    }

    /// Whether every part is there.
    pub(super) async fn is_whole(&self) -> Result<bool, FeaturesError> {
        for part in self.files() {
            if !self.store.exists(&part.key).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn missing_part(&self, error: LakeError) -> FeaturesError {
        match error {
            LakeError::Missing { key, .. } => {
                FeaturesError::Damaged { as_of: self.as_of(), why: format!("`{key}` is gone") }
            }
            error => error.into(),
        }
    }
}

fn content_sha256(manifest: &SnapshotManifest) -> String {
    let columns: Vec<_> = manifest.columns.iter().map(|column| (&column.name, column.own)).collect();
    let parts: Vec<_> = manifest.parts.iter().map(|part| (part.rows, &part.sha256)).collect();
    sha256_hex(format!("{:?}", (manifest.as_of, &manifest.definition_sha256, columns, parts)))
}

pub(super) fn folder(as_of: NaiveDate) -> String {
    format!("{SNAPSHOTS}as_of={as_of}")
}

pub(super) fn manifest_key(as_of: NaiveDate) -> String {
    format!("{}/{MANIFEST}", folder(as_of))
}

fn day_of_manifest(key: &str) -> Option<NaiveDate> {
    let (day, file) = key.strip_prefix(SNAPSHOTS)?.strip_prefix("as_of=")?.split_once('/')?;
    if file == MANIFEST { day.parse().ok() } else { None }
}
