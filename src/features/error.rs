//! Why there is no snapshot; every message names the command or the setting that helps.

use std::path::{Path, PathBuf};

use chrono::NaiveDate;

use crate::lake::{
    LakeError,
    tables::{Limit, Misfit},
};

/// A failure to build or to open a snapshot.
#[derive(Debug, thiserror::Error)]
pub enum FeaturesError {
    #[error(transparent)]
    Lake(#[from] LakeError),
    #[error(
        "there is no snapshot of {as_of} ({}); run `segment-bot features build --as-of {as_of}`",
        newest.map_or_else(|| "there is none at all".to_owned(), |day| format!("the newest is of {day}"))
    )]
    NoSnapshot { as_of: NaiveDate, newest: Option<NaiveDate> },
    #[error("there is no snapshot yet; run `segment-bot features build`")]
    NoSnapshots,
    #[error(
        "the snapshot of {as_of} was built from other definitions than the catalog's; run `segment-bot features build --as-of {as_of}`"
    )]
    OtherDefinition { as_of: NaiveDate },
    #[error("the snapshot of {as_of} is damaged: {why}; run `segment-bot features build --as-of {as_of} --again`")]
    Damaged { as_of: NaiveDate, why: String },
    #[error(
        "table `{table}`: {unusable} of {rows} rows cannot be used ({reasons}), more than the catalog's unusable_rows_share = {share_max}; the previous snapshot stays in force"
    )]
    TooManyUnusable { table: String, unusable: u64, rows: u64, reasons: String, share_max: f64 },
    #[error(
        "table `{table}`: {misfit}; that is more than the catalog's {} = {}, so the previous snapshot stays in force. Mend it ({}), or raise {} under [limits] if the data is right",
        limit.key, limit.share_max, limit.remedy, limit.key
    )]
    TooManyMisfits { table: String, misfit: Box<Misfit>, limit: Limit },
    #[error(
        "table `{table}`: none of its {rows} rows belongs to anybody in `users`; check the id columns `{users_id}` and `{events_user}`"
    )]
    NothingMatches { table: String, rows: u64, users_id: String, events_user: String },
    #[error(
        "table `{table}` has more than {most} different pairs of kind and category in one folder; name a coarser column as `category` and list this one in `extra`"
    )]
    TooManyCategories { table: String, most: usize },
    #[error("SEGMENT_MEMORY_BYTES is {bytes}, but at least {needed} are needed")]
    TooLittleMemory { bytes: u64, needed: u64 },
    #[error("two features give the column `{column}`; rename one in the catalog")]
    SameColumn { column: String },
    #[error("the stored object `{key}` is damaged: {why}; delete it and run `segment-bot features build` again")]
    DamagedPartials { key: String, why: String },
    #[error("{}: {source}", path.display())]
    Scratch { path: PathBuf, source: std::io::Error },
    #[error(
        "the features cannot be computed: rows cannot be decoded, or were written over meanwhile; run `segment-bot features verify`, and \
         if all is well, report it with the log at level debug"
    )]
    Undecodable,
    #[error("the batch was stopped; no snapshot was changed")]
    Stopped,
}

impl From<polars::error::PolarsError> for FeaturesError {
    fn from(error: polars::error::PolarsError) -> Self {
        // The library's words are for those who mend this program.
        tracing::debug!(%error, "rows cannot be decoded");
        Self::Undecodable
    }
}

impl FeaturesError {
    /// What went wrong with the local file `path`.
    pub(super) fn scratch(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Scratch { path: path.to_owned(), source }
    }

    /// Whether the same call could succeed later with nothing else changed. A missing snapshot counts as transient,
    /// because the nightly batch brings it.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Lake(error) => error.is_transient(),
            // A full disk may have room again.
            Self::Scratch { .. } | Self::NoSnapshot { .. } | Self::NoSnapshots | Self::Stopped => true,
            Self::OtherDefinition { .. }
            | Self::Damaged { .. }
            | Self::DamagedPartials { .. }
            | Self::TooManyUnusable { .. }
            | Self::TooManyMisfits { .. }
            | Self::NothingMatches { .. }
            | Self::TooManyCategories { .. }
            | Self::TooLittleMemory { .. }
            | Self::SameColumn { .. }
            | Self::Undecodable => false,
        }
    }
}
