//! Why a request came to nothing: one enum for the worker that decides and the message that explains.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// The cause as it is stored with the request. Never holds the text of an internal error: that is in the log, under the reference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Failure {
    /// Nobody is left to pick from.
    EmptyAudience {
        matching: u64,
        opted_out: u64,
        converted: u64,
        /// On the suppression list or in an earlier segment.
        #[serde(default)]
        listed: u64,
    },
    /// An earlier segment that should be left out is not stored any more; `segment` as people call it.
    EarlierSegmentGone { segment: String },
    /// Fewer people than the catalog lets out.
    TooSmall { people: u64, smallest: u64 },
    /// Nothing shows that the segment is worth more than a random one: it waits for a person's word. What the same request would
    /// have found on `day`, where the log reaches back to it.
    NoBetterThanChance { day: Option<NaiveDate>, picked: u64, came: u64, random: u64 },
    /// Too few conversions to learn from.
    TooFewConversions { found: u64, needed: u64 },
    /// No usable snapshot; `newest` is the newest there is.
    NoSnapshot { as_of: Option<NaiveDate>, newest: Option<NaiveDate> },
    /// An input or a stored object cannot be read as what it should be.
    DataUnreadable,
    /// The product or a region of the request is no longer in the catalog.
    CatalogChanged,
    /// Files or S3 did not answer.
    StorageUnreachable,
    /// The worker died, as often as it may.
    WorkerLost,
    /// The job ran past its deadline.
    TookTooLong,
    /// The bot may not write or upload where the result should go; `reason` is Slack's error code.
    SlackRefused { reason: String },
    /// Slack did not answer for as long as we try.
    SlackUnreachable,
    /// Slack took the file and does not show it.
    DeliveryUnconfirmed,
    /// The list of people who are never contacted is not where it was put.
    SuppressionLost,
    /// A mistake of ours.
    Internal,
}

impl Failure {
    /// Whether the same request may succeed later with nothing else changed; decides retries and the Retry button.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::StorageUnreachable
            | Self::WorkerLost
            | Self::TookTooLong
            | Self::SlackUnreachable
            | Self::NoSnapshot { .. }
            | Self::Internal => true,
            Self::EmptyAudience { .. }
            | Self::TooSmall { .. }
            | Self::TooFewConversions { .. }
            | Self::NoBetterThanChance { .. }
            | Self::SuppressionLost
            | Self::DataUnreadable
            | Self::CatalogChanged
            | Self::EarlierSegmentGone { .. }
            | Self::SlackRefused { .. }
            | Self::DeliveryUnconfirmed => false,
        }
    }

    /// Whether the planner can mend it by asking differently; the rest is for the operator.
    pub fn is_the_requests(&self) -> bool {
        matches!(
            self,
            Self::EmptyAudience { .. }
                | Self::TooSmall { .. }
                | Self::CatalogChanged
                | Self::EarlierSegmentGone { .. }
                | Self::NoBetterThanChance { .. }
        )
    }

    /// Causes that concern one product, channel or file: that another request succeeds says nothing about them.
    pub const LOCAL_CAUSES: [&str; 3] = ["too_few_conversions", "slack_refused", "delivery_unconfirmed"];

    /// The cause that a person may wave through.
    pub const NO_BETTER_THAN_CHANCE: &str = "no_better_than_chance";

    /// What failures are grouped by: the code as it is stored, and Slack's reason behind a colon.
    pub fn cause(&self) -> String {
        let code = match self {
            Self::EmptyAudience { .. } => "empty_audience",
            Self::TooSmall { .. } => "too_small",
            Self::NoBetterThanChance { .. } => Self::NO_BETTER_THAN_CHANCE,
            Self::TooFewConversions { .. } => "too_few_conversions",
            Self::NoSnapshot { .. } => "no_snapshot",
            Self::DataUnreadable => "data_unreadable",
            Self::CatalogChanged => "catalog_changed",
            Self::EarlierSegmentGone { .. } => "earlier_segment_gone",
            Self::StorageUnreachable => "storage_unreachable",
            Self::WorkerLost => "worker_lost",
            Self::TookTooLong => "took_too_long",
            Self::SlackRefused { reason } => return format!("slack_refused:{reason}"),
            Self::SlackUnreachable => "slack_unreachable",
            Self::DeliveryUnconfirmed => "delivery_unconfirmed",
            Self::SuppressionLost => "suppression_lost",
            Self::Internal => "internal",
        };
        code.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_the_code_that_is_stored() {
        let failures = [
            Failure::EmptyAudience { matching: 1, opted_out: 1, converted: 0, listed: 0 },
            Failure::EarlierSegmentGone { segment: "#1".to_owned() },
            Failure::TooSmall { people: 1, smallest: 2 },
            Failure::TooFewConversions { found: 1, needed: 2 },
            Failure::NoBetterThanChance { day: None, picked: 1, came: 0, random: 0 },
            Failure::NoSnapshot { as_of: None, newest: None },
            Failure::DataUnreadable,
            Failure::CatalogChanged,
            Failure::StorageUnreachable,
            Failure::WorkerLost,
            Failure::TookTooLong,
            Failure::SlackUnreachable,
            Failure::DeliveryUnconfirmed,
            Failure::SuppressionLost,
            Failure::Internal,
        ];
        for failure in failures {
            assert_eq!(serde_json::to_value(&failure).unwrap()["code"], failure.cause());
        }
        let refused = Failure::SlackRefused { reason: "is_archived".to_owned() };
        assert_eq!(refused.cause(), "slack_refused:is_archived");
    }
}
