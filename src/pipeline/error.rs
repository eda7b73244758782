//! Why a segment could not be built: the cause for the log, the [`Failure`] for the person.

use std::path::PathBuf;

use crate::{
    audience::AudienceError, export::ExportError, features::FeaturesError, lake::LakeError, model::ModelError,
    segment::Failure, suppression::SuppressionError,
};

/// Everything that can stop a build.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("the catalog no longer has what the request names; ask again with what it has now")]
    CatalogChanged,
    #[error("the earlier segment {segment}, whose people should be left out, is not stored any more")]
    EarlierSegmentGone { segment: String },
    #[error(transparent)]
    Suppression(#[from] SuppressionError),
    #[error(transparent)]
    Lake(#[from] LakeError),
    #[error(transparent)]
    Features(#[from] FeaturesError),
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Audience(#[from] AudienceError),
    #[error(transparent)]
    Export(#[from] ExportError),
    #[error("no room for temporary files: {0}")]
    Scratch(#[source] std::io::Error),
    #[error("cannot read {}: {source}", path.display())]
    Manifest { path: PathBuf, source: anyhow::Error },
    #[error("cannot encode a manifest: {0}")]
    Encode(#[source] serde_json::Error),
}

impl BuildError {
    /// What the person who asked is told. `None` when the job was stopped from outside.
    pub fn failure(&self) -> Option<Failure> {
        match self {
            Self::Features(FeaturesError::Stopped)
            | Self::Model(ModelError::Stopped | ModelError::Features(FeaturesError::Stopped)) => None,
            Self::CatalogChanged => Some(Failure::CatalogChanged),
            Self::EarlierSegmentGone { segment } => Some(Failure::EarlierSegmentGone { segment: segment.clone() }),
            Self::Features(error) | Self::Model(ModelError::Features(error)) => Some(features_failure(error)),
            Self::Lake(error)
            | Self::Model(ModelError::Lake(error))
            | Self::Suppression(SuppressionError::Lake(error)) => Some(lake_failure(error)),
            Self::Model(ModelError::TooFewConversions { found, needed }) => {
                Some(Failure::TooFewConversions { found: *found, needed: *needed })
            }
            Self::Suppression(SuppressionError::Lost { .. } | SuppressionError::DamagedList { .. }) => {
                Some(Failure::SuppressionLost)
            }
            Self::Audience(error) => error.failure(),
            Self::Model(_) | Self::Encode(_) | Self::Suppression(SuppressionError::Queue(_)) => Some(Failure::Internal),
            Self::Manifest { .. } | Self::Suppression(_) => Some(Failure::DataUnreadable),
            Self::Export(_) | Self::Scratch(_) => Some(Failure::StorageUnreachable),
        }
    }
}

fn features_failure(error: &FeaturesError) -> Failure {
    match error {
        FeaturesError::NoSnapshot { as_of, newest } => Failure::NoSnapshot { as_of: Some(*as_of), newest: *newest },
        FeaturesError::NoSnapshots => Failure::NoSnapshot { as_of: None, newest: None },
        FeaturesError::Lake(error) => lake_failure(error),
        _ => Failure::DataUnreadable,
    }
}

/// What a person is told when the lake does not answer as it should.
pub fn lake_failure(error: &LakeError) -> Failure {
    if error.is_transient() { Failure::StorageUnreachable } else { Failure::DataUnreadable }
}
