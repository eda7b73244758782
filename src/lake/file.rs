//! Objects as files below a folder. A write appears whole: temporary name in the same folder, fsync, rename.
//!
//! They hold people's ids, so files are made for their owner alone (0600), and so are the folders that are made for them (0700).

use std::{
    fs,
    io::{Read as _, Write},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;

use super::{
    LakeError, Object,
    modes::{self, Exposed},
};
use crate::digest;

/// Names that a write uses before its rename; a listing never shows them.
const UNFINISHED: &str = ".unfinished-";
/// Deeper folders are not looked into: a link that leads upwards must end somewhere.
const DEPTH_MAX: usize = 16;

#[derive(Debug)]
pub(super) struct FileStore {
    root: PathBuf,
}

impl FileStore {
    pub(super) fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    pub(super) fn place(&self) -> String {
        format!("file://{}", self.root.display())
    }

    /// See [`super::Store::open_to_others`].
    pub(super) async fn open_to_others(
        &self,
        folders: &'static [&'static str],
        mend: bool,
    ) -> Result<Exposed, LakeError> {
        let root = self.root.clone();
        blocking(move || modes::look(&root, folders, mend)).await
    }

    pub(super) fn path(&self, key: &str) -> PathBuf {
        self.root.join(key)
    }

    /// With the time of the last write.
    pub(super) async fn list(&self, prefix: &str) -> Result<Vec<(Object, SystemTime)>, LakeError> {
        let (root, prefix) = (self.root.clone(), prefix.to_owned());
        blocking(move || {
            let folder = prefix.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
            let mut objects = Vec::new();
            walk(&root, &folder, DEPTH_MAX, &mut objects)?;
            objects.retain(|(object, _)| object.key.starts_with(&prefix));
            Ok(objects)
        })
        .await
    }

    pub(super) async fn stat(&self, key: &str) -> Result<Object, LakeError> {
        let (path, key, place) = (self.path(key), key.to_owned(), self.place());
        blocking(move || match fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => Ok(object(key, &metadata)),
            Ok(_) => Err(LakeError::Missing { place, key }),
            Err(error) => Err(missing_or_io(error, &path, place, key)),
        })
        .await
    }

    pub(super) async fn read(&self, key: &str) -> Result<Bytes, LakeError> {
        let (path, key, place) = (self.path(key), key.to_owned(), self.place());
        blocking(move || match fs::read(&path) {
            Ok(bytes) => Ok(bytes.into()),
            Err(error) => Err(missing_or_io(error, &path, place, key)),
        })
        .await
    }

    pub(super) async fn touch(&self, key: &str) -> Result<(), LakeError> {
        let (path, key, place) = (self.path(key), key.to_owned(), self.place());
        blocking(move || match fs::File::open(&path).and_then(|mut file| file.read(&mut [0])) {
            Ok(_) => Ok(()),
            Err(error) => Err(missing_or_io(error, &path, place, key)),
        })
        .await
    }

    pub(super) async fn write(&self, key: &str, bytes: Bytes) -> Result<(), LakeError> {
        let path = self.path(key);
        blocking(move || replace(&path, |file| file.write_all(&bytes))).await
    }

    /// Also removes the folders that are left empty, up to the root.
    pub(super) async fn delete(&self, key: &str) -> Result<(), LakeError> {
        let (path, root) = (self.path(key), self.root.clone());
        blocking(move || {
            match fs::remove_file(&path) {
                Err(error) if !is_absent(&error) => return Err(LakeError::Io { path, why: error }),
                _ => {}
            }
            let folders = path.ancestors().skip(1).take_while(|folder| *folder != root);
            folders.map_while(|folder| fs::remove_dir(folder).ok()).for_each(drop);
            Ok(())
        })
        .await
    }

    pub(super) async fn write_file(&self, key: &str, source: &Path) -> Result<(), LakeError> {
        let (path, source) = (self.path(key), source.to_owned());
        blocking(move || {
            let mut from = fs::File::open(&source).map_err(LakeError::io(&source))?;
            replace(&path, |file| std::io::copy(&mut from, file).map(|_| ()))
        })
        .await
    }
}

/// Writes beside `path` and renames: readers see the old file or the new one.
pub(super) fn replace(path: &Path, fill: impl FnOnce(&mut fs::File) -> std::io::Result<()>) -> Result<(), LakeError> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let write = || {
        make_private(folder)?;
        let mut unfinished = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
        fill(unfinished.as_file_mut())?;
        unfinished.as_file().sync_all()?;
        unfinished.persist(path)?;
        fs::File::open(folder)?.sync_all()
    };
    write().map_err(LakeError::io(path))
}

/// Makes a folder, and those above it that are missing, for nobody else. What exists stays as it is.
pub(super) fn make_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn walk(root: &Path, folder: &str, depth: usize, objects: &mut Vec<(Object, SystemTime)>) -> Result<(), LakeError> {
    let path = root.join(folder);
    let entries = match fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(error) if is_absent(&error) => return Ok(()),
        Err(error) => return Err(LakeError::Io { path, why: error }),
    };
    for entry in entries {
        let entry = entry.map_err(LakeError::io(&path))?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let key = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        let metadata = match fs::metadata(entry.path()) {
            Ok(metadata) => metadata,
            // Gone since the listing, or a link to nowhere.
            Err(error) if is_absent(&error) => continue,
            Err(error) => return Err(LakeError::Io { path: entry.path(), why: error }),
        };
        if metadata.is_dir() && depth > 0 {
            walk(root, &key, depth - 1, objects)?;
        } else if metadata.is_file() && !entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            objects.push((object(key, &metadata), metadata.modified().unwrap_or(UNIX_EPOCH)));
        }
    }
    Ok(())
}

fn object(key: String, metadata: &fs::Metadata) -> Object {
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    Object { key, bytes: metadata.len(), etag: format!("{}-{}", metadata.len(), modified.as_nanos()) }
}

fn missing_or_io(error: std::io::Error, path: &Path, place: String, key: String) -> LakeError {
    if is_absent(&error) { LakeError::Missing { place, key } } else { LakeError::io(path)(error) }
}

fn is_absent(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory | std::io::ErrorKind::IsADirectory
    )
}

/// The hash of a local file.
pub(super) async fn sha256_of(path: &Path) -> Result<String, LakeError> {
    let path = path.to_owned();
    blocking(move || {
        let opened = fs::File::open(&path).and_then(|file| digest::sha256_of(std::io::BufReader::new(file)));
        opened.map_err(LakeError::io(&path))
    })
    .await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LakeError> + Send + 'static,
) -> Result<T, LakeError> {
    tokio::task::spawn_blocking(work).await.expect("file work does not panic")
}
