//! Why the lake cannot answer; every message names the place and, where one exists, the fix.

use std::path::PathBuf;

/// What is wrong with a bucket, its server, the way to it, or our right to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Trouble {
    pub(super) what: String,
    pub(super) remedy: Option<String>,
    pub(super) transient: bool,
}

impl std::fmt::Display for S3Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.remedy {
            Some(remedy) => write!(f, "{}; {remedy}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

impl std::error::Error for S3Trouble {}

impl S3Trouble {
    /// Stays until somebody mends it.
    pub(super) fn lasting(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: Some(remedy.into()), transient: false }
    }

    /// May be gone the next time.
    pub(super) fn passing(what: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: None, transient: true }
    }

    pub(super) fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// What is wrong, without what mends it.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// What mends it.
    pub fn remedy(&self) -> Option<&str> {
        self.remedy.as_deref()
    }

    /// Whether the same may work later with nothing else changed.
    pub fn is_transient(&self) -> bool {
        self.transient
    }
}

/// A failure of the lake or of a table in it.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    #[error("`{url}` is no place for objects: {why}. Write file://folder or s3://bucket/prefix")]
    BadUrl { url: String, why: &'static str },
    #[error(
        "`{key}` is no key that can be read: between two slashes there must be something other than `.` and `..`, also at its \
         ends; rename or remove the object"
    )]
    BadKey { key: String },
    #[error("{place} has no object `{key}`")]
    Missing { place: String, key: String },
    #[error("{}: {}", path.display(), file_words(why))]
    Io { path: PathBuf, why: std::io::Error },
    #[error(transparent)]
    S3(#[from] S3Trouble),
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
    #[error("table `{table}`, {error}")]
    Csv { table: String, error: Box<super::csv::CsvError> },
    #[error(
        "table `{table}`: its files are in folders of {days} days, from {oldest} to {newest}. If each day's files are the \
         whole table, write `dumps = \"newest\"` below [users] in the catalog; if all of them together are, `dumps = \"all\"`"
    )]
    SeveralDumps { table: String, days: usize, oldest: chrono::NaiveDate, newest: chrono::NaiveDate },
    #[error(
        "the rows of a table cannot be decoded: a file is damaged, or was written over while it was read; copy or write it \
         again, and if that changes nothing, report it with the log at level debug"
    )]
    Undecodable,
    #[error("table `{table}`: {found} of {rows} rows could be read from {}; copy or write the file again", files.join(", "))]
    RowsLost { table: String, files: Vec<String>, rows: u64, found: u64 },
}

impl From<polars::error::PolarsError> for LakeError {
    fn from(error: polars::error::PolarsError) -> Self {
        // The library's words are for those who mend this program.
        tracing::debug!(%error, "rows cannot be decoded");
        Self::Undecodable
    }
}

/// What a failed use of a file means; the system's own words where there are none of ours, without its number.
pub fn file_words(error: &std::io::Error) -> String {
    use std::io::ErrorKind::{
        NotADirectory, NotFound, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull,
    };
    let said = match error.kind() {
        StorageFull => "the disk is full; make room, or name a folder on another disk",
        QuotaExceeded => "this user's share of the disk is used up; make room, or raise the quota",
        ReadOnlyFilesystem => "the disk cannot be written to; name a folder on another one, or mount it for writing",
        PermissionDenied => "permission denied; the user who runs segment-bot needs the right to it",
        NotFound => "there is no such file or folder",
        NotADirectory => "a part of this path is a file and no folder",
        _ => return error.to_string().split(" (os error").next().unwrap_or_default().to_owned(),
    };
    said.to_owned()
}

/// Why a table cannot be written, as far as a person can do something about it.
pub fn write_words(error: &polars::error::PolarsError) -> String {
    tracing::debug!(%error, "a table cannot be written");
    match error {
        polars::error::PolarsError::IO { error, .. } => file_words(error),
        _ => "its rows cannot be encoded".to_owned(),
    }
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
            Self::Unstable { .. } => true,
            Self::S3(trouble) => trouble.is_transient(),
            Self::Io { why, .. } => {
                use std::io::ErrorKind::{Interrupted, StorageFull, TimedOut, WouldBlock};
                matches!(why.kind(), Interrupted | StorageFull | TimedOut | WouldBlock)
            }
            Self::BadUrl { .. }
            | Self::BadKey { .. }
            | Self::Missing { .. }
            | Self::Damaged { .. }
            | Self::BadGlob { .. }
            | Self::NoFiles { .. }
            | Self::Unreadable { .. }
            | Self::NoColumn { .. }
            | Self::WrongType { .. }
            | Self::Csv { .. }
            | Self::SeveralDumps { .. }
            | Self::Undecodable
            | Self::RowsLost { .. } => false,
        }
    }

    pub(super) fn io(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |why| Self::Io { path, why }
    }
}

#[cfg(test)]
mod tests {
    use std::{io, path::Path};

    use super::*;

    #[test]
    fn a_full_or_closed_disk_is_said_in_words() {
        for (number, words) in [
            (28, "the disk is full"),
            (30, "the disk cannot be written to"),
            (13, "permission denied"),
            (122, "share of the disk"),
            (5, "Input/output error"),
        ] {
            let said = LakeError::io(Path::new("/store/a"))(io::Error::from_raw_os_error(number)).to_string();
            assert!(said.starts_with("/store/a: ") && said.contains(words) && !said.contains("os error"), "{said}");
        }
    }
}
