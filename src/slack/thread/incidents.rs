//! Failures in the operators' channel: one message a cause, edited with a counter, closed when the cause is gone.
//!
//! The rows decide when a message is due, so a restart neither posts a second one nor edits too soon. Without a channel,
//! incidents are only logged.

use std::{collections::HashMap, time::Duration};

use serde_json::json;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    queue::{self, Calm, Incident, MessageRef},
    slack::{
        app::SlackApp,
        client::{CallPriority, Method, SlackCallError},
        wording::{
            blocks::{self, Message},
            words,
        },
    },
    texts::Say,
};

/// How often incidents are shown, and when they count as over.
#[derive(Debug, Clone, Copy)]
pub struct IncidentSettings {
    /// Between two edits of one message; the last state is always shown.
    pub min_interval: Duration,
    /// Looks at the incidents this often.
    pub poll: Duration,
    pub calm: Calm,
}

impl Default for IncidentSettings {
    fn default() -> Self {
        Self {
            min_interval: Duration::from_secs(10),
            poll: Duration::from_secs(1),
            calm: Calm { quiet: Duration::from_mins(30), proven: Duration::from_mins(1) },
        }
    }
}

/// After doubt whether a message was posted: a duplicate is the lesser harm than none, but not at once.
const DOUBT: Duration = Duration::from_secs(30);
const AWAY: Duration = Duration::from_secs(2);

/// Runs until `shutdown`.
pub async fn incidents(app: SlackApp, settings: IncidentSettings, shutdown: CancellationToken) {
    let mut held = HashMap::new();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(settings.poll) => {}
        }
        if let Err(error) = pass(&app, &settings, &mut held).await {
            tracing::warn!(%error, "cannot look at the incidents");
        }
    }
}

async fn pass(
    app: &SlackApp,
    settings: &IncidentSettings,
    held: &mut HashMap<Uuid, Instant>,
) -> Result<(), queue::QueueError> {
    held.retain(|_, until| *until > Instant::now());
    queue::resolve_incidents(app.pool(), settings.calm).await?;
    for incident in queue::unshown_incidents(app.pool(), settings.min_interval).await? {
        if held.contains_key(&incident.id) {
            continue;
        }
        match show(app, &incident).await {
            Ok(message) => {
                log(&incident);
                queue::mark_incident_shown(app.pool(), incident.id, incident.version, message.as_ref()).await?;
            }
            Err(wait) => drop(held.insert(incident.id, Instant::now() + wait)),
        }
    }
    Ok(())
}

fn log(incident: &Incident) {
    let examples: Vec<&str> = incident.examples.iter().map(|example| example.reference.as_str()).collect();
    let (cause, count) = (incident.cause.as_str(), incident.count);
    if incident.resolved_at.is_some() {
        tracing::info!(cause, count, "an incident is resolved");
    } else {
        tracing::error!(cause, count, ?examples, "requests meet one cause");
    }
}

/// Posts or edits the message; gives where it is, or how long to wait.
async fn show(app: &SlackApp, incident: &Incident) -> Result<Option<MessageRef>, Duration> {
    let Some(operators) = app.inner.config.operators_channel.as_deref() else { return Ok(incident.message.clone()) };
    let message = message(app.say(app.catalog().fallback_locale), incident);
    let mut body = json!({ "text": message.text, "blocks": message.blocks, "unfurl_links": false });
    let result = match &incident.message {
        Some(shown) => {
            body["channel"] = shown.channel.as_str().into();
            body["ts"] = shown.ts.as_str().into();
            app.client().call(Method::ChatUpdate, &body, CallPriority::InPassing).await.map(|_| Some(shown.clone()))
        }
        // Over before anybody heard of it.
        None if incident.resolved_at.is_some() => Ok(None),
        None => {
            body["channel"] = operators.into();
            let answer = app.client().call(Method::ChatPostMessage, &body, CallPriority::InPassing).await;
            answer.map(|answer| {
                let ts = answer["ts"].as_str()?.to_owned();
                Some(MessageRef { channel: answer["channel"].as_str().unwrap_or(operators).to_owned(), ts })
            })
        }
    };
    result.or_else(|error| after_error(&error, incident))
}

fn after_error(error: &SlackCallError, incident: &Incident) -> Result<Option<MessageRef>, Duration> {
    match error {
        SlackCallError::RateLimited { retry_after } => Err(*retry_after),
        SlackCallError::Ambiguous => Err(DOUBT),
        SlackCallError::Unreachable | SlackCallError::Dead { .. } => Err(AWAY),
        SlackCallError::Refused { .. } | SlackCallError::LocalFile(_) => {
            tracing::error!(%error, "the operators' channel refuses; check SLACK_OPERATORS_CHANNEL and invite the bot");
            Ok(incident.message.clone())
        }
    }
}

