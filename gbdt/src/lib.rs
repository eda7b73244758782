//! Gradient-boosted trees for one yes-or-no question, over columns of numbers and categories.
//!
//! ```text
//! table ──> binning ──> layout ──> booster: objective ──> histogram ──> splitter ──> grower ──> tree ──┐
//!                                     ^──────────────────── one round ────────────────────────────────┘
//! model ──> score: log-odds of many rows        model ──> contributions: why a row got its score
//! model ──> model_file, lightgbm_text: out of here and back
//! ```
//! The same rows, parameters and seed give the same bytes on any number of threads and on any machine: sums in
//! histograms are integers, so are leaf values, randomness is a function of (seed, round, row), and `exp` and `ln` are
//! our own. Rayon's ambient pool decides how many threads work.

mod bin_map;
mod binning;
mod booster;
mod calibration;
mod contributions;
mod covers;
mod dataset;
mod fit;
mod grower;
mod histogram;
mod layout;
mod lightgbm_text;
mod math;
mod model;
mod model_file;
mod objective;
mod params;
mod predict;
mod random;
#[cfg(test)]
mod random_models;
mod score;
mod simd;
mod splitter;
mod table;
mod tree;

pub use binning::{Categories, Cuts, FeatureBins};
pub use booster::Round;
pub use calibration::Calibration;
pub use contributions::Contributions;
pub use fit::{FitError, Watching};
pub use lightgbm_text::{LightGbmTextError, Place};
pub use math::sigmoid;
pub use model::{Gbdt, TrainingFacts};
pub use model_file::{FORMAT_VERSION, ModelFileError};
pub use params::{Direction, GbdtParams, GbdtValidParams, InvalidParams};
pub use score::{BinnedColumns, Scorer};
pub use table::{Kind, Table, TableError};
pub use tree::{Child, Leaf, Split, Test, Tree, TreeFault};
