//! Tables that people keep in files, Parquet or CSV: read to train on, to judge by and to score, and written with scores.
//!
//! The same values give the same numbers from either format. Rows count from 1, the header left out.

mod coding;
mod columns;
mod division;
mod error;
mod label;
mod labelled;
mod scores;
mod scoring;
mod source;

pub use division::{Division, Shares};
pub use error::TableFileError;
pub use labelled::{LabelledTable, Order, Roles};
pub use scores::ScoresFile;
pub use scoring::{Absent, Batch, ScoringFile};
pub use source::DataFile;
