//! The last word in the thread, said at most once: the result, or that it failed. The requester is mentioned here.

use serde_json::json;

use crate::{
    queue::{Outcome, Request, RequestState},
    segment::Failure,
    slack::{
        app::SlackApp,
        client::{CallPriority, Method, SlackCallError},
        thread::{
            announce,
            clearance::{self, Held},
            deliver::{Delivery, LinkedFile, ResultLinks, Whereabouts, step},
            result,
        },
        wording::{
            blocks::{self, Message, escape},
            words,
        },
    },
    texts::fixed,
};

/// Behind the sentence that says that it is ready.
const LINKS_AT: usize = 1;

/// Tells the requester how a request ended.
pub async fn notify(app: &SlackApp, links: &ResultLinks, delivery: Delivery<'_>) -> Outcome {
    // An earlier attempt may have said it; saying nothing is better than saying it twice.
    if delivery.lease.progress["said"].as_bool() == Some(true) {
        return Outcome::Notified;
    }
    if !app.client().alive(delivery.stop).await {
        return Outcome::HandBack;
    }
    let Some(mut message) = message(app, delivery.request) else { return Outcome::Notified };
    let root = match announce::ensure_root(app, delivery.request, CallPriority::Unhurried).await {
        Ok(root) => root,
        Err(error) => return ended(error),
    };
    match linked(links, delivery.request).await {
        Ok(linked) => {
            if !linked.is_empty()
                && let Err(held) = clearance::check(app, delivery.request, &root.channel).await
            {
                return match held {
                    Held::Refused(failure) => Outcome::Failed(failure),
                    Held::Slack(error) => ended(error),
                };
            }
            let shown = linked.iter().map(|file| blocks::section(&link(app, delivery.request, file)));
            drop(message.blocks.splice(LINKS_AT..LINKS_AT, shown));
        }
        Err(failure) => return Outcome::Failed(failure),
    }
    if step::note(app, delivery, &json!({ "said": true })).await.is_err() {
        return Outcome::HandBack;
    }
    let thread_ts = announce::thread_of(delivery.request, &root);
    let body = json!({
        "channel": root.channel, "thread_ts": thread_ts, "text": message.text, "blocks": message.blocks,
        "unfurl_links": false,
    });
    match app.client().call(Method::ChatPostMessage, &body, CallPriority::Unhurried).await {
        Ok(_) | Err(SlackCallError::Ambiguous) => Outcome::Notified,
        Err(error) => {
            // Surely not said, so the next attempt may.
            if step::note(app, delivery, &json!({ "said": false })).await.is_err() {
                return Outcome::HandBack;
            }
            ended(error)
        }
    }
}

/// The files are there, or the root message tells the failure: a refusal of the last word spoils neither.
fn ended(error: SlackCallError) -> Outcome {
    match error {
        SlackCallError::Refused { .. } | SlackCallError::Ambiguous => Outcome::Notified,
        SlackCallError::Dead { .. } => Outcome::HandBack,
        SlackCallError::RateLimited { retry_after } => Outcome::Later(retry_after),
        error => Outcome::Failed(error.into_failure()),
    }
}

/// What did not go into Slack; nothing, where there is no result.
async fn linked(links: &ResultLinks, request: &Request) -> Result<Vec<LinkedFile>, Failure> {
    if request.state == RequestState::Failed { Ok(Vec::new()) } else { links.of(request).await }
}

/// Where a file is that is too large for Slack.
fn link(app: &SlackApp, request: &Request, file: &LinkedFile) -> String {
    let say = app.say(request.locale);
    let (name, size) = (("file", escape(&file.name).into()), ("size", megabytes(file.bytes).into()));
    match &file.whereabouts {
        Whereabouts::Link { url, days } => {
            say.with("result-link", &[name, size, ("url", escape(url).into()), ("days", (*days).into())])
        }
        Whereabouts::Folder { place } => {
            let owner = ("owner", escape(&app.catalog().owner).into());
            say.with("result-folder", &[name, size, owner, ("place", escape(place).into())])
        }
    }
}

/// With one decimal; only ever large.
#[expect(clippy::cast_precision_loss, reason = "sizes of files are far below 2^52 bytes")]
fn megabytes(bytes: u64) -> String {
    fixed(bytes as f64 / 1e6, 1)
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
