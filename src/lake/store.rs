//! One object store, a folder or a bucket: the same verbs and the same promises.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{
    LakeError,
    file::{self, FileStore},
    modes::Exposed,
    s3::{Retries, S3Store},
};

/// One object store: a `file://` folder or an `s3://` bucket with an optional prefix. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store(Backend);

#[derive(Debug, Clone)]
enum Backend {
    File(Arc<FileStore>),
    S3(Arc<S3Store>),
}

/// How stores are opened.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// Local copies of S3 objects.
    pub cache_dir: PathBuf,
    /// How large that folder may grow.
    pub cache_bytes: u64,
    /// `true` for S3 servers without bucket host names.
    pub s3_path_style: bool,
}

/// An object as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Object {
    /// Below the store's root, with `/` between parts.
    pub key: String,
    pub bytes: u64,
    /// Changes whenever the content does; for a file its size and modification time.
    pub etag: String,
}

impl Store {
    /// Opens `file://folder` (relative or absolute) or `s3://bucket/prefix`. Nothing is contacted yet.
    pub async fn open(url: &str, options: &StoreOptions) -> Result<Self, LakeError> {
        Self::open_with(url, options, Retries::QUICK).await
    }

    /// As [`Store::open`], for work that nobody waits for: every call rides out an outage of two minutes.
    pub async fn open_patiently(url: &str, options: &StoreOptions) -> Result<Self, LakeError> {
        Self::open_with(url, options, Retries::PATIENT).await
    }

    async fn open_with(url: &str, options: &StoreOptions, retries: Retries) -> Result<Self, LakeError> {
        let bad = |why| LakeError::BadUrl { url: url.to_owned(), why };
        if let Some(folder) = url.strip_prefix("file://") {
            if folder.is_empty() {
                return Err(bad("the folder is missing"));
            }
            return Ok(Self(Backend::File(Arc::new(FileStore::new(folder)))));
        }
        let place = url.strip_prefix("s3://").ok_or_else(|| bad("it begins with neither file:// nor s3://"))?;
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        let prefix = prefix.trim_end_matches('/');
        if bucket.is_empty() {
            return Err(bad("the bucket is missing"));
        }
        if !prefix.is_empty() {
            check_key(prefix).map_err(|_| bad("the prefix has empty, `.` or `..` parts"))?;
        }
        Ok(Self(Backend::S3(Arc::new(S3Store::open(bucket, prefix, options, retries).await))))
    }

    /// Everything whose key begins with `prefix`, sorted by key; empty when there is nothing.
    pub async fn list(&self, prefix: &str) -> Result<Vec<Object>, LakeError> {
        Ok(self.list_dated(prefix).await?.into_iter().map(|(object, _)| object).collect())
    }

    /// As [`Store::list`], with the time of each one's last write.
    pub async fn list_dated(&self, prefix: &str) -> Result<Vec<(Object, SystemTime)>, LakeError> {
        check_prefix(prefix)?;
        let mut objects = match &self.0 {
            Backend::File(files) => files.list(prefix).await?,
            Backend::S3(bucket) => bucket.list(prefix).await?,
        };
        objects.sort();
        Ok(objects)
    }

    /// Whether there is an object `key`.
    pub async fn exists(&self, key: &str) -> Result<bool, LakeError> {
        Ok(LakeError::found(self.stat(key).await)?.is_some())
    }

    /// Size and etag of `key`; [`LakeError::Missing`] when absent.
    pub async fn stat(&self, key: &str) -> Result<Object, LakeError> {
        check_key(key)?;
        match &self.0 {
            Backend::File(files) => files.stat(key).await,
            Backend::S3(bucket) => bucket.stat(key).await,
        }
    }

    /// The whole object; [`LakeError::Missing`] when absent.
    pub async fn read(&self, key: &str) -> Result<Bytes, LakeError> {
        check_key(key)?;
        match &self.0 {
            Backend::File(files) => files.read(key).await,
            Backend::S3(bucket) => bucket.read(key).await,
        }
    }

    /// Reads one byte of `key`, to see whether it may be read.
    pub async fn touch(&self, key: &str) -> Result<(), LakeError> {
        check_key(key)?;
        match &self.0 {
            Backend::File(files) => files.touch(key).await,
            Backend::S3(bucket) => bucket.touch(key).await,
        }
    }

    /// Writes the whole object: others see the old one or this one, never a part.
    pub async fn write(&self, key: &str, bytes: Bytes) -> Result<(), LakeError> {
        check_key(key)?;
        match &self.0 {
            Backend::File(files) => files.write(key, bytes).await,
            Backend::S3(bucket) => bucket.write(key, bytes).await,
        }
    }

