//! The files of a result on their way into Slack: as they are, compressed, or, where Slack would not take them, as links.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use flate2::{Compression, write::GzEncoder};
use sqlx::PgPool;
use tempfile::{NamedTempFile, TempPath};
use tokio::runtime::Handle;

use crate::{
    catalog::Limits,
    contracts::keys,
    export::{self, SEGMENT_FILE},
    lake::{LakeError, Store},
    pipeline::{self, BuildError},
    queue::Request,
    segment::{CONTROL_FILE, Failure, FileEntry},
    slack::{LinkedFile, ResultFile, ResultFiles, ResultLinks, Whereabouts},
    suppression,
};

/// Where results lie, and from which sizes on they travel otherwise.
#[derive(Debug, Clone)]
pub struct Results {
    store: Store,
    pool: PgPool,
    limits: Limits,
}

impl Results {
    /// Results in `store`, of requests in the database of `pool`.
    pub fn new(store: Store, pool: PgPool, limits: Limits) -> Self {
        Self { store, pool, limits }
    }

    /// What is uploaded.
    pub fn files(&self) -> ResultFiles {
        let results = self.clone();
        ResultFiles::new(move |request| results.clone().uploaded(request))
    }

    /// What is not.
    pub fn links(&self) -> ResultLinks {
        let results = self.clone();
        ResultLinks::new(move |request| results.clone().linked(request))
    }

    async fn uploaded(self, request: Request) -> Result<Vec<ResultFile>, Failure> {
        let mut found = Vec::new();
        for file in self.files_of(&request, |bytes, most| bytes <= most) {
            let path = self.store.local_checked(&key(&request, &file), &file.sha256).await;
            let path = path.map_err(|error| unreadable(&request, &error))?;
            let people = self.without_suppressed(&request, &file, &path).await?;
            let left_out = people.as_ref().map_or(0, |people| people.left_out);
            let given = if file.bytes > self.limits.gzip_over_bytes {
                let plain = people.as_ref().map_or(path.clone(), |people| people.path.to_path_buf());
                let compressed = compressed(plain).await.map_err(|error| no_room(&request, &error))?;
                ResultFile::temporary(format!("{}.gz", file.name), compressed)
            } else {
                match people {
                    Some(people) => ResultFile::temporary(&file.name, people.path),
                    None => ResultFile::stored(&file.name, path),
                }
            };
            found.push(given.without(left_out));
        }
        Ok(found)
    }

    async fn linked(self, request: Request) -> Result<Vec<LinkedFile>, Failure> {
        let mut found = Vec::new();
        for file in self.files_of(&request, |bytes, most| bytes > most) {
            let mut key = key(&request, &file);
            let path = self.store.local_checked(&key, &file.sha256).await;
            let path = path.map_err(|error| unreadable(&request, &error))?;
            if let Some(people) = self.without_suppressed(&request, &file, &path).await? {
                // Beside the file as it was built, which `segment verify` compares.
                key = keys::segment_file(request.folder(), &format!("without-{}/{}", people.list, file.name));
                let (store, to) = (self.store.clone(), key.clone());
                let write = move || Handle::current().block_on(store.write_file(&to, &people.path));
                let stored = tokio::task::spawn_blocking(write).await;
                stored.map_err(|_| Failure::Internal)?.map_err(|error| unreadable(&request, &error))?;
            }
            let days = self.limits.link_days;
            let link = self.store.link(&key, Duration::from_hours(24 * u64::from(days))).await;
            let whereabouts = match link.map_err(|error| unreadable(&request, &error))? {
                Some(url) => Whereabouts::Link { url, days },
                None => Whereabouts::Folder { place: format!("{}/{key}", self.store.place()) },
            };
            found.push(LinkedFile { name: file.name.clone(), bytes: file.bytes, whereabouts });
        }
        Ok(found)
    }

    /// In the order of delivery, those whose size fits. The control group's file stays in the store: who gets a file may send
    /// it to those in it.
    fn files_of(&self, request: &Request, fits: fn(u64, u64) -> bool) -> Vec<FileEntry> {
        let files = request.summary.iter().flat_map(|summary| &summary.files);
        let given = files.filter(|file| file.name != CONTROL_FILE && fits(file.bytes, self.limits.link_over_bytes));
        given.cloned().collect()
    }

    /// The file without those who are on the list in force now and were not when it was built; `None` where nobody is, and
    /// for files that hold nobody.
    async fn without_suppressed(
        &self,
        request: &Request,
        file: &FileEntry,
        path: &Path,
    ) -> Result<Option<Remaining>, Failure> {
        let failed = |error: BuildError| {
            tracing::error!(request = request.reference, %error, "who may not be contacted is not known");
            error.failure().unwrap_or(Failure::Internal)
        };
        let list = suppression::in_force(&self.store, &self.pool).await.map_err(|error| failed(error.into()))?;
        let Some(list) = list.filter(|_| file.name == SEGMENT_FILE) else { return Ok(None) };
        if request.summary.as_ref().is_some_and(|summary| summary.suppression.as_ref() == Some(&list.sha256)) {
            return Ok(None);
        }
        let ids = suppression::ids(&self.store, &list).await.map_err(|error| failed(error.into()))?;
        let from = path.to_owned();
        let written = tokio::task::spawn_blocking(move || export::without(&from, &ids)).await;
        let written = written.map_err(|_| Failure::Internal)?.map_err(|error| failed(error.into()))?;
        let short = list.sha256.chars().take(16).collect();
        Ok(written.map(|(path, left_out)| Remaining { path, left_out, list: short }))
    }
}

/// A file from which people were taken out.
struct Remaining {
    path: TempPath,
    left_out: u64,
    /// Names the list.
    list: String,
}

fn key(request: &Request, file: &FileEntry) -> String {
    keys::segment_file(request.folder(), &file.name)
}

/// A temporary copy, compressed piece by piece. Its header holds neither name nor time, so that the same file gives the same bytes.
async fn compressed(path: PathBuf) -> io::Result<TempPath> {
    let compress = move || {
        let mut from = File::open(path)?;
        let mut encoder = GzEncoder::new(NamedTempFile::new()?, Compression::default());
        io::copy(&mut from, &mut encoder)?;
        Ok(encoder.finish()?.into_temp_path())
    };
    tokio::task::spawn_blocking(compress).await.map_err(io::Error::other)?
}

fn unreadable(request: &Request, error: &LakeError) -> Failure {
    tracing::error!(request = request.reference, %error, "a result's file cannot be read");
    pipeline::lake_failure(error)
}

fn no_room(request: &Request, error: &io::Error) -> Failure {
    tracing::error!(request = request.reference, %error, "a result's file cannot be compressed");
    Failure::StorageUnreachable
}
