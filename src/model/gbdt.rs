//! Gradient-boosted trees for one yes-or-no question, over columns of numbers.
//!
//! ```text
//! table ──> binning ──> booster: objective ──> histogram ──> splitter ──> grower ──> tree ──┐
//!                          ^──────────────────── one round ────────────────────────────────┘
//! ```
//! The same rows, parameters and seed give the same bytes on any number of threads and on any machine: sums in
//! histograms are integers, randomness is a function of (seed, round, row), and `exp` and `ln` are our own.
//! Knows nothing of this project; rayon's ambient pool decides how many threads work.

mod binning;
mod booster;
mod dataset;
mod grower;
mod histogram;
mod math;
mod model;
mod model_file;
mod objective;
mod params;
mod predict;
mod random;
mod splitter;
mod table;
mod tree;

pub use binning::FeatureBins;
pub use math::sigmoid;
pub use model::{FitError, Gbdt, TrainingFacts};
pub use model_file::{FORMAT_VERSION, ModelFileError};
pub use params::{GbdtParams, GbdtValidParams, InvalidParams};
pub use table::{Table, TableError};
pub use tree::{Child, Split, Tree, TreeFault};
