//! Which files make up a table: a glob below the lake's root, and the days that a key says it holds.

use std::path::PathBuf;

use chrono::NaiveDate;
use futures::{StreamExt, TryStreamExt};
use globset::GlobBuilder;

use crate::lake::{LakeError, Object, Store};

/// Files fetched at the same time.
const FETCHES_TOGETHER: usize = 4;

/// A table's file that can be read locally.
#[derive(Debug, Clone)]
pub(super) struct LocalFile {
    pub(super) object: Object,
    pub(super) path: PathBuf,
}

/// Objects that match `glob`, sorted by key; without those whose `day=…` is after `until`.
pub(super) async fn find(
    lake: &Store,
    table: &str,
    glob: &str,
    until: Option<NaiveDate>,
) -> Result<Vec<Object>, LakeError> {
    let matcher = GlobBuilder::new(glob).literal_separator(true).build().map_err(|error| LakeError::BadGlob {
        table: table.to_owned(),
        glob: glob.to_owned(),
        why: error.kind().to_string(),
    })?;
    let matcher = matcher.compile_matcher();
    let mut objects = lake.list(literal_prefix(glob)).await?;
    objects.retain(|object| matcher.is_match(&object.key));
    let Some(first) = objects.first().cloned() else {
        return Err(LakeError::NoFiles { table: table.to_owned(), glob: glob.to_owned(), place: lake.place() });
    };
    if let Some(until) = until {
        objects.retain(|object| day_of(&object.key).is_none_or(|day| day <= until));
    }
    // A table whose files are all later still has columns to check; its rows are left out by their day.
    if objects.is_empty() {
        objects.push(first);
    }
    Ok(objects)
}

/// Local copies, in the order of `objects`.
pub(super) async fn fetch(lake: &Store, objects: Vec<Object>) -> Result<Vec<LocalFile>, LakeError> {
    futures::stream::iter(objects)
        .map(|object| async move { Ok(LocalFile { path: lake.local_copy(&object).await?, object }) })
        .buffered(FETCHES_TOGETHER)
        .try_collect()
        .await
}

/// The part of a glob before its first special character.
fn literal_prefix(glob: &str) -> &str {
    &glob[..glob.find(['*', '?', '[', ']', '{', '}', '\\', '!']).unwrap_or(glob.len())]
}

/// Whether two objects are in folders of the same day.
pub fn same_day(a: &Object, b: &Object) -> bool {
    day_of(&a.key).is_some_and(|day| day_of(&b.key) == Some(day))
}

/// The day of a key such as `events/day=2026-11-22/part-0.parquet`.
fn day_of(key: &str) -> Option<NaiveDate> {
    key.split('/').find_map(|part| part.strip_prefix("day=")?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_say_their_day_and_globs_their_folder() {
        assert_eq!(literal_prefix("events/day=*/*.parquet"), "events/day=");
        assert_eq!(literal_prefix("users.parquet"), "users.parquet");
        assert_eq!(day_of("events/day=2026-11-22/a.parquet"), NaiveDate::from_ymd_opt(2026, 11, 22));
        assert_eq!(day_of("events/day=all/a.parquet"), None);
    }
}
