//! Models as `LightGBM`'s text, version 4, to be used from Python and to be taken from there.
//!
//! Both sides score alike wherever they can. These values they read differently: `LightGBM` takes numbers within ±1e-35
//! as 0 and cuts the fraction off category codes; categories from code 2^24 on are not written.

mod fields;
mod pandas;
mod params;
mod read;
mod write;

use super::tree::TreeFault;

/// The line of the header that says how many bits the numbers have that a model of ours compares.
const FLOATS: &str = "segment_bot_floats";

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
    #[error("the line `pandas_categorical` cannot be read; save the model again")]
    PandasLine,
    #[error(
        "the line `pandas_categorical` has values of {lists} columns, but {features} features are categories, so which values \
         belong to which cannot be told; train again without columns that always have the same value"
    )]
    PandasColumns { lists: usize, features: usize },
    #[error(
        "tree {tree} tests category {code} of `{feature}`, but the line `pandas_categorical` has {known} values for it"
    )]
    PandasCode { tree: usize, feature: String, code: u32, known: usize },
    #[error(
        "`{feature}` is cut at {found} different numbers, and at most 254 can be imported; each training that continues \
         another adds cuts of its own: train in one go, with `max_bin` at most 255"
    )]
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
