//! From conditions to a segment: snapshot → model → audience → files; also counts for the form, and models before anybody asks.
//! Knows neither the queue nor Slack: who calls it passes what the database remembers.

pub mod build_segment;
mod error;
mod estimate;
mod left_out;
mod models;
mod promise;
mod summarise;
mod verify;

pub use error::{BuildError, lake_failure};
pub use estimate::Estimator;
pub use left_out::Suppress;
pub use models::{Freshness, MissingModels, Warmed, freshness, warm};
pub use verify::{Check, read_manifest, verify};
