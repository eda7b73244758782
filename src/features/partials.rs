//! Stored partial aggregates: what each person did on each day, so that a batch reads every event once.
//!
//! One file for the input files of one `day=…` folder (or for one file elsewhere) and an index beside it, which is
//! written last. Neither depends on a snapshot's day, on windows or on which categories are common, so every snapshot
//! and every later batch combines the same files. Their name is the hash of the input's keys, sizes and etags and of how
//! the table is read: a corrected or late file has another name, and nothing is ever written twice.

mod index;
mod person;
mod read;
mod varint;
mod write;

use std::{collections::BTreeSet, num::NonZeroUsize, path::PathBuf};

use futures::{StreamExt, TryStreamExt};
use serde_json::json;

use self::write::Writer;
pub(super) use self::{
    index::{Cell, Index, Section},
    person::{Integer, Person, Text},
    read::{Entry, read},
};
use super::{FeaturesError, Memory, definition};
use crate::{
    catalog::{Catalog, EventsTable, Measure},
    contracts::keys::PARTIALS,
    digest::sha256_hex,
    lake::{
        LakeError, Object, Store,
        tables::{self, Events, IdType, extra_column},
    },
    progress::Report,
};

/// Raised when the files or their index change so that older ones cannot be read.
const FORMAT: u32 = 3;

/// The partial aggregates of some input files.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) index: Index,
    pub(super) path: PathBuf,
    key: String,
}

impl Stored {
    fn damaged(&self, why: &dyn std::fmt::Display) -> FeaturesError {
        FeaturesError::DamagedPartials { key: self.key.clone(), why: why.to_string() }
    }
}

/// Which columns of an events table are kept, by canonical name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Columns {
    /// Added up: the amount, and what features do arithmetic with.
    pub(super) measured: Vec<String>,
    /// Those whose different values are counted; the category is known by the cell.
    pub(super) listed: Vec<String>,
}

impl Columns {
    /// What the catalog's features need of `table`.
    pub(super) fn of(catalog: &Catalog, table: &EventsTable) -> Self {
        let (mut measured, mut listed) = (BTreeSet::new(), BTreeSet::new());
        measured.extend(table.amount.as_ref().map(|_| "amount".to_owned()));
        for decl in catalog.features.iter().filter(|decl| decl.table == table.name) {
            match (decl.measure, decl.of.as_deref()) {
                (_, None) | (Measure::Distinct, Some("category")) => {}
                (Measure::Distinct, Some(of)) => drop(listed.insert(measured_column(of))),
                (_, Some(of)) => drop(measured.insert(measured_column(of))),
            }
        }
        Self { measured: measured.into_iter().collect(), listed: listed.into_iter().collect() }
    }
}

/// The canonical name of a column that a feature declares as `of`.
pub(super) fn measured_column(of: &str) -> String {
    match of {
        own @ ("amount" | "category") => own.to_owned(),
        extra => extra_column(extra),
    }
}

/// Where partial aggregates come from and go to.
pub(super) struct Aggregator<'a> {
    pub(super) lake: &'a Store,
    pub(super) store: &'a Store,
    pub(super) catalog: &'a Catalog,
    pub(super) table: &'a EventsTable,
    pub(super) id: IdType,
    pub(super) columns: Columns,
}

impl Aggregator<'_> {
    /// The partial aggregates of all `inputs`, sorted by key; those that are not stored yet are made.
    pub(super) async fn partials(
        &self,
        inputs: &[Object],
        memory: &Memory,
        reporter: &dyn Report,
    ) -> Result<Vec<Stored>, FeaturesError> {
        let groups: Vec<&[Object]> = groups(inputs).collect();
        let count = groups.len() as u64;
        let mut stored = Vec::with_capacity(groups.len());
        let made = groups.into_iter().map(|group| self.partial(group, memory.events_together, reporter));
        let mut each = futures::stream::iter(made).buffered(memory.folders_together.get());
        while let Some(one) = each.try_next().await? {
            stored.push(one);
            reporter.advance(stored.len() as u64, count);
        }
        Ok(stored)
    }

    /// What the keys of everything that is stored for `inputs`, sorted by key, begin with: see [`stem`].
    pub(super) fn stems(&self, inputs: &[Object]) -> Vec<String> {
        groups(inputs).map(|group| format!("{PARTIALS}{}", self.name(group))).collect()
    }

    async fn partial(
        &self,
        inputs: &[Object],
        events_together: NonZeroUsize,
        reporter: &dyn Report,
    ) -> Result<Stored, FeaturesError> {
        if reporter.stopped() {
            return Err(FeaturesError::Stopped);
        }
        let name = self.name(inputs);
        if let Some(stored) = self.stored(&name).await? {
            return Ok(stored);
        }
        let events =
            Events::open(self.lake, self.catalog, self.table, (self.id, &self.columns.measured), inputs).await?;
        let folder = tempfile::tempdir().map_err(FeaturesError::scratch(&std::env::temp_dir()))?;
        let (path, table, columns) = (folder.path().join("rows"), self.table.name.clone(), self.columns.clone());
        let written = path.clone();
        let index = tables::blocking(move || {
            let mut writer = Writer::new(&table, &columns, &written)?;
            events.for_each_batch(events_together, |frame| writer.add(&frame))?;
            writer.finish()
        })
        .await?;
        let key = rows_key(&name, &index);
        self.store.write_file(&key, &path).await?;
        let text = serde_json::to_vec(&index).expect("an index has only text keys");
        self.store.write(&index_key(&name), text.into()).await?;
        let path = self.store.local(&key).await?;
        Ok(Stored { index, path, key })
    }

    /// What is stored under `name`, whole.
    async fn stored(&self, name: &str) -> Result<Option<Stored>, FeaturesError> {
        let Some(text) = LakeError::found(self.store.read(&index_key(name)).await)? else { return Ok(None) };
        let Ok(index) = serde_json::from_slice::<Index>(&text) else { return Ok(None) };
        let Some(object) = LakeError::found(self.store.stat(&rows_key(name, &index)).await)? else { return Ok(None) };
        if object.bytes != index.bytes {
            return Ok(None);
        }
        let path = self.store.local_copy(&object).await?;
        Ok(Some(Stored { index, path, key: object.key }))
    }

    /// Names the input and how it is read.
    fn name(&self, inputs: &[Object]) -> String {
        let id = match self.id {
            IdType::Text => "text",
            IdType::Integer => "integer",
        };
        let reading = json!({
            "format": FORMAT,
            "time_zone": self.catalog.time_zone.name(),
            "table": definition::events(self.table),
            "id": id,
            "measured": self.columns.measured,
            "listed": self.columns.listed,
            "inputs": inputs,
        });
        format!("{}/{}", self.table.name, sha256_hex(reading.to_string()))
    }
}

/// Holds the content's hash: the same input may be written in other bytes, when other memory is allowed or the engine
/// reads its files in another order, and an index must never be read with rows that are not its own.
fn rows_key(name: &str, index: &Index) -> String {
    format!("{PARTIALS}{name}-{}.rows", index.rows_hash)
}

fn index_key(name: &str) -> String {
    format!("{PARTIALS}{name}.json")
}

/// What the keys of all that is stored for the same input begin with.
pub(super) fn stem(key: &str) -> &str {
    let name = key.rfind('/').map_or(0, |slash| slash + 1);
    &key[..key[name..].find(['-', '.']).map_or(key.len(), |end| name + end)]
}

fn groups(inputs: &[Object]) -> impl Iterator<Item = &[Object]> {
    inputs.chunk_by(tables::same_day)
}
