//! Why there is no model.

use std::path::PathBuf;

use chrono::NaiveDate;

use crate::{
    audience::AudienceError,
    features::{BatchError, FeaturesError},
    lake::LakeError,
};

/// A failure to find, train or keep a model.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error(transparent)]
    Lake(#[from] LakeError),
    #[error(transparent)]
    Features(#[from] FeaturesError),
    #[error("only {found} of {needed} conversions are there to learn from")]
    TooFewConversions { found: u64, needed: u64 },
    #[error(
        "the snapshot of {as_of} has no column `{column}`, which the model reads; build it again with `segment-bot features build --as-of {as_of}`"
    )]
    ColumnGone { column: String, as_of: NaiveDate },
    #[error("the snapshot of {0} has no people")]
    EmptySnapshot(NaiveDate),
    #[error("all of the {people} people set aside to judge the model are alike, so it cannot be judged")]
    OneClass { people: u64 },
    #[error("cannot read {}: {source}", part.display())]
    Read { part: PathBuf, source: std::io::Error },
    #[error("a snapshot cannot be encoded: {0}")]
    Encode(#[from] BatchError),
    #[error(transparent)]
    Replay(#[from] AudienceError),
    #[error("a snapshot's rows cannot be decoded; `segment-bot features verify` says which snapshot is damaged")]
    Undecodable,
    #[error(transparent)]
    Table(#[from] gbdt::TableError),
    #[error(transparent)]
    Params(#[from] gbdt::InvalidParams),
    #[error(transparent)]
    Fit(#[from] gbdt::FitError),
    #[error("a stored model cannot be read: {0}")]
    File(#[from] gbdt::ModelFileError),
    #[error("a stored model's report is damaged; delete the model's folder, and the next request trains it again")]
    Report,
    #[error("stopped")]
    Stopped,
}

impl From<serde_json::Error> for ModelError {
    fn from(error: serde_json::Error) -> Self {
        tracing::debug!(%error, "a report cannot be read");
        Self::Report
    }
}

impl From<polars::error::PolarsError> for ModelError {
    fn from(error: polars::error::PolarsError) -> Self {
        // The library's words are for those who mend this program.
        tracing::debug!(%error, "rows cannot be decoded");
        Self::Undecodable
    }
}
