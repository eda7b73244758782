//! Whether the bot can put a result into a channel; settled when the form is submitted, so that it never surfaces at the end.

use std::time::Duration;

use serde_json::{Value, json};

use crate::slack::{
    app::SlackApp,
    client::{CallPriority, Method, SlackCallError},
    deadline::{Deadline, Late},
    request::refusal::ChannelRefusal,
};

/// How long Slack may take to show a channel, and to let us join it.
const WAIT: Duration = Duration::from_millis(1_300);

/// Whether files can be shared in `channel`; joins a public one. A stand-in that knows less than Slack does not get in the way.
/// Where the click has no more time for it, the request is taken: the channel is looked at again before anything goes there.
pub(crate) async fn check(app: &SlackApp, deadline: Deadline, channel: &str) -> Result<(), ChannelRefusal> {
    match deadline.courtesy(WAIT, look(app, channel)).await {
        Ok(looked) => looked,
        Err(Late::Slow) => Err(ChannelRefusal::Unsure),
        Err(Late::Spent) => Ok(()),
    }
}

async fn look(app: &SlackApp, channel: &str) -> Result<(), ChannelRefusal> {
    let body = json!({ "channel": channel });
    let answer = match app.client().call(Method::ConversationsInfo, &body, CallPriority::Hurried).await {
        Ok(answer) => answer,
        Err(error) if error.code() == Some("unknown_method") => return Ok(()),
        // A channel that the bot cannot even see.
        Err(SlackCallError::Refused { .. }) => return Err(ChannelRefusal::NotMember),
        Err(_) => return Err(ChannelRefusal::Unsure),
    };
    let is = |name: &str| answer["channel"][name].as_bool();
    if is("is_archived") == Some(true) {
        return Err(ChannelRefusal::Archived);
    }
    if is("is_ext_shared") == Some(true) || is("is_pending_ext_shared") == Some(true) {
        return Err(ChannelRefusal::Shared);
    }
    match (is("is_member"), is("is_private")) {
        (Some(true) | None, _) => Ok(()),
        (Some(false), Some(true)) => Err(ChannelRefusal::NotMember),
        (Some(false), _) => join(app, &body).await,
    }
}

async fn join(app: &SlackApp, body: &Value) -> Result<(), ChannelRefusal> {
    match app.client().call(Method::ConversationsJoin, body, CallPriority::Hurried).await {
        Ok(_) => Ok(()),
        Err(SlackCallError::Refused { code }) if code == "unknown_method" => Ok(()),
        Err(SlackCallError::Refused { code }) if code == "is_archived" => Err(ChannelRefusal::Archived),
        Err(SlackCallError::Refused { .. }) => Err(ChannelRefusal::NotMember),
        Err(_) => Err(ChannelRefusal::Unsure),
    }
}
