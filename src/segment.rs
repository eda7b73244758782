//! What was asked for, and what came of it. Pure: no I/O, no clock, no Slack.

mod conditions;
mod draft;
mod earlier;
mod estimate;
mod failure;
mod grade;
mod manifest;
mod problem;
mod summary;
mod typed;

pub use conditions::{AgeRange, CONTROL_CHOICES, Conditions, Size};
pub use draft::Draft;
pub use earlier::{EarlierSegment, LeftOutList, NoFolder, SegmentFolder};
pub use estimate::{Conversions, Estimate, Outlook};
pub use failure::Failure;
pub use grade::{Evidence, Grade};
pub use manifest::{CONTROL_FILE, FileEntry, Manifest, Promised, SnapshotRef};
pub use problem::Problem;
pub use summary::{
    Breakdown, Cell, Direction, Factor, Missed, Quality, Replayed, Rule, RulePart, RuleTest, Summary, Waterfall,
};
pub use typed::{TypedLine, plain};
