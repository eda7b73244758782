//! Local copies of S3 objects: bounded, least recently used first out, shared by several processes.
//!
//! A copy is named by the hash of bucket, key and etag, so it can never be stale, and appears by rename, so it is never
//! half there. A file's modification time is when it was last asked for. What was asked for within [`IN_USE`] is not
//! removed even when the bound is passed, because somebody may be about to open it.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::{LakeError, file};
use crate::digest::sha256_hex;

/// How long a path that was handed out stays valid.
const IN_USE: Duration = Duration::from_hours(1);
/// Leftovers of a process that died while it fetched.
const ABANDONED: Duration = Duration::from_hours(24);
const FETCHING: &str = "fetching-";
const LOCK: &str = "lock";

#[derive(Debug)]
pub(super) struct Cache {
    folder: PathBuf,
    bytes_max: u64,
    in_use: Duration,
}

struct Copy {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

impl Cache {
    pub(super) fn new(folder: PathBuf, bytes_max: u64) -> Self {
        Self { folder, bytes_max, in_use: IN_USE }
    }

    /// Where the copy of this version lies or would lie; the ending is kept, because readers go by it.
    pub(super) fn path(&self, bucket: &str, key: &str, etag: &str) -> PathBuf {
        let ending = [".csv.gz", ".csv", ".parquet", ".json", ".txt"].into_iter().find(|ending| key.ends_with(ending));
        let name = sha256_hex(format!("{bucket}\n{key}\n{etag}"));
        self.folder.join(format!("{name}{}", ending.unwrap_or_default()))
    }

    /// Whether the copy is there; notes that it was asked for.
    pub(super) fn hit(path: &Path) -> bool {
        // Opened for writing only because a read-only handle may not set the time everywhere.
        let touched = fs::File::options().append(true).open(path).and_then(|file| file.set_modified(now()));
        touched.is_ok()
    }

    /// A new file to fetch into, in the cache's own folder so that the rename is atomic.
    pub(super) fn begin(&self) -> Result<tempfile::NamedTempFile, LakeError> {
        // The copies may hold personal data: nobody else may look.
        file::make_private(&self.folder)
            .and_then(|()| tempfile::Builder::new().prefix(FETCHING).tempfile_in(&self.folder))
            .map_err(LakeError::io(&self.folder))
    }

    /// Makes a fetched file the copy at `path`, then removes the copies not used for longest.
    pub(super) fn keep(&self, fetched: tempfile::NamedTempFile, path: &Path) -> Result<(), LakeError> {
        fetched.persist(path).map_err(|error| LakeError::Io { path: path.to_owned(), why: error.error })?;
        self.trim().map_err(LakeError::io(&self.folder))
    }

    fn trim(&self) -> std::io::Result<()> {
        let lock = fs::File::create(self.folder.join(LOCK))?;
        // Whoever holds the lock is trimming already.
        if lock.try_lock().is_err() {
            return Ok(());
        }
        let now = now();
        let mut copies = self.copies(now)?;
        let mut total: u64 = copies.iter().map(|copy| copy.bytes).sum();
        copies.sort_by(|a, b| (a.used, &a.path).cmp(&(b.used, &b.path)));
        for copy in copies {
            if total <= self.bytes_max || age(now, copy.used) < self.in_use {
                break;
            }
            remove(&copy.path)?;
            total -= copy.bytes;
        }
        Ok(())
    }

    fn copies(&self, now: SystemTime) -> std::io::Result<Vec<Copy>> {
        let mut copies = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let Ok(metadata) = entry.metadata() else { continue };
            let copy = Copy { path: entry.path(), bytes: metadata.len(), used: metadata.modified()? };
            if name.to_string_lossy().starts_with(FETCHING) {
                if age(now, copy.used) > ABANDONED {
                    remove(&copy.path)?;
                }
            } else if name != LOCK && metadata.is_file() {
                copies.push(copy);
            }
        }
        Ok(copies)
    }
}

fn now() -> SystemTime {
    crate::clock::now().into()
}

fn age(now: SystemTime, then: SystemTime) -> Duration {
    now.duration_since(then).unwrap_or_default()
}

fn remove(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn put(cache: &Cache, key: &str, bytes: usize) -> PathBuf {
        let path = cache.path("bucket", key, "etag");
        let mut fetched = cache.begin().unwrap();
        fetched.write_all(&vec![b'x'; bytes]).unwrap();
        cache.keep(fetched, &path).unwrap();
        path
    }

    fn used_hours_ago(path: &Path, hours: u64) {
        let file = fs::File::options().append(true).open(path).unwrap();
        file.set_modified(now() - Duration::from_hours(hours)).unwrap();
    }

    #[test]
    fn the_copy_not_used_for_longest_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().join("cache"), 250);
        let (old, older) = (put(&cache, "old.parquet", 100), put(&cache, "older.parquet", 100));
        used_hours_ago(&old, 2);
        used_hours_ago(&older, 3);
        put(&cache, "third", 100);
        assert!(Cache::hit(&old) && !Cache::hit(&older));
    }

    #[test]
    fn what_is_in_use_stays_even_above_the_bound() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().to_owned(), 10);
        let paths: Vec<_> = (0..5).map(|n| put(&cache, &n.to_string(), 100)).collect();
        assert!(paths.iter().all(|path| Cache::hit(path)));
    }

    #[test]
    fn another_version_is_another_copy() {
        let cache = Cache::new("cache".into(), 10);
        assert_ne!(cache.path("b", "k.csv", "1"), cache.path("b", "k.csv", "2"));
        assert!(cache.path("b", "k.csv.gz", "1").to_string_lossy().ends_with(".csv.gz"));
    }
}
