//! A model as a file: JSON with a version. Whatever the bytes, reading gives a consistent model or says what is wrong.

use std::collections::HashSet;

use linfa::ParamGuard;
use serde::{Deserialize, Serialize};
use serde_json::error::Category;

use super::binning::{Categories, Cuts, FeatureBins};
use super::calibration::Calibration;
use super::model::{Gbdt, TrainingFacts};
use super::params::{GbdtParams, InvalidParams};
use super::tree::{Tree, TreeFault};

/// Version of the file format that is written; no other is read.
pub const FORMAT_VERSION: u32 = 2;

/// Why bytes are not a model.
#[derive(Debug, thiserror::Error)]
pub enum ModelFileError {
    /// Not JSON, or not of this shape.
    #[error("the model file {}; is it the file that training wrote?", fault_words(*.0))]
    Unreadable(Category),
    /// Another version of the format.
    #[error("the model file has format version {found}; this program reads version {FORMAT_VERSION}")]
    Version {
        /// The version that the file names.
        found: u32,
    },
    /// A parameter has a value that it cannot have.
    #[error("the model file has parameters that are not valid: {0}")]
    Params(#[from] InvalidParams),
    /// Columns are found by name, so a name may not come twice.
    #[error("the model file names the feature `{0}` twice")]
    DuplicateFeature(String),
    /// The cuts of this feature are not those of any feature.
    #[error("the cuts of feature `{0}` do not rise, are not finite or are too many")]
    Cuts(String),
    /// The categories of this feature are not those of any feature.
    #[error("the categories of feature `{0}` do not rise, are too many or lack names")]
    Categories(String),
    /// The log-odds before the first tree are not finite.
    #[error("the base score is not a finite number")]
    BaseScore,
    /// Leaf values are finer than sums of 32 bits can be.
    #[error("leaves have {0} binary places; at most 30 are read")]
    LeafBits(u8),
    /// Sums of leaf values may not fit 32 bits.
    #[error("leaf values are so large that their sum may overflow")]
    LeafValues,
    /// The line through the scores is not one that keeps their order.
    #[error("the slope of the calibration must be above 0, and slope and offset finite")]
    Calibration,
    /// Splits and leaves do not make a tree.
    #[error("tree {index} is broken: {source}")]
    Tree {
        /// Its place, from 0.
        index: usize,
        /// What is wrong.
        source: TreeFault,
    },
}

impl From<serde_json::Error> for ModelFileError {
    fn from(error: serde_json::Error) -> Self {
        Self::Unreadable(error.classify())
    }
}

fn fault_words(fault: Category) -> &'static str {
    match fault {
        Category::Eof => "breaks off",
        Category::Syntax => "is no JSON",
        Category::Data => "lacks what a model has, or has it in another form",
        Category::Io => "cannot be read",
    }
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
    leaf_bits: u8,
    base_score: f64,
    calibration: Calibration,
    trees: &'a [Tree],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    doubles: bool,
}

#[derive(Serialize)]
#[serde(untagged)]
enum WrittenFeature<'a> {
    Numeric { name: &'a str, cuts: &'a [f64] },
    Categorical { name: &'a str, codes: &'a [u32], categories: &'a [String] },
}

/// What is read, not yet checked.
#[derive(Deserialize)]
struct Read {
    params: GbdtParams,
    facts: TrainingFacts,
    features: Vec<ReadFeature>,
    leaf_bits: u8,
    base_score: f64,
    calibration: Calibration,
    trees: Vec<Tree>,
    #[serde(default)]
    doubles: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, untagged)]
enum ReadFeature {
    Numeric { name: String, cuts: Vec<f64> },
    Categorical { name: String, codes: Vec<u32>, categories: Vec<String> },
}

impl Gbdt {
    /// The model as a file; equal models give equal bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let features = self.feature_names.iter().zip(&self.bins).map(|(name, bins)| match bins {
            FeatureBins::Numeric(cuts) => WrittenFeature::Numeric { name, cuts: cuts.as_slice() },
            FeatureBins::Categorical(categories) => {
                WrittenFeature::Categorical { name, codes: categories.codes(), categories: categories.names() }
            }
        });
        let written = Written {
            format_version: FORMAT_VERSION,
            params: self.params.clone().into(),
            facts: &self.facts,
            features: features.collect(),
            leaf_bits: self.leaf_bits,
            base_score: self.base_score,
            calibration: self.calibration,
            trees: &self.trees,
            doubles: self.doubles,
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
        if read.leaf_bits > 30 {
            return Err(ModelFileError::LeafBits(read.leaf_bits));
        }
        let line = read.calibration;
        let calibration = Calibration::new(line.slope, line.offset).ok_or(ModelFileError::Calibration)?;
        for (index, tree) in read.trees.iter().enumerate() {
            tree.check(&bins).map_err(|source| ModelFileError::Tree { index, source })?;
        }
        if !Self::sums_fit(&read.trees) {
            return Err(ModelFileError::LeafValues);
        }
        let Read { leaf_bits, base_score, facts, trees, doubles, .. } = read;
        Ok(Self { feature_names, bins, leaf_bits, base_score, trees, calibration, params, facts, doubles })
    }
}

fn checked_features(features: Vec<ReadFeature>) -> Result<(Vec<String>, Vec<FeatureBins>), ModelFileError> {
    let mut seen = HashSet::new();
    let mut checked = (Vec::new(), Vec::new());
    for feature in features {
        let (name, bins) = match feature {
            ReadFeature::Numeric { name, cuts } => match Cuts::new(cuts) {
                Some(cuts) => (name, FeatureBins::Numeric(cuts)),
                None => return Err(ModelFileError::Cuts(name)),
            },
            ReadFeature::Categorical { name, codes, categories } => match Categories::new(codes, categories) {
                Some(categories) => (name, FeatureBins::Categorical(categories)),
                None => return Err(ModelFileError::Categories(name)),
            },
        };
        if !seen.insert(name.clone()) {
            return Err(ModelFileError::DuplicateFeature(name));
        }
        checked.0.push(name);
        checked.1.push(bins);
    }
    Ok(checked)
}
