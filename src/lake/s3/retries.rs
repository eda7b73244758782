//! How long a call to S3 goes on trying. Waits grow, and are drawn at random, so that a recovering server is not met by all at once.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    time::Duration,
};

use aws_sdk_s3::config::retry::{RetryConfig, RetryPartition, TokenBucket};

/// Tries of one call, and the waits between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lake) struct Retries {
    /// Of a request up to its first byte, and of fetching a body that breaks off.
    pub(super) attempts: u32,
    first_wait: Duration,
}

/// The SDK's own bound, too.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

impl Retries {
    /// For a person at a terminal: some seconds.
    pub(in crate::lake) const QUICK: Self = Self { attempts: 4, first_wait: Duration::from_millis(100) };
    /// For a job: the waits add up to three and a half minutes on average, and practically always to two.
    pub(in crate::lake) const PATIENT: Self = Self { attempts: 25, first_wait: Duration::from_secs(1) };

    pub(super) fn config(self) -> RetryConfig {
        RetryConfig::standard().with_max_attempts(self.attempts)
    }

    /// The SDK's budget over all calls would end the patience of many at once, so there is none beside the attempts.
    pub(super) fn partition() -> RetryPartition {
        RetryPartition::custom("segment-bot").token_bucket(TokenBucket::unlimited()).build()
    }

    /// Waits after the `failed`-th try, which counts from 1.
    pub(super) async fn pause(self, failed: u32) {
        tokio::time::sleep(self.wait(failed, random())).await;
    }

    fn wait(self, failed: u32, random: f64) -> Duration {
        let doubled = self.first_wait.saturating_mul(1 << (failed.clamp(1, 16) - 1));
        doubled.min(LONGEST_WAIT).mul_f64(0.5 + random / 2.0)
    }
}

/// From 0 to 1; the keys of a hash map are random, which is good enough for a wait.
fn random() -> f64 {
    let drawn = RandomState::new().build_hasher().finish();
    f64::from(u32::try_from(drawn >> 32).expect("the upper half of 64 bits")) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_are_bounded_and_differ() {
        let waits: Vec<u64> = [1, 2, 5, 6, 100].map(|failed| Retries::PATIENT.wait(failed, 1.0).as_secs()).to_vec();
        assert_eq!(waits, [1, 2, 16, 20, 20]);
        assert_eq!(Retries::PATIENT.wait(1, 0.0), Duration::from_millis(500));
        assert!((0..10).any(|_| random().to_bits() != random().to_bits()));
    }
}
