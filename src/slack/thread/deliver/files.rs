//! The files of a result, as whoever stored them hands them over: to upload, or as a link where Slack would not take them.

use std::{
    future::Future,
    path::{Path, PathBuf},
    sync::Arc,
};

use futures::future::BoxFuture;
use tempfile::TempPath;

use crate::{queue::Request, segment::Failure};

/// A file to upload.
#[derive(Debug, Clone)]
pub struct ResultFile {
    /// As people see it in Slack.
    pub name: String,
    /// People who were taken out of it because they opted out since it was written.
    pub left_out: u64,
    place: FileSource,
}

#[derive(Debug, Clone)]
enum FileSource {
    Stored(PathBuf),
    /// Removed with its last owner.
    Temporary(Arc<TempPath>),
}

impl ResultFile {
    /// A readable local copy, which stays.
    pub fn stored(name: impl Into<String>, path: PathBuf) -> Self {
        Self { name: name.into(), left_out: 0, place: FileSource::Stored(path) }
    }

    /// A file that was made for this delivery and goes with it.
    pub fn temporary(name: impl Into<String>, path: TempPath) -> Self {
        Self { name: name.into(), left_out: 0, place: FileSource::Temporary(Arc::new(path)) }
    }

    /// The same file, from which so many people were taken out.
    #[must_use]
    pub fn without(self, left_out: u64) -> Self {
        Self { left_out, ..self }
    }

    /// Where its bytes are.
    pub fn path(&self) -> &Path {
        match &self.place {
            FileSource::Stored(path) => path,
            FileSource::Temporary(path) => path,
        }
    }
}

/// A file that is too large for Slack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedFile {
    pub name: String,
    pub bytes: u64,
    pub whereabouts: Whereabouts,
}

/// How people come by it.
#[derive(Clone, PartialEq, Eq)]
pub enum Whereabouts {
    /// Whoever has the address has the file: it goes into the thread and nowhere else.
    Link { url: String, days: u8 },
    /// In a folder that only the operator reaches.
    Folder { place: String },
}

impl std::fmt::Debug for Whereabouts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Link { days, .. } => f.debug_struct("Link").field("days", days).finish_non_exhaustive(),
            Self::Folder { place } => f.debug_struct("Folder").field("place", place).finish(),
        }
    }
}

type Open<T> = dyn Fn(Request) -> BoxFuture<'static, Result<Vec<T>, Failure>> + Send + Sync;

/// Finds the files of a request that are uploaded, in the order of delivery.
#[derive(Clone)]
pub struct ResultFiles {
    open: Arc<Open<ResultFile>>,
}

impl ResultFiles {
    /// Wraps whatever knows where results are stored.
    pub fn new<F, Found>(open: F) -> Self
    where
        F: Fn(Request) -> Found + Send + Sync + 'static,
        Found: Future<Output = Result<Vec<ResultFile>, Failure>> + Send + 'static,
    {
        Self { open: Arc::new(move |request| Box::pin(open(request))) }
    }

    pub(super) async fn open(&self, request: &Request) -> Result<Vec<ResultFile>, Failure> {
        (self.open)(request.clone()).await
    }
}

impl std::fmt::Debug for ResultFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResultFiles").finish_non_exhaustive()
    }
}

/// Finds the files of a request that are not uploaded.
#[derive(Clone)]
pub struct ResultLinks {
    find: Arc<Open<LinkedFile>>,
}

impl ResultLinks {
    /// Wraps whatever signs links.
    pub fn new<F, Found>(find: F) -> Self
    where
        F: Fn(Request) -> Found + Send + Sync + 'static,
        Found: Future<Output = Result<Vec<LinkedFile>, Failure>> + Send + 'static,
    {
        Self { find: Arc::new(move |request| Box::pin(find(request))) }
    }

    /// Where Slack takes everything.
    pub fn none() -> Self {
        Self::new(|_| async { Ok(Vec::new()) })
    }

    pub(crate) async fn of(&self, request: &Request) -> Result<Vec<LinkedFile>, Failure> {
        (self.find)(request.clone()).await
    }
}

impl std::fmt::Debug for ResultLinks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResultLinks").finish_non_exhaustive()
    }
}
