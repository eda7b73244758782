//! The last word in the thread, said at most once: the result, or that it failed. The requester is mentioned here.

use serde_json::json;

use super::{Delivery, Method, Pace, SlackApp, SlackCallError, announce, blocks::Message, deliver, result, words};
use crate::queue::{Outcome, Request, RequestState};

/// Tells the requester how a request ended.
pub async fn notify(app: &SlackApp, delivery: Delivery<'_>) -> Outcome {
    // An earlier attempt may have said it; saying nothing is better than saying it twice.
    if delivery.lease.progress["said"].as_bool() == Some(true) {
        return Outcome::Notified;
    }
    if !app.client().alive(delivery.stop).await {
        return Outcome::HandBack;
    }
    let Some(message) = message(app, delivery.request) else { return Outcome::Notified };
    let root = match announce::ensure_root(app, delivery.request, Pace::Unhurried).await {
        Ok(root) => root,
        Err(error) => return ended(error, delivery).await,
    };
    if deliver::note(app, delivery, &json!({ "said": true })).await.is_err() {
        return Outcome::HandBack;
    }
    let thread_ts = announce::thread_of(delivery.request, &root);
    let body = json!({
        "channel": root.channel, "thread_ts": thread_ts, "text": message.text, "blocks": message.blocks,
        "unfurl_links": false,
    });
    match app.client().call(Method::ChatPostMessage, &body, Pace::Unhurried).await {
        Ok(_) | Err(SlackCallError::Ambiguous) => Outcome::Notified,
        Err(error) => {
            // Surely not said, so the next attempt may.
            if deliver::note(app, delivery, &json!({ "said": false })).await.is_err() {
                return Outcome::HandBack;
            }
            ended(error, delivery).await
        }
    }
}

/// The files are there, or the root message tells the failure: a refusal of the last word spoils neither.
async fn ended(error: SlackCallError, delivery: Delivery<'_>) -> Outcome {
    match error {
        SlackCallError::Refused { .. } | SlackCallError::Ambiguous => Outcome::Notified,
        SlackCallError::Dead { .. } => Outcome::HandBack,
        SlackCallError::RateLimited { retry_after } => deliver::later(retry_after, delivery.stop).await,
        error => Outcome::Failed(error.into_failure()),
    }
}

fn message(app: &SlackApp, request: &Request) -> Option<Message> {
    let (catalog, say) = (app.catalog(), app.say(request.locale));
    match (request.state, &request.summary) {
        (RequestState::Cancelled, _) => None,
        (RequestState::Failed, _) => {
            let title = words::title(catalog, say, request);
            let args = [("user", request.user.as_str().into()), ("title", title.into())];
            Some(Message::paragraph(&say.with("notify-failed", &args)))
        }
        (_, Some(summary)) => Some(result::message(catalog, say, request, summary)),
        (_, None) => None,
    }
}
