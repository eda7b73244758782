//! Waits until Slack shows the files: it shares them some time after it said yes, and now and then never.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    segment::Failure,
    slack::{
        app::SlackApp,
        client::{CallPriority, Method, SlackCallError},
        thread::deliver::step::{Delivery, Progress, Reserved, Stop, ask_to_complete, note},
    },
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
    /// Without a share for so long, and again after as long, Slack is asked once more to complete the same files: that
    /// cannot share them twice.
    pub again_after: Duration,
    /// Files that Slack does not know after so long are uploaded anew.
    pub anew_after: Duration,
}

impl Default for ConfirmSettings {
    fn default() -> Self {
        Self {
            give_up_after: Duration::from_mins(10),
            first_wait: Duration::from_millis(300),
            longest_wait: Duration::from_secs(15),
            in_place: Duration::from_secs(5),
            again_after: Duration::from_secs(3),
            anew_after: Duration::from_secs(15),
        }
    }
}

/// What Slack shows of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Shared,
    NotYet,
    /// Slack has no such file.
    Unknown,
}

/// Looks until every file is shared. Where Slack will not let us look, it is enough that it said yes. What does not show
/// is completed again, and what Slack does not know is left to be uploaded anew.
pub(super) async fn wait_for_share(
    app: &SlackApp,
    settings: &ConfirmSettings,
    mut progress: Progress,
    delivery: Delivery<'_>,
) -> Result<(), Stop> {
    let (start, before) = (Instant::now(), Duration::from_millis(progress.looked_ms));
    let mut missing = progress.files.clone();
    let mut asked_again = times(before, settings.again_after);
    loop {
        let (mut still, mut unknown) = (Vec::new(), 0);
        for file in missing {
            match look(app, &file.id, &progress).await? {
                Seen::Shared => {}
                seen => {
                    unknown += usize::from(seen == Seen::Unknown);
                    still.push(file);
                }
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
        if times(looked, settings.again_after) > asked_again {
            asked_again = times(looked, settings.again_after);
            let unknown_to_all = complete_again(app, &mut progress, &missing, delivery).await?
                && unknown == progress.files.len()
                && looked >= settings.anew_after;
            if unknown_to_all {
                tracing::warn!(reference = delivery.request.reference, "Slack lost the files; they are uploaded anew");
                note(app, delivery, &json!({ "complete_sent": false, "confirmed": false, "looked_ms": 0 })).await?;
                return Err(Stop::Later(Duration::ZERO));
            }
        }
        let wait =
            looked.clamp(settings.first_wait, settings.longest_wait).min(settings.give_up_after.saturating_sub(looked));
        let wait = wait.min(settings.again_after.max(settings.first_wait));
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

/// How often `each` is over within `time`.
fn times(time: Duration, each: Duration) -> u128 {
    time.as_millis() / each.as_millis().max(1)
}

/// Asks for the same files again; whether Slack says that it has none of them.
async fn complete_again(
    app: &SlackApp,
    progress: &mut Progress,
    missing: &[Reserved],
    delivery: Delivery<'_>,
) -> Result<bool, Stop> {
    match ask_to_complete(app, progress, missing, delivery).await {
        Ok(()) => {
            progress.confirmed = true;
            Ok(false)
        }
        // So it also answers for files that are complete already.
        Err(SlackCallError::Refused { code }) => Ok(code == "file_not_found"),
        Err(error @ SlackCallError::Dead { .. }) => Err(error.into()),
        Err(_) => Ok(false),
    }
}

async fn look(app: &SlackApp, id: &str, progress: &Progress) -> Result<Seen, Stop> {
    match app.client().call(Method::FilesInfo, &json!({ "file": id }), CallPriority::Unhurried).await {
        Ok(answer) if shares(&answer["file"], &progress.channel) => Ok(Seen::Shared),
        // We may not look: without the scope, or in front of a stand-in.
        Err(SlackCallError::Refused { code }) if matches!(code.as_str(), "missing_scope" | "unknown_method") => {
            if progress.confirmed {
                Ok(Seen::Shared)
            } else {
                Err(Stop::Failed(Failure::DeliveryUnconfirmed))
            }
        }
        Err(SlackCallError::Refused { code }) if code == "file_not_found" => Ok(Seen::Unknown),
        Err(error @ SlackCallError::Dead { .. }) => Err(error.into()),
        Ok(_) | Err(_) => Ok(Seen::NotYet),
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
