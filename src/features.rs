//! Declared features become snapshots: one row a person, computed only from events up to the snapshot's day.
//!
//! [`build()`] is the nightly batch, [`Snapshot`] what it leaves behind. Values are exact: integers throughout, one
//! division at the end of a mean or a share, rows sorted by user id; so the same input gives the same bytes.

mod aggregate;
mod build;
mod columns;
mod definition;
mod distribution;
mod error;
mod expressions;
mod meaning;
mod plan;
mod ranking;
mod selection;
mod snapshot;
mod write;

pub use build::{build, build_again};
pub use columns::{ColumnRole, SnapshotColumn, conversion_column};
pub use distribution::{Distribution, Numbers, Values, describe};
pub use error::FeaturesError;
pub use meaning::{Meaning, meanings};
pub use snapshot::{Part, Snapshot, SnapshotManifest, TableRows};
