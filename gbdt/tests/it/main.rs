//! Integration tests, one binary: promises of the public interface.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod booster;
mod lightgbm_text;
mod metrics;
