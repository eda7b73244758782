//! Waits until Slack shows the files: it shares them some time after it said yes, and now and then never.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Progress, Stop};
use crate::{
    segment::Failure,
    slack::{Method, Pace, SlackApp, SlackCallError},
};

/// How long to look for a share.
#[derive(Debug, Clone, Copy)]
pub struct ConfirmSettings {
    /// Without a share for so long the delivery counts as unconfirmed.
    pub give_up_after: Duration,
    pub first_wait: Duration,
    pub longest_wait: Duration,
}

impl Default for ConfirmSettings {
    fn default() -> Self {
        Self {
            give_up_after: Duration::from_mins(10),
            first_wait: Duration::from_millis(300),
            longest_wait: Duration::from_secs(15),
        }
    }
}

/// Looks until every file is shared. `confirmed`: Slack said yes, which is enough where it will not let us look.
pub(super) async fn wait_for_share(
    app: &SlackApp,
    settings: &ConfirmSettings,
    progress: &Progress,
    confirmed: bool,
    stop: &CancellationToken,
) -> Result<(), Stop> {
    let give_up = Instant::now() + settings.give_up_after;
    let mut wait = settings.first_wait;
    let mut missing: Vec<&str> = progress.files.iter().map(|file| file.id.as_str()).collect();
    loop {
        let mut still = Vec::new();
        for id in missing {
            if !is_shared(app, id, &progress.channel, confirmed).await? {
                still.push(id);
            }
        }
        if still.is_empty() {
            return Ok(());
        }
        if Instant::now() >= give_up {
            tracing::error!(files = still.len(), "Slack took files and does not show them");
            return Err(Stop::Failed(Failure::DeliveryUnconfirmed));
        }
        missing = still;
        tokio::select! {
            () = stop.cancelled() => return Err(Stop::HandBack),
            () = tokio::time::sleep(wait) => {}
        }
        wait = (wait * 2).min(settings.longest_wait);
    }
}

async fn is_shared(app: &SlackApp, id: &str, channel: &str, confirmed: bool) -> Result<bool, Stop> {
    match app.client().call(Method::FilesInfo, &json!({ "file": id }), Pace::Unhurried).await {
        Ok(answer) => Ok(shares(&answer["file"], channel)),
        // We may not look: without the scope, or in front of a stand-in.
        Err(SlackCallError::Refused { code }) if matches!(code.as_str(), "missing_scope" | "unknown_method") => {
            if confirmed {
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