    /// Writes a local file as an object, as atomically as [`Store::write`]; a large file is streamed.
    pub async fn write_file(&self, key: &str, path: &Path) -> Result<(), LakeError> {
        check_key(key)?;
        match &self.0 {
            Backend::File(files) => files.write_file(key, path).await,
            Backend::S3(bucket) => bucket.write_file(key, path).await,
        }
    }

    /// Removes the object; that there is none is fine.
    pub async fn delete(&self, key: &str) -> Result<(), LakeError> {
        check_key(key)?;
        match &self.0 {
            Backend::File(files) => files.delete(key).await,
            Backend::S3(bucket) => bucket.delete(key).await,
        }
    }

    /// A readable local copy of `key`: the file itself, or a copy in the cache. Not to be written to.
    pub async fn local(&self, key: &str) -> Result<PathBuf, LakeError> {
        let object = self.stat(key).await?;
        self.local_copy(&object).await
    }

    /// As [`Store::local`] for an object that was listed before: a cached one costs no request.
    pub async fn local_copy(&self, object: &Object) -> Result<PathBuf, LakeError> {
        check_key(&object.key)?;
        match &self.0 {
            Backend::File(files) => Ok(files.path(&object.key)),
            Backend::S3(bucket) => bucket.local_copy(object, None).await,
        }
    }

    /// As [`Store::local_copy`] for a part whose hash is known: checked when it is fetched, so that what is kept is right.
    /// A folder's file is not read twice for that.
    pub async fn local_copy_checked(&self, object: &Object, sha256: &str) -> Result<PathBuf, LakeError> {
        check_key(&object.key)?;
        match &self.0 {
            Backend::File(files) => Ok(files.path(&object.key)),
            Backend::S3(bucket) => bucket.local_copy(object, Some(sha256)).await,
        }
    }

    /// As [`Store::local`], read once more to see that it is what was written: for what leaves the house.
    pub async fn local_checked(&self, key: &str, sha256: &str) -> Result<PathBuf, LakeError> {
        let object = self.stat(key).await?;
        let path = self.local_copy_checked(&object, sha256).await?;
        if file::sha256_of(&path).await? == sha256 {
            Ok(path)
        } else {
            Err(LakeError::Damaged { place: self.place(), key: key.to_owned() })
        }
    }

    /// An address that gives `key` to whoever has it, as a file of this name, for so long (at most 7 days, and no longer than the
    /// credentials that sign it). `None` for a folder, which nobody reaches from outside.
    pub async fn link(&self, key: &str, valid: Duration) -> Result<Option<String>, LakeError> {
        check_key(key)?;
        match &self.0 {
            Backend::File(_) => Ok(None),
            Backend::S3(bucket) => bucket.link(key, valid).await.map(Some),
        }
    }

    /// How many files and folders below these folders of the root somebody else on this machine may read; with `mend`, they may not any
    /// more. Links are not followed. `None` for a bucket, where policies decide.
    pub async fn open_to_others(
        &self,
        folders: &'static [&'static str],
        mend: bool,
    ) -> Result<Option<Exposed>, LakeError> {
        match &self.0 {
            Backend::File(files) => files.open_to_others(folders, mend).await.map(Some),
            Backend::S3(_) => Ok(None),
        }
    }

    /// Whether this store turned out not to take the checksums that newer clients of S3 send; they are left out then.
    pub fn refuses_checksums(&self) -> bool {
        matches!(&self.0, Backend::S3(bucket) if bucket.refuses_checksums())
    }

    /// The root, as messages name it.
    pub fn place(&self) -> String {
        match &self.0 {
            Backend::File(files) => files.place(),
            Backend::S3(bucket) => bucket.place(),
        }
    }
}

fn check_key(key: &str) -> Result<(), LakeError> {
    let fine = key.split('/').all(|part| !matches!(part, "" | "." | "..")) && !key.contains(['\\', '\0', '\n']);
    if fine { Ok(()) } else { Err(LakeError::BadKey { key: key.to_owned() }) }
}

/// A prefix may be empty and may end inside a name or behind a `/`.
fn check_prefix(prefix: &str) -> Result<(), LakeError> {
    match prefix.strip_suffix('/').unwrap_or(prefix) {
        "" if prefix.is_empty() => Ok(()),
        whole => check_key(whole).map_err(|_| LakeError::BadKey { key: prefix.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stay_below_the_root() {
        for bad in ["", "/a", "a//b", "../a", "a/../b", "a/.", "a/", "a\\b", "a\0"] {
            assert!(check_key(bad).is_err(), "{bad:?}");
        }
        for good in ["a", "a/b.parquet", "snapshots/as_of=2026-11-22/_manifest.json", "a..b"] {
            assert!(check_key(good).is_ok(), "{good:?}");
        }
        for good in ["", "a", "a/", "snapshots/as_of="] {
            assert!(check_prefix(good).is_ok(), "{good:?}");
        }
        assert!(check_prefix("/").is_err());
        assert!(check_prefix("a/../").is_err());
    }
}
