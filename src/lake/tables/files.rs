//! Which files make up a table: a glob below the lake's root, and the days that keys say they hold.

use std::path::PathBuf;

use chrono::NaiveDate;
use futures::{StreamExt, TryStreamExt};
use globset::GlobBuilder;

use super::keys;
use crate::{
    catalog::Dumps,
    lake::{LakeError, Object, Store},
};

/// Files fetched at the same time.
const FETCHES_TOGETHER: usize = 4;

/// A table's file that can be read locally.
#[derive(Debug, Clone)]
pub(super) struct LocalFile {
    pub(super) object: Object,
    pub(super) path: PathBuf,
}

/// Objects that match `glob`, sorted by key; without those whose folders say a day after `until`, and without hidden ones.
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
    objects.retain(|object| {
        let is_file = !keys::is_hidden(&object.key, glob) && !keys::is_folder_mark(&object.key, object.bytes);
        is_file && matcher.is_match(&object.key)
    });
    let Some(first) = objects.first().cloned() else {
        return Err(LakeError::NoFiles { table: table.to_owned(), glob: glob.to_owned(), place: lake.place() });
    };
    if let Some(until) = until {
        objects.retain(|object| keys::day_of(&object.key).is_none_or(|day| day <= until));
    }
    // A table whose files are all later still has columns to check; its rows are left out by their day.
    if objects.is_empty() {
        objects.push(first);
    }
    Ok(objects)
}

/// Of a table that may arrive whole on several days, the files that count on `as_of`: see [`Dumps`].
pub(super) fn of_dump(
    table: &str,
    objects: Vec<Object>,
    dumps: Option<Dumps>,
    as_of: NaiveDate,
) -> Result<Vec<Object>, LakeError> {
    let mut days: Vec<NaiveDate> = objects.iter().filter_map(|object| keys::day_of(&object.key)).collect();
    days.sort_unstable();
    days.dedup();
    let [oldest, .., newest] = days.as_slice() else { return Ok(objects) };
    match dumps {
        Some(Dumps::All) => Ok(objects),
        None => {
            Err(LakeError::SeveralDumps { table: table.to_owned(), days: days.len(), oldest: *oldest, newest: *newest })
        }
        Some(Dumps::Newest) => {
            // Days before the first dump are built from it: nothing older is known.
            let day = days.iter().rev().find(|day| **day <= as_of).unwrap_or(oldest);
            Ok(objects.into_iter().filter(|object| keys::day_of(&object.key) == Some(*day)).collect())
        }
    }
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
    keys::day_of(&a.key).is_some_and(|day| keys::day_of(&b.key) == Some(day))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(key: &str) -> Object {
        Object { key: key.to_owned(), bytes: 1, etag: String::new() }
    }

    #[test]
    fn globs_say_their_folder() {
        assert_eq!(literal_prefix("events/day=*/*.parquet"), "events/day=");
        assert_eq!(literal_prefix("users.parquet"), "users.parquet");
    }

    #[test]
    fn of_several_dumps_one_is_read_or_the_catalog_is_asked() {
        let objects = || ["users/dt=2026-11-20/a.parquet", "users/dt=2026-11-22/a.parquet"].map(object).to_vec();
        let day = |day| NaiveDate::from_ymd_opt(2026, 11, day).unwrap();
        let read = |dumps, as_of| of_dump("users", objects(), dumps, as_of).map(|objects| objects.len());
        insta::assert_snapshot!(read(None, day(22)).unwrap_err(), @r#"table `users`: its files are in folders of 2 days, from 2026-11-20 to 2026-11-22. If each day's files are the whole table, write `dumps = "newest"` below [users] in the catalog; if all of them together are, `dumps = "all"`"#);
        assert_eq!(read(Some(Dumps::All), day(22)).unwrap(), 2);
        for (as_of, key) in [(day(22), 1), (day(21), 0), (day(1), 0)] {
            let read = of_dump("users", objects(), Some(Dumps::Newest), as_of).unwrap();
            assert_eq!(read, [objects()[key].clone()], "{as_of}");
        }
    }
}
