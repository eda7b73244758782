//! segment-bot: ask for an audience in Slack; find the people most likely to convert, as a CSV, in the same thread.
//!
//! ```text
//! Slack ──> slack ──> segment ──> queue ──> worker ──┬─> features   lake → snapshot
//!   ^                                                ├─> model      snapshot → boosted trees
//!   │                                                ├─> audience   eligible → scores → top N
//!   └────────────── slack (progress, files) <────────┴─> export     CSV
//! ```
//! Arrows run downwards only; `tests/it/tidy.rs` holds the table of allowed imports.

pub mod catalog;
pub mod clock;
pub mod config;
pub mod digest;
pub mod segment;
