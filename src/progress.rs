//! How a long task tells what it is doing, without knowing who listens.

/// Hears how far a long task is; also asks whether to go on.
pub trait Report: Sync {
    /// A new stage begins.
    fn stage(&self, stage: &'static str);
    /// `done` of `of` units of the present stage are over.
    fn advance(&self, done: u64, of: u64);
    /// Whether the task should stop at the next good moment.
    fn stopped(&self) -> bool {
        false
    }
}

/// Nobody listens.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Report for Silent {
    fn stage(&self, _: &'static str) {}
    fn advance(&self, _: u64, _: u64) {}
}
