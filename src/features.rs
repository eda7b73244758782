//! Declared features become snapshots: one row a person, computed only from events up to the snapshot's day.
//!
//! [`build()`] is the nightly batch, [`Snapshot`] what it leaves behind. Values are exact: integers throughout, one
//! division at the end of a mean or a share; parts are ranges of user ids, and rows within a part are sorted by region, gender, age
//! and id; so the same input gives the same bytes.

mod batch;
mod build;
mod columns;
mod combine;
mod cube;
mod definition;
mod distribution;
mod error;
mod meaning;
mod measures;
mod memory;
mod misfits;
mod partials;
mod plan;
mod ranking;
mod retention;
mod selection;
mod snapshot;
mod tally;
mod write;

pub use batch::{BatchError, FeatureBatch, categories, choices, encode, gender_codes, region_codes, wrong_type};
pub use build::{Batch, TRAINING_WINDOWS, build, build_again};
pub use columns::{ColumnRole, SnapshotColumn};
pub use distribution::{Distribution, Numbers, Values, describe};
pub use error::FeaturesError;
pub use meaning::{Meaning, meanings};
pub use memory::Memory;
pub use retention::retire;
pub use snapshot::{Part, Snapshot, SnapshotManifest, TableRows};
