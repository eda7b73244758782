//! The suppression list: people whom the operator never wants contacted, whoever asks.
//!
//! `suppression/<sha256>.csv` holds the ids, one a line below `user_id`, sorted, each once; `suppression/current.json` names the
//! list in force. Lists are never changed or removed, so that a segment can be built again with the one it was built with.
//! The database remembers the number of the newest list that was seen: a store that lost it, or that was set back to an
//! earlier one, is noticed, and then nothing is built or delivered.

pub mod id_list;

use bytes::Bytes;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use self::id_list::{IdList, IdListError, Matched};
use crate::{
    catalog::Catalog,
    contracts::{columns, keys},
    digest::sha256_hex,
    features::FeaturesError,
    lake::{LakeError, Store},
    queue::{self, QueueError, RememberedList},
    segment::LeftOutList,
};

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
    #[error(
        "{file}: {unknown} of {listed} ids are of nobody in `users`: {quoted}. The list before stays in force. Write the ids as \
         `users` has them (as text, so that no spreadsheet changes them), or upload with --anyway if these people are gone"
    )]
    Unknown { file: String, unknown: u64, listed: u64, quoted: String },
    #[error("{file}: the ids cannot be compared with anybody's; --anyway takes the list as it is")]
    Uncompared { file: String, source: FeaturesError },
    #[error(transparent)]
    List(#[from] IdListError),
    #[error("suppression/current.json is damaged; `suppression upload` writes it anew")]
    Damaged,
    #[error("{key} is not what was uploaded; upload the suppression list again")]
    DamagedList { key: String },
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
    let list = current.as_ref().and_then(|current| current.list.clone());
    let sha256 = list.as_ref().map(|list| list.sha256.clone());
    if number < remembered.number || (number == remembered.number && sha256 != remembered.sha256) {
        let found = match current {
            Some(_) if number == remembered.number => "the store has another one".to_owned(),
            Some(_) => format!("the store has list {number}"),
            None => "the store has none".to_owned(),
        };
        return Err(SuppressionError::Lost { found, remembered: remembered.number });
    }
    if number > remembered.number {
        queue::remember_list(pool, &RememberedList { number, sha256 }).await?;
    }
    Ok(list)
}

/// The ids of a list, once it is found to be what was uploaded.
pub async fn ids(store: &Store, list: &LeftOutList) -> Result<Vec<String>, SuppressionError> {
    let bytes = store.read(&list.key).await?;
    if sha256_hex(&bytes) != list.sha256 {
        return Err(SuppressionError::DamagedList { key: list.key.clone() });
    }
    Ok(read_ids(&String::from_utf8_lossy(&bytes)))
}

/// The list in force; `None` when there never was one or it was taken out of force.
pub async fn current(store: &Store) -> Result<Option<(LeftOutList, u64)>, SuppressionError> {
    Ok(stored(store).await?.and_then(|current| Some((current.list?, current.people))))
}

async fn stored(store: &Store) -> Result<Option<Suppression>, SuppressionError> {
    let Some(bytes) = LakeError::found(store.read(keys::SUPPRESSION_CURRENT).await)? else { return Ok(None) };
    serde_json::from_slice(&bytes).map(Some).map_err(|_| SuppressionError::Damaged)
}

/// Where known people are looked up.
#[derive(Debug, Clone, Copy)]
pub struct Known<'k> {
    pub lake: &'k Store,
    pub store: &'k Store,
    pub catalog: &'k Catalog,
    pub as_of: NaiveDate,
}

/// Finds whom a list means. One with ids that are surely not what was meant, or with too many that are of nobody, is refused
/// unless it is to be taken `anyway`.
pub async fn matched(known: Known<'_>, list: IdList, anyway: bool) -> Result<Matched, SuppressionError> {
    let file = list.file().to_owned();
    let Known { lake, store, catalog, as_of } = known;
    let matched = match list.clone().compared((lake, store), catalog, as_of).await {
        Ok(matched) => matched,
        Err(_) if anyway => list.uncompared(),
        Err(source) => return Err(SuppressionError::Uncompared { file, source }),
    };
    let too_many = matched.unknown_share() > catalog.limits.unknown_suppressed_share;
    if !anyway && (too_many || matched.has_broken()) {
        let (unknown, listed, quoted) = (matched.unknown(), matched.listed, id_list::quoted(&matched.doubtful));
        return Err(SuppressionError::Unknown { file, unknown, listed, quoted });
    }
    Ok(matched)
}

/// Puts ids (sorted, each once) in force, in place of the list before. With a database its memory counts too.
pub async fn upload(store: &Store, pool: Option<&PgPool>, ids: &[String]) -> Result<Suppression, SuppressionError> {
    let mut text = String::with_capacity(ids.iter().map(|id| id.len() + 1).sum::<usize>() + columns::USER_ID.len() + 1);
    for line in std::iter::once(columns::USER_ID).chain(ids.iter().map(String::as_str)) {
        text.push_str(line);
        text.push('\n');
    }
    let sha256 = sha256_hex(&text);
    let list = LeftOutList { key: keys::suppression_list(&sha256), sha256 };
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
        Err(SuppressionError::Damaged) | Ok(None) => 0,
        before => before?.map_or(0, |before| before.number),
    };
    let remembered = match pool {
        Some(pool) => queue::remembered_list(pool).await?.number,
        None => 0,
    };
    let current = Suppression { number: before.max(remembered) + 1, people, list };
    let text = serde_json::to_vec_pretty(&current).expect("a list has only text keys");
    store.write(keys::SUPPRESSION_CURRENT, text.into()).await?;
    if let Some(pool) = pool {
        let sha256 = current.list.as_ref().map(|list| list.sha256.clone());
        queue::remember_list(pool, &RememberedList { number: current.number, sha256 }).await?;
    }
    Ok(current)
}

/// The ids of a stored list.
fn read_ids(text: &str) -> Vec<String> {
    text.lines().skip(1).map(str::to_owned).collect()
}
