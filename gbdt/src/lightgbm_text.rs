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
    /// The first line is not that of a model.
    #[error("this is not a LightGBM model: its first line is not `tree`")]
    NotAModel,
    /// Another version of the format than `v4`.
    #[error("the model has format {0:?}; load it with LightGBM 4 and save it again to get `v4`")]
    Version(String),
    /// Another objective than `binary`.
    #[error("the model has objective {0:?}; only `binary` can be imported")]
    Objective(String),
    /// So many classes, of which more than one have scores of their own.
    #[error("the model has {0} classes; only models with one score for yes or no can be imported")]
    Classes(u64),
    /// A random forest, whose trees are averaged.
    #[error(
        "the model averages its trees (boosting `rf`); only sums of trees can be imported, so train it with `gbdt`"
    )]
    Averaged,
    /// The text stops before the end of the trees.
    #[error("the model ends early: there is no line `end of trees` after its trees")]
    Truncated,
    /// A line is missing.
    #[error("{place} has no `{field}`")]
    Absent {
        /// Where it should be.
        place: Section,
        /// What stands before its `=`.
        field: &'static str,
    },
    /// A value cannot be read, or is outside its range.
    #[error("{place} has {found:?} in `{field}`, which cannot stand there")]
    Value {
        /// Where it stands.
        place: Section,
        /// What stands before the `=`.
        field: &'static str,
        /// The value as written.
        found: String,
    },
    /// A line has too few or too many values.
    #[error("{place} has {found} values in `{field}` instead of {expected}")]
    Count {
        /// Where it stands.
        place: Section,
        /// What stands before its `=`.
        field: &'static str,
        /// Values that it has.
        found: usize,
        /// Values that it needs.
        expected: usize,
    },
    /// A tree whose leaves are linear models.
    #[error("tree {tree} has linear models in its leaves; train with `linear_tree=false`")]
    Linear {
        /// Its place, from 0.
        tree: usize,
    },
    /// A split that takes 0 as missing.
    #[error("tree {tree} takes 0 as missing in `{feature}`; train with `zero_as_missing=false`")]
    ZeroAsMissing {
        /// The place of its tree, from 0.
        tree: usize,
        /// What it tests.
        feature: String,
    },
    /// Splits and leaves do not make a tree.
    #[error("tree {tree} is broken: {source}")]
    Tree {
        /// Its place, from 0.
        tree: usize,
        /// What is wrong.
        source: TreeFault,
    },
    /// Columns are found by name, so a name may not come twice.
    #[error("two features have the name `{0}`")]
    DuplicateFeature(String),
    /// Some splits compare this feature with a number, others with categories.
    #[error("`{0}` is tested as a number and as a category")]
    TwoKinds(String),
    /// The names of categories are not JSON as pandas' categories are written.
    #[error("the line `pandas_categorical` cannot be read; save the model again")]
    PandasLine,
    /// There are not as many lists of names as features with categories.
    #[error(
        "the line `pandas_categorical` has values of {lists} columns, but {features} features are categories, so which values \
         belong to which cannot be told; train again without columns that always have the same value"
    )]
    PandasColumns {
        /// Lists of names.
        lists: usize,
        /// Features whose splits test categories.
        features: usize,
    },
    /// A split tests a category that has no name.
    #[error(
        "tree {tree} tests category {code} of `{feature}`, but the line `pandas_categorical` has {known} values for it"
    )]
    PandasCode {
        /// The place of its tree, from 0.
        tree: usize,
        /// What it tests.
        feature: String,
        /// The category's code.
        code: u32,
        /// Names that there are.
        known: usize,
    },
    /// A feature is compared with more numbers than bins of 8 bits can tell apart.
    #[error(
        "`{feature}` is cut at {found} different numbers, and at most 254 can be imported; each training that continues \
         another adds cuts of its own: train in one go, with `max_bin` at most 255"
    )]
    TooManyCuts {
        /// Its name.
        feature: String,
        /// Different numbers.
        found: usize,
    },
    /// A feature is tested for more categories than bins of 8 bits can tell apart.
    #[error("`{feature}` is tested for {found} categories, at most 255 can be imported; put rare categories together")]
    TooManyCategories {
        /// Its name.
        feature: String,
        /// Different categories.
        found: usize,
    },
    /// Sums of leaf values may not fit 32 bits.
    #[error("leaf values are so large that their sum may overflow")]
    LeafValues,
}

/// Which part of a text is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// The lines before the first tree.
    Header,
    /// The tree at this place, from 0.
    Tree(usize),
}

impl std::fmt::Display for Section {
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