/// What fails, how often, since when, what to look at, and by which references the log is searched.
pub(crate) fn message(say: Say<'_>, incident: &Incident) -> Message {
    let (what, look) = cause(say, &incident.cause);
    let args = [
        ("what", what.into()),
        ("look", look.into()),
        ("count", incident.count.into()),
        ("since", words::moment(incident.opened_at).into()),
        ("last", words::moment(incident.last_at).into()),
    ];
    let has_failed = !incident.cause.starts_with(queue::PROMISE_MISSED);
    let text = match (incident.resolved_at.is_some(), has_failed) {
        (true, true) => say.with("incident-resolved", &args),
        (false, true) => say.with("incident-open", &args),
        (true, false) => say.with("incident-missed-resolved", &args),
        (false, false) => say.with("incident-missed-open", &args),
    };
    let examples = incident.examples.iter().map(|example| {
        let args = [("number", example.number.to_string().into()), ("reference", example.reference.as_str().into())];
        say.with("incident-example", &args)
    });
    let examples = say.with("incident-examples", &[("examples", say.list(examples).into())]);
    Message::new(&text, vec![blocks::section(&text), blocks::context(&examples)])
}

/// What happened, and what to look at.
fn cause(say: Say<'_>, cause: &str) -> (String, String) {
    let (code, reason) = cause.split_once(':').unwrap_or((cause, ""));
    match code {
        "too_few_conversions" => (say.text("incident-too-few"), say.text("look-too-few")),
        "no_snapshot" => (say.text("incident-no-snapshot"), say.text("look-no-snapshot")),
        "data_unreadable" => (say.text("incident-data"), say.text("look-data")),
        "storage_unreachable" => (say.text("incident-storage"), say.text("look-storage")),
        "worker_lost" => (say.text("incident-worker"), say.text("look-worker")),
        "took_too_long" => (say.text("incident-too-long"), say.text("look-too-long")),
        "slack_refused" => (say.with("incident-refused", &[("reason", reason.into())]), say.text("look-refused")),
        "slack_unreachable" => (say.text("incident-slack-away"), say.text("look-slack-away")),
        "delivery_unconfirmed" => (say.text("incident-unconfirmed"), say.text("look-unconfirmed")),
        "suppression_lost" => (say.text("incident-suppression"), say.text("look-suppression")),
        queue::PROMISE_MISSED => (say.with("incident-missed", &[("product", reason.into())]), say.text("look-missed")),
        _ => (say.text("incident-internal"), say.text("look-internal")),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::{catalog::Locale, queue::Example, texts::Texts};

    fn read(locale: Locale, resolved: bool) -> String {
        let at = |seconds: i64| DateTime::from_timestamp(1_764_000_000 + seconds, 0).unwrap();
        let example = |number, reference: &str| Example { number, reference: reference.to_owned() };
        let incident = Incident {
            id: Uuid::nil(),
            cause: "slack_refused:is_archived".to_owned(),
            count: 1_204,
            examples: vec![example(1_310, "0a1b2c3d"), example(1_309, "4e5f6071")],
            opened_at: at(0),
            last_at: at(3_600),
            resolved_at: resolved.then(|| at(7_200)),
            message: None,
            version: 3,
        };
        let message = message(Texts::load().unwrap().say(locale), &incident);
        format!("{}\n---\n{}", message.text, message.blocks[1]["elements"][0]["text"].as_str().unwrap())
    }

    #[test]
    fn operators_read_what_fails_how_often_and_what_to_look_at() {
        insta::assert_snapshot!(read(Locale::En, false), @r"
        *Slack refuses files or messages: `is_archived`.*
        1,204 requests failed, the last <!date^1764003600^{date_short_pretty} {time}|2025-11-24 17:00 UTC>. First seen <!date^1764000000^{date_short_pretty} {time}|2025-11-24 16:00 UTC>.
        Look at the app's permissions, at the workspace's rules for files, and at the channel.
        ---
        Last: #1310 `0a1b2c3d`, #1309 `4e5f6071`. The log has the details under these references.
        ");
        insta::assert_snapshot!(read(Locale::Ja, false), @r"
        *Slackがファイルまたはメッセージを拒否しています：`is_archived`*
        1,204 件の依頼が失敗しました。最初は<!date^1764000000^{date_short_pretty} {time}|2025-11-24 16:00 UTC>、最後は<!date^1764003600^{date_short_pretty} {time}|2025-11-24 17:00 UTC>です。
        アプリの権限、ファイルに関するワークスペースの規則、届け先のチャンネルを確認してください。
        ---
        最近の例：#1310 `0a1b2c3d`、#1309 `4e5f6071`。この照会番号で、ログに詳細があります。
        ");
        insta::assert_snapshot!(read(Locale::En, true), @r"
        *Resolved: Slack refuses files or messages: `is_archived`.*
        1,204 requests failed, the last <!date^1764003600^{date_short_pretty} {time}|2025-11-24 17:00 UTC>. First seen <!date^1764000000^{date_short_pretty} {time}|2025-11-24 16:00 UTC>.
        ---
        Last: #1310 `0a1b2c3d`, #1309 `4e5f6071`. The log has the details under these references.
        ");
    }
}
