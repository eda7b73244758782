//! The files of a result on their way into Slack: as they are, compressed, or, where Slack would not take them, as links.

use std::{fs::File, io, path::PathBuf, time::Duration};

use flate2::{Compression, write::GzEncoder};
use tempfile::{NamedTempFile, TempPath};

use crate::{
    catalog::Limits,
    lake::{LakeError, Store},
    queue::Request,
    segment::{CONTROL_FILE, Failure, FileEntry},
    slack::{LinkedFile, ResultFile, ResultFiles, ResultLinks, Whereabouts},
    worker,
};

/// Where results lie, and from which sizes on they travel otherwise.
#[derive(Debug, Clone)]
pub struct Results {
    store: Store,
    limits: Limits,
}

impl Results {
    /// Results in `store`.
    pub fn new(store: Store, limits: Limits) -> Self {
        Self { store, limits }
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
        for file in delivered(&request).filter(|file| file.bytes <= self.limits.link_over_bytes) {
            let path = self.store.local_checked(&key(&request, file), &file.sha256).await;
            let path = path.map_err(|error| unreadable(&request, &error))?;
            found.push(if file.bytes > self.limits.gzip_over_bytes {
                let compressed = compressed(path).await.map_err(|error| no_room(&request, &error))?;
                ResultFile::temporary(format!("{}.gz", file.name), compressed)
            } else {
                ResultFile::stored(&file.name, path)
            });
        }
        Ok(found)
    }

    async fn linked(self, request: Request) -> Result<Vec<LinkedFile>, Failure> {
        let mut found = Vec::new();
        for file in delivered(&request).filter(|file| file.bytes > self.limits.link_over_bytes) {
            let key = key(&request, file);
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
}

/// In the order of delivery. The control group's file stays in the store: who gets a file may send it to those in it.
fn delivered(request: &Request) -> impl Iterator<Item = &FileEntry> {
    request.summary.iter().flat_map(|summary| &summary.files).filter(|file| file.name != CONTROL_FILE)
}

fn key(request: &Request, file: &FileEntry) -> String {
    format!("segments/{}/{}", request.folder(), file.name)
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
    worker::lake_failure(error)
}

fn no_room(request: &Request, error: &io::Error) -> Failure {
    tracing::error!(request = request.reference, %error, "a result's file cannot be compressed");
    Failure::StorageUnreachable
}
