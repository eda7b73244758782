//! Tells a job to stop, and why.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use tokio_util::sync::CancellationToken;

use crate::queue::Outcome;

/// Why a job has to stop; a later one outweighs an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopReason {
    /// The process ends; the job goes back into the queue.
    ShuttingDown = 1,
    /// The requester wants it stopped.
    CancelAsked = 2,
    /// The job is, or may be, somebody else's. Nothing it does counts any more.
    LeaseLost = 3,
}

/// Cheap to clone and to look at, from any thread.
#[derive(Debug, Clone, Default)]
pub struct StopFlag {
    reason: Arc<AtomicU8>,
    token: CancellationToken,
}

impl StopFlag {
    /// A flag that is not set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the flag; a weaker reason than the one it has changes nothing.
    pub fn set(&self, reason: StopReason) {
        self.reason.fetch_max(reason as u8, Ordering::SeqCst);
        self.token.cancel();
    }

    /// Whether to stop.
    pub fn is_set(&self) -> bool {
        self.reason().is_some()
    }

    /// Why to stop; `None` means go on.
    pub fn reason(&self) -> Option<StopReason> {
        match self.reason.load(Ordering::SeqCst) {
            0 => None,
            1 => Some(StopReason::ShuttingDown),
            2 => Some(StopReason::CancelAsked),
            _ => Some(StopReason::LeaseLost),
        }
    }

    /// Waits until the flag is set.
    pub async fn stopped(&self) {
        self.token.cancelled().await;
    }

    /// What a performer that stopped because of this returns. After a lost lease it counts for nothing.
    pub fn outcome(&self) -> Outcome {
        match self.reason() {
            Some(StopReason::CancelAsked) => Outcome::Cancelled,
            None | Some(StopReason::ShuttingDown | StopReason::LeaseLost) => Outcome::HandBack,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_lease_outweighs_every_other_reason() {
        let stop = StopFlag::new();
        assert!(!stop.is_set());
        for reason in [StopReason::CancelAsked, StopReason::LeaseLost, StopReason::ShuttingDown] {
            stop.set(reason);
        }
        assert_eq!(stop.reason(), Some(StopReason::LeaseLost));
    }
}
