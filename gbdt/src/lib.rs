//! Gradient-boosted trees for one yes-or-no question, over columns of numbers and categories.
//!
//! From rows to a model, its probabilities, a file, and `LightGBM`'s text:
//!
//! ```
//! use gbdt::{Gbdt, GbdtParams, Table};
//! use linfa::{DatasetBase, traits::Fit};
//! use ndarray::Array1;
//!
//! // Who visited more than five times buys, unless they are from region 2.
//! let visits: Vec<f32> = (0..1_000_u16).map(|row| f32::from(row % 10)).collect();
//! let region: Vec<f32> = (0..1_000_u16).map(|row| f32::from(row / 10 % 3)).collect();
//! let buys: Array1<bool> = visits.iter().zip(&region).map(|(visits, region)| *visits > 5.0 && *region != 2.0).collect();
//! let names = ["north", "south", "west"].map(String::from).to_vec();
//! let table = Table::new(vec!["visits".into(), "region".into()], vec![visits, region])?.with_categories("region", names)?;
//!
//! let params = linfa::ParamGuard::check(GbdtParams::for_positives(270).trees_max(50).seed(7))?;
//! let model = params.fit(&DatasetBase::new(table, buys))?;
//!
//! let people = Table::new(vec!["region".into(), "visits".into()], vec![vec![0.0, 2.0, 0.0], vec![9.0, 9.0, 1.0]])?;
//! let probabilities = model.probabilities(&people);
//! assert!(probabilities[0] > 0.9 && probabilities[1] < 0.1 && probabilities[2] < 0.1);
//!
//! let saved = model.to_bytes();
//! assert_eq!(Gbdt::from_bytes(&saved)?, model);
//! let for_python = model.to_lightgbm_text(); // lightgbm.Booster(model_str=…) gives the same raw scores
//! assert!(for_python.starts_with("tree\nversion=v4"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! How it works, from rows to scores:
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
#![warn(missing_docs)]

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
pub use lightgbm_text::{LightGbmTextError, Section};
pub use math::sigmoid;
pub use model::{Gbdt, TrainingFacts};
pub use model_file::{FORMAT_VERSION, ModelFileError};
pub use params::{Direction, GbdtParams, GbdtValidParams, InvalidParams};
pub use score::{BinnedColumns, Scorer};
pub use table::{Kind, Table, TableError};
pub use tree::{Child, Leaf, Split, Test, Tree, TreeFault};
