//! A segment's files.
//!
//! `segment.csv` is the internal form, `control.csv` the control group's: one row a person, no e-mail address, no phone number.

mod csv_file;
mod hashing;

use std::path::PathBuf;

pub use csv_file::{SEGMENT_FILE, guarded, read_ids, without, write_people};

/// Why a file cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("cannot write {}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("cannot write {}: {source}", path.display())]
    Csv { path: PathBuf, source: csv::Error },
    #[error("cannot read {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: csv::Error },
}
