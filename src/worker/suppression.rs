//! The suppression list: people whom the operator never wants contacted, whoever asks.
//!
//! `suppression/<sha256>.csv` holds the ids, one a line below `user_id`, sorted, each once; `suppression/current.json` names the
//! list in force. Lists are never changed or removed, so that a segment can be built again with the one it was built with.

use std::path::Path;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    digest::sha256_hex,
    lake::{LakeError, Store},
    segment::LeftOutList,
};

const CURRENT: &str = "suppression/current.json";
const HEADER: &str = "user_id";

/// The list in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
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
    #[error(transparent)]
    Lake(#[from] LakeError),
}

/// The list in force; `None` when there never was one or it was taken out of force.
pub async fn current(store: &Store) -> Result<Option<(LeftOutList, u64)>, SuppressionError> {
    let Some(bytes) = LakeError::found(store.read(CURRENT).await)? else { return Ok(None) };
    let current: Suppression = serde_json::from_slice(&bytes).map_err(SuppressionError::Damaged)?;
    Ok(current.list.map(|list| (list, current.people)))
}

/// Puts the ids in `column` of a CSV file with a header in force, in place of the list before.
pub async fn upload(store: &Store, path: &Path, column: &str) -> Result<Suppression, SuppressionError> {
    let ids = ids_of(path, column)?;
    let mut text = String::with_capacity(ids.iter().map(|id| id.len() + 1).sum::<usize>() + HEADER.len() + 1);
    for line in std::iter::once(HEADER).chain(ids.iter().map(String::as_str)) {
        text.push_str(line);
        text.push('\n');
    }
    let sha256 = sha256_hex(&text);
    let list = LeftOutList { key: format!("suppression/{sha256}.csv"), sha256 };
    store.write(&list.key, Bytes::from(text)).await?;
    let current = Suppression { people: ids.len() as u64, list: Some(list) };
    put_in_force(store, &current).await?;
    Ok(current)
}

/// Takes the list out of force.
pub async fn clear(store: &Store) -> Result<(), SuppressionError> {
    put_in_force(store, &Suppression { people: 0, list: None }).await
}

async fn put_in_force(store: &Store, current: &Suppression) -> Result<(), SuppressionError> {
    let text = serde_json::to_vec_pretty(current).expect("a list has only text keys");
    Ok(store.write(CURRENT, text.into()).await?)
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
