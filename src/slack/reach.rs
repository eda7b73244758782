//! Whether the bot can put a result into a channel; settled when the form is submitted, so that it never surfaces at the end.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Method, Pace, SlackApp, SlackCallError};

/// Of Slack's three seconds for a submission, the rest is for the database.
const WAIT: Duration = Duration::from_millis(1_300);

/// Why a result cannot go there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoWay {
    /// Private, and the bot was not invited.
    NotMember,
    /// People of another organisation read it.
    Shared,
    Archived,
    /// Slack did not say in time.
    Unsure,
}

/// Whether files can be shared in `channel`; joins a public one. A stand-in that knows less than Slack does not get in the way.
pub(super) async fn check(app: &SlackApp, channel: &str) -> Result<(), NoWay> {
    tokio::time::timeout(WAIT, look(app, channel)).await.unwrap_or(Err(NoWay::Unsure))
}

async fn look(app: &SlackApp, channel: &str) -> Result<(), NoWay> {
    let body = json!({ "channel": channel });
    let answer = match app.client().call(Method::ConversationsInfo, &body, Pace::Hurried).await {
        Ok(answer) => answer,
        Err(error) if error.code() == Some("unknown_method") => return Ok(()),
        // A channel that the bot cannot even see.
        Err(SlackCallError::Refused { .. }) => return Err(NoWay::NotMember),
        Err(_) => return Err(NoWay::Unsure),
    };
    let is = |name: &str| answer["channel"][name].as_bool();
    if is("is_archived") == Some(true) {
        return Err(NoWay::Archived);
    }
    if is("is_ext_shared") == Some(true) || is("is_pending_ext_shared") == Some(true) {
        return Err(NoWay::Shared);
    }
    match (is("is_member"), is("is_private")) {
        (Some(true) | None, _) => Ok(()),
        (Some(false), Some(true)) => Err(NoWay::NotMember),
        (Some(false), _) => join(app, &body).await,
    }
}

async fn join(app: &SlackApp, body: &Value) -> Result<(), NoWay> {
    match app.client().call(Method::ConversationsJoin, body, Pace::Hurried).await {
        Ok(_) => Ok(()),
        Err(SlackCallError::Refused { code }) if code == "unknown_method" => Ok(()),
        Err(SlackCallError::Refused { code }) if code == "is_archived" => Err(NoWay::Archived),
        Err(SlackCallError::Refused { .. }) => Err(NoWay::NotMember),
        Err(_) => Err(NoWay::Unsure),
    }
}
