//! Whether a result may still go where it was asked for: looked at immediately before every delivery, however late or
//! repeated it is. Whose opt-out came since is looked at by whoever opens the files.

use serde_json::json;

use crate::{
    queue::Request,
    segment::Failure,
    slack::{
        app::SlackApp,
        client::{CallPriority, Method, SlackCallError},
        wording::failures::{NOW_SHARED, OUTSIDER, PRODUCT_NOT_HERE},
    },
};

/// Why a result does not go out now.
#[derive(Debug)]
pub(crate) enum Held {
    Refused(Failure),
    /// Slack did not say.
    Slack(SlackCallError),
}

/// Looks at the product's right to the channel that was asked from, and at who reads `channel`, where the result goes.
pub(crate) async fn check(app: &SlackApp, request: &Request, channel: &str) -> Result<(), Held> {
    let refused = |reason: &str| Err(Held::Refused(Failure::SlackRefused { reason: reason.to_owned() }));
    if app.is_foreign(&request.team) {
        return refused(OUTSIDER);
    }
    let allowed = app.catalog().product(&request.conditions.product).map(|product| &product.allowed_channels);
    if allowed.is_some_and(|channels| !channels.is_empty() && !channels.contains(&request.channel)) {
        return refused(PRODUCT_NOT_HERE);
    }
    // Nobody else reads a direct message.
    if channel.starts_with('D') {
        return Ok(());
    }
    match app.client().call(Method::ConversationsInfo, &json!({ "channel": channel }), CallPriority::Unhurried).await {
        Ok(answer) => {
            let is = |name: &str| answer["channel"][name].as_bool() == Some(true);
            if is("is_ext_shared") || is("is_pending_ext_shared") { refused(NOW_SHARED) } else { Ok(()) }
        }
        // Without the right to look; the upload itself says what is not allowed.
        Err(SlackCallError::Refused { .. }) => Ok(()),
        Err(error) => Err(Held::Slack(error)),
    }
}
