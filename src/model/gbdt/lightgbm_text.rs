//! Models as `LightGBM`'s text, version 4, to be used from Python and to be taken from there.
//!
//! Both sides score alike wherever they can. These values they read differently: `LightGBM` takes numbers within ±1e-35
//! as 0 and cuts the fraction off category codes; categories from code 2^24 on are not written.

mod fields;
mod params;
mod read;
mod write;

use super::tree::TreeFault;

/// Why a text is not a model that can be imported.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LightGbmTextError {
    #[error("this is not a LightGBM model: its first line is not `tree`")]
    NotAModel,
    #[error("the model has format {0:?}; load it with LightGBM 4 and save it again to get `v4`")]
    Version(String),
    #[error("the model has objective {0:?}; only `binary` can be imported")]
    Objective(String),
    #[error("the model has {0} classes; only models with one score for yes or no can be imported")]
    Classes(u64),
    #[error(
        "the model averages its trees (boosting `rf`); only sums of trees can be imported, so train it with `gbdt`"
    )]
    Averaged,
    #[error("the model ends early: there is no line `end of trees` after its trees")]
    Truncated,
    #[error("{place} has no `{field}`")]
    Absent { place: Place, field: &'static str },
    #[error("{place} has {found:?} in `{field}`, which cannot stand there")]
    Value { place: Place, field: &'static str, found: String },
    #[error("{place} has {found} values in `{field}` instead of {expected}")]
    Count { place: Place, field: &'static str, found: usize, expected: usize },
    #[error("tree {tree} has linear models in its leaves; train with `linear_tree=false`")]
    Linear { tree: usize },
    #[error("tree {tree} takes 0 as missing in `{feature}`; train with `zero_as_missing=false`")]
    ZeroAsMissing { tree: usize, feature: String },
    #[error("tree {tree} is broken: {source}")]
    Tree { tree: usize, source: TreeFault },
    #[error("two features have the name `{0}`")]
    DuplicateFeature(String),
    #[error("`{0}` is tested as a number and as a category")]
    TwoKinds(String),
    #[error("`{feature}` is cut at {found} numbers, at most 254 can be imported; train with `max_bin` at most 255")]
    TooManyCuts { feature: String, found: usize },
    #[error("`{feature}` is tested for {found} categories, at most 255 can be imported; put rare categories together")]
    TooManyCategories { feature: String, found: usize },
    #[error("leaf values are so large that their sum may overflow")]
    LeafValues,
}

/// Which part of a text is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Header,
    /// The tree at this place, from 0.
    Tree(usize),
}

impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Header => formatter.write_str("the header"),
            Self::Tree(index) => write!(formatter, "tree {index}"),
        }
    }
}

/// Bits of `decision_type`.
mod decision {
    pub(super) const CATEGORICAL: u8 = 1;
    pub(super) const MISSING_LEFT: u8 = 2;
    /// How far the kind of missing values is moved up.
    pub(super) const MISSING_SHIFT: u8 = 2;
    /// A missing value counts as 0.
    pub(super) const MISSING_NONE: u8 = 0;
    /// 0 counts as missing.
    pub(super) const MISSING_ZERO: u8 = 1;
    /// A missing value has a side of its own.
    pub(super) const MISSING_NAN: u8 = 2;
}

#[cfg(test)]
mod tests;
