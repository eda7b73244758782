//! A model as a file: JSON with a version. Whatever the bytes, reading gives a consistent model or says what is wrong.

use std::collections::HashSet;

use linfa::ParamGuard;
use serde::{Deserialize, Serialize};

use super::binning::FeatureBins;
use super::model::{Gbdt, TrainingFacts};
use super::params::{GbdtParams, InvalidParams};
use super::tree::{Tree, TreeFault};

/// Version of the file format that is written; no other is read.
pub const FORMAT_VERSION: u32 = 1;

/// Why bytes are not a model.
#[derive(Debug, thiserror::Error)]
pub enum ModelFileError {
    #[error("the model file cannot be read")]
    Unreadable(#[from] serde_json::Error),
    #[error("the model file has format version {found}; this program reads version {FORMAT_VERSION}")]
    Version { found: u32 },
    #[error("the model file has parameters that are not valid")]
    Params(#[from] InvalidParams),
    #[error("the model file names the feature `{0}` twice")]
    DuplicateFeature(String),
    #[error("the cuts of feature `{0}` do not rise, are not finite or are too many")]
    Cuts(String),
    #[error("the base score is not a finite number")]
    BaseScore,
    #[error("tree {index} is broken")]
    Tree { index: usize, source: TreeFault },
}

/// Read before the rest, which may look different in another version.
#[derive(Deserialize)]
struct Version {
    format_version: u32,
}

/// What is written.
#[derive(Serialize)]
struct Written<'a> {
    format_version: u32,
    params: GbdtParams,
    facts: &'a TrainingFacts,
    features: Vec<WrittenFeature<'a>>,
    base_score: f64,
    trees: &'a [Tree],
}

#[derive(Serialize)]
struct WrittenFeature<'a> {
    name: &'a str,
    cuts: &'a [f64],
}

/// What is read, not yet checked.
#[derive(Deserialize)]
struct Read {
    params: GbdtParams,
    facts: TrainingFacts,
    features: Vec<ReadFeature>,
    base_score: f64,
    trees: Vec<Tree>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadFeature {
    name: String,
    cuts: Vec<f64>,
}

impl Gbdt {
    /// The model as a file; equal models give equal bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let features = self.feature_names.iter().zip(&self.bins);
        let written = Written {
            format_version: FORMAT_VERSION,
            params: self.params.clone().into(),
            facts: &self.facts,
            features: features.map(|(name, bins)| WrittenFeature { name, cuts: bins.cuts() }).collect(),
            base_score: self.base_score,
            trees: &self.trees,
        };
        serde_json::to_vec(&written).expect("numbers, strings and lists always serialise")
    }

    /// The model that [`Gbdt::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelFileError> {
        let Version { format_version: found } = serde_json::from_slice(bytes)?;
        if found != FORMAT_VERSION {
            return Err(ModelFileError::Version { found });
        }
        let read: Read = serde_json::from_slice(bytes)?;
        let params = read.params.check()?;
        let (feature_names, bins) = checked_features(read.features)?;
        if !read.base_score.is_finite() {
            return Err(ModelFileError::BaseScore);
        }
        for (index, tree) in read.trees.iter().enumerate() {
            tree.check(&bins).map_err(|source| ModelFileError::Tree { index, source })?;
        }
        Ok(Self { feature_names, bins, base_score: read.base_score, trees: read.trees, params, facts: read.facts })
    }
}

fn checked_features(features: Vec<ReadFeature>) -> Result<(Vec<String>, Vec<FeatureBins>), ModelFileError> {
    let mut seen = HashSet::new();
    if let Some(feature) = features.iter().find(|feature| !seen.insert(feature.name.as_str())) {
        return Err(ModelFileError::DuplicateFeature(feature.name.clone()));
    }
    let checked = features.into_iter().map(|feature| match FeatureBins::from_cuts(feature.cuts) {
        Some(bins) => Ok((feature.name, bins)),
        None => Err(ModelFileError::Cuts(feature.name)),
    });
    checked.collect::<Result<Vec<_>, _>>().map(|features| features.into_iter().unzip())
}
