//! Where bytes lie: files or S3, with checked tables on top. The only module that knows aws-sdk-s3.
//!
//! [`Store`] holds objects by key; [`tables`] reads the operator's `users` and `events` with canonical columns; [`csv`] is the
//! one reader of CSV, whatever the table.
//! Nothing here knows what a feature, a model or a segment is.

mod cache;
pub mod csv;
mod error;
mod file;
pub mod footers;
mod modes;
pub mod pages;
mod s3;
mod store;
pub mod tables;

pub use error::{LakeError, S3Trouble, file_words, write_words};
pub use modes::Exposed;
pub use store::{Object, Store, StoreOptions};
