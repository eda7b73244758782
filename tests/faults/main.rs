//! The faults that will happen, each with its bar: what is measured here is the table of docs/reliability.md.
//!
//! Leases are two seconds instead of thirty, and bars that follow from the lease shrink with it. `SEGMENT_FAULTS=full` repeats more often and
//! waits longer; `tests/faults/run` prints the table.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod clock;
mod database;
mod flood;
mod load;
mod process;
mod queue;
mod service;
mod slack;
mod storage;
mod support;
mod table;
mod workers;
