//! segment-bot: ask for an audience in Slack; find the people most likely to convert, as a CSV, in the same thread.
//!
//! ```text
//! Slack ──> slack ──> segment ──> queue ──> jobs ──> pipeline ──┬─> features   lake → snapshot
//!   ^                                                           ├─> model      snapshot → boosted trees
//!   │                                                           ├─> audience   eligible → scores → top N
//!   └────────────── slack (progress, files) <───────────────────┴─> export     CSV
//! ```
//! Arrows run downwards only; `tests/it/tidy.rs` holds the table of allowed imports.

pub mod app;
pub mod audience;
pub mod catalog;
pub mod cli;
pub mod clock;
pub mod config;
pub mod contracts;
pub mod counted;
pub mod demo;
pub mod digest;
pub mod export;
pub mod features;
pub mod jobs;
pub mod lake;
pub mod model;
pub mod nearest;
pub mod pipeline;
pub mod progress;
pub mod queue;
pub mod segment;
pub mod slack;
pub mod suppression;
pub mod texts;
