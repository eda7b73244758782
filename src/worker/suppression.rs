//! The suppression list: people whom the operator never wants contacted, whoever asks.
//!
//! `suppression/<sha256>.csv` holds the ids, one a line below `user_id`, sorted, each once; `suppression/current.json` names the
//! list in force. Lists are never changed or removed, so that a segment can be built again with the one it was built with.
//! The database remembers the number of the newest list that was seen: a store that lost it, or that was set back to an
//! earlier one, is noticed, and then nothing is built or delivered.

use std::path::Path;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use super::BuildError;
use crate::{
    digest::sha256_hex,
    lake::{LakeError, Store},
    queue::{self, QueueError, RememberedList},
    segment::LeftOutList,
};

const CURRENT: &str = "suppression/current.json";
const HEADER: &str = "user_id";

/// The list in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    /// Rises with every list that is put in force or taken out.
    #[serde(default)]
    pub number: i64,
    pub people: u64,
    /// `None` when it was taken out of force.
    pub list: Option<LeftOutList>,
}

/// Why a list is not in force.
#[derive(Debug, thiserror::Error)]
pub enum SuppressionError {
    #[error("cannot read {path}: {source}")]
    Unreadable { path: String, source: csv::Error },
    #[error("{path} has no column `{column}`; it has {found}. Name the column of people's ids with --column")]
    NoColumn { path: String, column: String, found: String },
    #[error("{path} names nobody; `suppression clear` takes the list out of force")]
    Nobody { path: String },
    #[error("{path}, line {line}: the id is empty")]
    EmptyId { path: String, line: u64 },
    #[error("suppression/current.json cannot be read: {0}; `suppression upload` writes it anew")]
    Damaged(#[source] serde_json::Error),
    #[error(
        "the suppression list in force is lost: {found}, but list {remembered} was put in force. Nothing is built or delivered \
         until `suppression upload` puts it in force again, or `suppression clear` takes it out, with DATABASE_URL set"
    )]
    Lost { found: String, remembered: i64 },
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Lake(#[from] LakeError),
}

/// The list in force, once the store's is found to be no earlier than the one that the database remembers.
pub async fn in_force(store: &Store, pool: &PgPool) -> Result<Option<LeftOutList>, SuppressionError> {
    let current = stored(store).await?;
    let remembered = queue::remembered_list(pool).await?;
    let number = current.as_ref().map_or(0, |current| current.number);
    if number < remembered.number {
        let found = match current {
            Some(_) => format!("the store has list {number}"),
            None => "the store has none".to_owned(),
        };
        return Err(SuppressionError::Lost { found, remembered: remembered.number });
    }
    let list = current.and_then(|current| current.list);
    if number > remembered.number {
        let sha256 = list.as_ref().map(|list| list.sha256.clone());
        queue::remember_list(pool, &RememberedList { number, sha256 }).await?;
    }
    Ok(list)
}

/// The ids of a list, once it is found to be what was uploaded.
pub async fn ids(store: &Store, list: &LeftOutList) -> Result<Vec<String>, BuildError> {
    let bytes = store.read(&list.key).await?;
    if sha256_hex(&bytes) != list.sha256 {
        return Err(BuildError::DamagedList { key: list.key.clone() });
    }
    Ok(read_ids(&String::from_utf8_lossy(&bytes)))
}

/// The list in force; `None` when there never was one or it was taken out of force.
pub async fn current(store: &Store) -> Result<Option<(LeftOutList, u64)>, SuppressionError> {
    Ok(stored(store).await?.and_then(|current| Some((current.list?, current.people))))
}

async fn stored(store: &Store) -> Result<Option<Suppression>, SuppressionError> {
    let Some(bytes) = LakeError::found(store.read(CURRENT).await)? else { return Ok(None) };
    serde_json::from_slice(&bytes).map(Some).map_err(SuppressionError::Damaged)
}

/// Puts the ids in `column` of a CSV file with a header in force, in place of the list before.
/// With a database its memory counts too.
pub async fn upload(
    store: &Store,
    pool: Option<&PgPool>,
    path: &Path,
    column: &str,
) -> Result<Suppression, SuppressionError> {
    let ids = ids_of(path, column)?;
    let mut text = String::with_capacity(ids.iter().map(|id| id.len() + 1).sum::<usize>() + HEADER.len() + 1);
    for line in std::iter::once(HEADER).chain(ids.iter().map(String::as_str)) {
        text.push_str(line);
        text.push('\n');
    }
    let sha256 = sha256_hex(&text);
    let list = LeftOutList { key: format!("suppression/{sha256}.csv"), sha256 };
    store.write(&list.key, Bytes::from(text)).await?;
    put_in_force(store, pool, (ids.len() as u64, Some(list))).await
}

/// Takes the list out of force.
pub async fn clear(store: &Store, pool: Option<&PgPool>) -> Result<(), SuppressionError> {
    put_in_force(store, pool, (0, None)).await.map(drop)
}

async fn put_in_force(
    store: &Store,
    pool: Option<&PgPool>,
    (people, list): (u64, Option<LeftOutList>),
) -> Result<Suppression, SuppressionError> {
    // What cannot be read is written over: that is the way out.
    let before = match stored(store).await {
        Err(SuppressionError::Damaged(_)) | Ok(None) => 0,
        before => before?.map_or(0, |before| before.number),
    };
    let remembered = match pool {
        Some(pool) => queue::remembered_list(pool).await?.number,
        None => 0,
    };
    let current = Suppression { number: before.max(remembered) + 1, people, list };
    let text = serde_json::to_vec_pretty(&current).expect("a list has only text keys");
    store.write(CURRENT, text.into()).await?;
    if let Some(pool) = pool {
        let sha256 = current.list.as_ref().map(|list| list.sha256.clone());
        queue::remember_list(pool, &RememberedList { number: current.number, sha256 }).await?;
    }
    Ok(current)
}

/// Sorted, each once. Ids never hold line breaks or quotation marks in the stored form, so such ids are refused as unreadable.
fn ids_of(path: &Path, column: &str) -> Result<Vec<String>, SuppressionError> {
    let name = path.display().to_string();
    let unreadable = |source| SuppressionError::Unreadable { path: name.clone(), source };
    let mut lines = csv::Reader::from_path(path).map_err(unreadable)?;
    let header = lines.headers().map_err(unreadable)?.clone();
    let at = header.iter().position(|found| found.trim_start_matches('\u{feff}') == column).ok_or_else(|| {
        let found = header.iter().collect::<Vec<_>>().join(", ");
        SuppressionError::NoColumn { path: name.clone(), column: column.to_owned(), found }
    })?;
    let mut ids = Vec::new();
    for line in lines.records() {
        let line = line.map_err(unreadable)?;
        let id = line.get(at).unwrap_or_default().trim();
        if id.is_empty() || id.contains(['\n', '\r']) {
            let line = line.position().map_or(0, csv::Position::line);
            return Err(SuppressionError::EmptyId { path: name, line });
        }
        ids.push(id.to_owned());
    }
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() { Err(SuppressionError::Nobody { path: name }) } else { Ok(ids) }
}

/// The ids of a stored list.
pub(super) fn read_ids(text: &str) -> Vec<String> {
    text.lines().skip(1).map(str::to_owned).collect()
}
