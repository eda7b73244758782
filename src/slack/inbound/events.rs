//! Events: a mention is answered with a button, an opened Home is filled. Answered at once; the work follows behind.

use serde_json::json;

use crate::slack::{
    app::SlackApp,
    client::{CallPriority, Method, SlackCallError},
    deadline::Deadline,
    home,
    payload::{Event, EventEnvelope},
    reply::Reply,
    request::draft::{Origin, RequestDraft},
    wording::messages,
};

/// Acknowledges an event and deals with it once, however often Slack delivers it.
pub(crate) fn answer(app: &SlackApp, envelope: EventEnvelope) -> Reply {
    if envelope.kind == "url_verification" {
        return Reply::json(json!({ "challenge": envelope.challenge.unwrap_or_default() }));
    }
    if envelope.event.bot_id.is_some() || envelope.event.user.is_empty() {
        return Reply::empty();
    }
    let key = key(&envelope);
    if !key.as_ref().is_none_or(|key| app.inner.seen_events.is_new(key)) {
        return Reply::empty();
    }
    let (app, behind) = (app.clone(), app.clone());
    behind.behind(async move {
        let dealt = deal_with(&app, &envelope).await;
        // What may have been done is not done again.
        if let (Some(key), Err(SlackCallError::Unreachable | SlackCallError::RateLimited { .. })) = (key, dealt) {
            app.inner.seen_events.forget(&key);
        }
    });
    Reply::empty()
}

/// `None` where nothing tells one delivery from the next: stand-ins send no event id.
fn key(envelope: &EventEnvelope) -> Option<String> {
    let event = &envelope.event;
    match (envelope.event_id.is_empty(), event.ts.is_empty()) {
        (false, _) => Some(envelope.event_id.clone()),
        (true, false) => Some(format!("{}:{}:{}", event.kind, event.channel, event.ts)),
        (true, true) => None,
    }
}

async fn deal_with(app: &SlackApp, envelope: &EventEnvelope) -> Result<(), SlackCallError> {
    let team = envelope.team_id.clone().unwrap_or_default();
    match envelope.event.kind.as_str() {
        "app_mention" => offer_form(app, team, &envelope.event).await,
        "app_home_opened" if envelope.event.tab.as_deref().unwrap_or("home") == "home" => {
            let who = app.who(team, &envelope.event.user, Deadline::of_click()).await;
            home::publish(app, &who).await
        }
        _ => Ok(()),
    }
}

/// A mention brings no trigger, so the form needs one more click.
async fn offer_form(app: &SlackApp, team: String, event: &Event) -> Result<(), SlackCallError> {
    let who = app.who(team, &event.user, Deadline::of_click()).await;
    let thread_ts = event.thread_ts.clone().unwrap_or_else(|| event.ts.clone());
    let origin = Origin { channel: event.channel.clone(), thread_ts: Some(thread_ts.clone()), ..Origin::default() };
    let asked = RequestDraft { origin, ..RequestDraft::default() };
    let message = messages::offer_form(app.say(who.locale), "mention-answer", &asked.to_value());
    let body = json!({
        "channel": event.channel, "thread_ts": thread_ts, "text": message.text, "blocks": message.blocks,
    });
    app.client().call(Method::ChatPostMessage, &body, CallPriority::Unhurried).await.map(drop)
}
