//! What was asked for, and what came of it. Pure: no I/O, no clock, no Slack.

mod conditions;
mod draft;
mod manifest;
mod summary;

pub use conditions::{AgeRange, Conditions, ExcludeConverted, Size};
pub use draft::{Draft, Field, Problem};
pub use manifest::{FileEntry, Manifest, SnapshotRef};
pub use summary::{Breakdown, Cell, Direction, Factor, Quality, Rule, RulePart, RuleTest, Summary, Waterfall};
