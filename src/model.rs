//! A snapshot becomes a judged model: training set, boosting, evaluation, and the registry that keeps what was made.
//!
//! The model knows people only as rows of numbers. Never touches Slack or SQL.

mod error;
pub mod evaluation;
pub mod explanation;
mod promise;
mod registry;
mod replay;
mod replays;
pub mod table_file;
mod train;
mod training;

pub use error::ModelError;
pub use promise::{Expected, Promise, missed};
pub use registry::{Model, Registry, Reuse, reference};
pub use replay::{Asked, Kept, Replay, ReplayOf};
pub use replays::{ProductReplay, Replays};
pub use train::{FeatureWeight, ModelReport};
