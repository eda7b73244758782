//! One attempt at a delivery: what it wrote down, why it ends early, and the call that makes files visible.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::{
    queue::{self, Fenced, Lease, Request},
    segment::Failure,
    slack::{
        app::SlackApp,
        client::{CallPriority, Method, SlackCallError},
        thread::{announce, clearance::Held},
        wording::words,
    },
};

/// One attempt at a job that talks to Slack.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    pub lease: &'a Lease,
    pub request: &'a Request,
    /// The lease is lost, or the process ends.
    pub stop: &'a CancellationToken,
}

/// What an attempt wrote down for the next one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Progress {
    pub(crate) files: Vec<Reserved>,
    /// Completing may have been asked for; from here on nothing may be uploaded again.
    pub(crate) complete_sent: bool,
    /// Where the files went.
    pub(crate) channel: String,
    /// Slack said that they are shared.
    pub(crate) confirmed: bool,
    /// For how long the share has been looked for.
    pub(crate) looked_ms: u64,
    /// People who were taken out of the files because they opted out since the segment was built.
    pub(crate) left_out: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reserved {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// Why an attempt ended early.
#[derive(Debug)]
pub(crate) enum Stop {
    Failed(Failure),
    /// The lease is lost, the process ends, the database does not answer, or the installation is dead.
    HandBack,
    /// Slack wants nothing of this kind for so long, or has nothing to show before: no failure, and no use of a place.
    Later(Duration),
}

impl From<Fenced> for Stop {
    fn from(error: Fenced) -> Self {
        if let Fenced::Database(error) = &error {
            tracing::warn!(%error, "cannot note how far a delivery is");
        }
        Self::HandBack
    }
}

impl From<Held> for Stop {
    fn from(held: Held) -> Self {
        match held {
            Held::Refused(failure) => Self::Failed(failure),
            Held::Slack(error) => error.into(),
        }
    }
}

impl From<SlackCallError> for Stop {
    fn from(error: SlackCallError) -> Self {
        match error {
            // Not this delivery's fault: it goes on when the installation works again.
            SlackCallError::Dead { .. } => Self::HandBack,
            SlackCallError::RateLimited { retry_after } => Self::Later(retry_after),
            error => Self::Failed(error.into_failure()),
        }
    }
}

pub(crate) async fn ask_to_complete(
    app: &SlackApp,
    progress: &Progress,
    files: &[Reserved],
    delivery: Delivery<'_>,
) -> Result<(), SlackCallError> {
    let root = announce::ensure_root(app, delivery.request, CallPriority::Unhurried).await?;
    let say = app.say(delivery.request.locale);
    let title = words::title(app.catalog(), say, delivery.request);
    let mut comment = say.with("files-comment", &[("title", title.into())]);
    if progress.left_out > 0 {
        comment = say.sentences([comment, say.with("files-left-out", &[("count", progress.left_out.into())])]);
    }
    let body = json!({
        "files": files.iter().map(|file| json!({ "id": file.id, "title": file.name })).collect::<Vec<_>>(),
        "channel_id": progress.channel,
        "thread_ts": announce::thread_of(delivery.request, &root),
        "initial_comment": comment,
    });
    app.client().call(Method::FilesCompleteUploadExternal, &body, CallPriority::Unhurried).await.map(drop)
}

pub(crate) async fn note(app: &SlackApp, delivery: Delivery<'_>, patch: &Value) -> Result<(), Fenced> {
    queue::note(app.pool(), delivery.lease, patch).await
}
