//! Why the lake cannot answer; every message names the place and, where one exists, the fix.

use std::path::PathBuf;

/// A failure of the lake or of a table in it.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    #[error("`{url}` is no place for objects: {why}. Write file://folder or s3://bucket/prefix")]
    BadUrl { url: String, why: &'static str },
    #[error("`{key}` is no key: it may not be empty, start with `/`, or hold empty, `.` or `..` parts")]
    BadKey { key: String },
    #[error("{place} has no object `{key}`")]
    Missing { place: String, key: String },
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("bucket `{bucket}` does not exist at {endpoint}; check SEGMENT_LAKE, SEGMENT_STORE and the region")]
    NoBucket { endpoint: String, bucket: String },
    #[error(
        "{endpoint} refuses access to bucket `{bucket}` ({code}); check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the bucket's policy"
    )]
    Refused { endpoint: String, bucket: String, code: String },
    #[error(
        "no AWS credentials for bucket `{bucket}` at {endpoint}; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or run with a role"
    )]
    NoCredentials { endpoint: String, bucket: String },
    #[error("cannot reach bucket `{bucket}` at {endpoint}: {why}")]
    Unreachable { endpoint: String, bucket: String, why: String },
    #[error("{endpoint} failed on bucket `{bucket}`: {why}")]
    Service { endpoint: String, bucket: String, why: String, transient: bool },
    #[error("`{key}` changed again and again while it was read")]
    Unstable { key: String },
    #[error("{place}: `{key}` is not what was written: its SHA-256 differs")]
    Damaged { place: String, key: String },
    #[error("table `{table}`: `{glob}` is no usable pattern: {why}")]
    BadGlob { table: String, glob: String, why: String },
    #[error("table `{table}`: no file matches `{glob}` in {place}; check the table's `path` in the catalog")]
    NoFiles { table: String, glob: String, place: String },
    #[error("table `{table}`: cannot read {file}: {why}")]
    Unreadable { table: String, file: String, why: String },
    #[error("table `{table}`, {file}: there is no column `{column}` ({expected}); the columns are {}", columns.join(", "))]
    NoColumn { table: String, file: String, column: Box<str>, expected: &'static str, columns: Box<[String]> },
    #[error(
        "table `{table}`, {file}: column `{column}` is {found}, but must be {expected}; the columns are {}",
        columns.join(", ")
    )]
    WrongType {
        table: String,
        file: String,
        column: Box<str>,
        expected: &'static str,
        found: Box<str>,
        columns: Box<[String]>,
    },
    #[error("the tables cannot be read: {0}")]
    Polars(#[from] polars::error::PolarsError),
}

impl LakeError {
    /// `None` when there is no such object.
    pub fn found<T>(result: Result<T, Self>) -> Result<Option<T>, Self> {
        match result {
            Ok(found) => Ok(Some(found)),
            Err(Self::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the same call could succeed later with nothing else changed.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Unstable { .. } => true,
            Self::Service { transient, .. } => *transient,
            Self::Io { source, .. } => {
                use std::io::ErrorKind::{Interrupted, StorageFull, TimedOut, WouldBlock};
                matches!(source.kind(), Interrupted | StorageFull | TimedOut | WouldBlock)
            }
            Self::BadUrl { .. }
            | Self::BadKey { .. }
            | Self::Missing { .. }
            | Self::NoBucket { .. }
            | Self::Refused { .. }
            | Self::NoCredentials { .. }
            | Self::Damaged { .. }
            | Self::BadGlob { .. }
            | Self::NoFiles { .. }
            | Self::Unreadable { .. }
            | Self::NoColumn { .. }
            | Self::WrongType { .. }
            | Self::Polars(_) => false,
        }
    }

    pub(super) fn io(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}
