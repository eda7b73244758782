//! Waits until Slack shows the files: it shares them some time after it said yes, and now and then never.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Delivery, Progress, Stop, note};
use crate::{
    segment::Failure,
    slack::{Method, Pace, SlackApp, SlackCallError},
};

/// How long to look for a share.
#[derive(Debug, Clone, Copy)]
pub struct ConfirmSettings {
    /// Without a share for so long the delivery counts as unconfirmed.
    pub give_up_after: Duration,
    /// Waits grow as long as everything waited before, from the first to the longest.
    pub first_wait: Duration,
    pub longest_wait: Duration,
    /// One attempt keeps its place for so long; then others deliver, and it looks again later.
    pub in_place: Duration,
}

impl Default for ConfirmSettings {
    fn default() -> Self {
        Self {
            give_up_after: Duration::from_mins(10),
            first_wait: Duration::from_millis(300),
            longest_wait: Duration::from_secs(15),
            in_place: Duration::from_secs(5),
        }
    }
}

/// Looks until every file is shared. Where Slack will not let us look, it is enough that it said yes.
pub(super) async fn wait_for_share(
    app: &SlackApp,
    settings: &ConfirmSettings,
    progress: &Progress,
    delivery: Delivery<'_>,
) -> Result<(), Stop> {
    let (start, before) = (Instant::now(), Duration::from_millis(progress.looked_ms));
    let mut missing: Vec<&str> = progress.files.iter().map(|file| file.id.as_str()).collect();
    loop {
        let mut still = Vec::new();
        for id in missing {
            if !is_shared(app, id, progress).await? {
                still.push(id);
            }
        }
        if still.is_empty() {
            return Ok(());
        }
        missing = still;
        let looked = before + start.elapsed();
        if looked >= settings.give_up_after {
            tracing::error!(files = missing.len(), "Slack took files and does not show them");
            return Err(Stop::Failed(Failure::DeliveryUnconfirmed));
        }
        let wait =
            looked.clamp(settings.first_wait, settings.longest_wait).min(settings.give_up_after.saturating_sub(looked));
        if start.elapsed() + wait > settings.in_place {
            let looked_ms = u64::try_from((looked + wait).as_millis()).unwrap_or(u64::MAX);
            note(app, delivery, &json!({ "confirmed": progress.confirmed, "looked_ms": looked_ms })).await?;
            return Err(Stop::Later(wait));
        }
        tokio::select! {
            () = delivery.stop.cancelled() => return Err(Stop::HandBack),
            () = tokio::time::sleep(wait) => {}
        }
    }
}

async fn is_shared(app: &SlackApp, id: &str, progress: &Progress) -> Result<bool, Stop> {
    match app.client().call(Method::FilesInfo, &json!({ "file": id }), Pace::Unhurried).await {
        Ok(answer) => Ok(shares(&answer["file"], &progress.channel)),
        // We may not look: without the scope, or in front of a stand-in.
        Err(SlackCallError::Refused { code }) if matches!(code.as_str(), "missing_scope" | "unknown_method") => {
            if progress.confirmed {
                Ok(true)
            } else {
                Err(Stop::Failed(Failure::DeliveryUnconfirmed))
            }
        }
        Err(error @ SlackCallError::Dead { .. }) => Err(error.into()),
        Err(_) => Ok(false),
    }
}

fn shares(file: &Value, channel: &str) -> bool {
    let shared = |kind: &str| file["shares"][kind][channel].as_array().is_some_and(|shares| !shares.is_empty());
    let listed = |kind: &str| file[kind].as_array().is_some_and(|channels| channels.iter().any(|one| one == channel));
    ["public", "private"].into_iter().any(shared) || ["channels", "groups", "ims"].into_iter().any(listed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_found_wherever_slack_lists_it() {
        assert!(shares(&json!({ "shares": { "public": { "C1": [{ "ts": "1.0" }] } } }), "C1"));
        assert!(shares(&json!({ "shares": { "private": { "G1": [{ "ts": "1.0" }] } } }), "G1"));
        assert!(shares(&json!({ "shares": {}, "ims": ["D1"] }), "D1"));
        assert!(!shares(&json!({ "shares": { "public": { "C2": [{ "ts": "1.0" }], "C1": [] } } }), "C1"));
        assert!(!shares(&Value::Null, "C1"));
    }
}
