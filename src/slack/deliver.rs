//! Files into the thread, exactly once.
//!
//! Reserve ids, write them down, upload (nothing is visible yet); write `complete_sent` under the fence; complete once; then only look
//! until the share shows, and let others deliver meanwhile. Ids may be replaced while `complete_sent` is false, and never once it may have been sent.

mod confirm;
mod files;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

pub use confirm::ConfirmSettings;
pub use files::{LinkedFile, ResultFile, ResultFiles, ResultLinks, Whereabouts};

use super::{
    Method, Pace, SlackApp, SlackCallError, Upload, announce,
    clearance::{self, Held},
    words,
};
use crate::{
    queue::{self, Fenced, Lease, Outcome, Request},
    segment::Failure,
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
struct Progress {
    files: Vec<Reserved>,
    /// Completing may have been asked for; from here on nothing may be uploaded again.
    complete_sent: bool,
    /// Where the files went.
    channel: String,
    /// Slack said that they are shared.
    confirmed: bool,
    /// For how long the share has been looked for.
    looked_ms: u64,
    /// People who were taken out of the files because they opted out since the segment was built.
    left_out: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Reserved {
    id: String,
    name: String,
}

/// Why an attempt ended early.
#[derive(Debug)]
enum Stop {
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

/// Puts the files of a request into its thread.
pub async fn deliver(
    app: &SlackApp,
    files: &ResultFiles,
    confirm: &ConfirmSettings,
    delivery: Delivery<'_>,
) -> Outcome {
    if !app.client().alive(delivery.stop).await {
        return Outcome::HandBack;
    }
    match run(app, files, confirm, delivery).await {
        Ok(()) => Outcome::Delivered,
        Err(Stop::Failed(failure)) => Outcome::Failed(failure),
        Err(Stop::HandBack) => Outcome::HandBack,
        Err(Stop::Later(wait)) => Outcome::Later(wait),
    }
}

async fn run(
    app: &SlackApp,
    files: &ResultFiles,
    confirm: &ConfirmSettings,
    delivery: Delivery<'_>,
) -> Result<(), Stop> {
    let mut progress: Progress = serde_json::from_value(delivery.lease.progress.clone()).unwrap_or_default();
    if !progress.complete_sent {
        let root = announce::ensure_root(app, delivery.request, Pace::Unhurried).await?;
        clearance::check(app, delivery.request, &root.channel).await?;
        let found = files.open(delivery.request).await.map_err(Stop::Failed)?;
        progress = Progress { channel: root.channel.clone(), ..Progress::default() };
        progress.left_out = found.iter().map(|file| file.left_out).max().unwrap_or_default();
        progress.files = upload_all(app, &found, delivery).await?;
        if progress.files.is_empty() {
            return Ok(());
        }
        progress.complete_sent = true;
        note(app, delivery, &json!(progress)).await?;
        progress.confirmed = complete(app, &progress, &progress.files, delivery).await?;
    }
    confirm::wait_for_share(app, confirm, progress, delivery).await
}

/// Uploads everything; fresh ids each time, because nobody can have seen the old ones.
async fn upload_all(app: &SlackApp, files: &[ResultFile], delivery: Delivery<'_>) -> Result<Vec<Reserved>, Stop> {
    let mut reserved = Vec::with_capacity(files.len());
    for file in files {
        if delivery.stop.is_cancelled() {
            return Err(Stop::HandBack);
        }
        let metadata = tokio::fs::metadata(file.path()).await.map_err(|error| {
            tracing::error!(%error, name = file.name, reference = delivery.request.reference, "a result's file is missing");
            Stop::Failed(Failure::StorageUnreachable)
        })?;
        // Slack takes no empty files.
        if metadata.len() == 0 {
            continue;
        }
        let upload = app.client().reserve_upload(&file.name, metadata.len()).await?;
        reserved.push(Reserved { id: upload.file_id.clone(), name: file.name.clone() });
        note(app, delivery, &json!({ "files": reserved })).await?;
        send(app, &upload, file, metadata.len()).await?;
    }
    Ok(reserved)
}

/// An upload may be repeated: twice here, and then by the next attempt.
async fn send(app: &SlackApp, upload: &Upload, file: &ResultFile, bytes: u64) -> Result<(), Stop> {
    match app.client().upload(upload, file.path(), bytes).await {
        Err(SlackCallError::Unreachable) => Ok(app.client().upload(upload, file.path(), bytes).await?),
        result => Ok(result?),
    }
}

/// Makes the files visible. `true` when Slack said so, `false` when its answer was lost.
async fn complete(
    app: &SlackApp,
    progress: &Progress,
    files: &[Reserved],
    delivery: Delivery<'_>,
) -> Result<bool, Stop> {
    match ask_to_complete(app, progress, files, delivery).await {
        Ok(()) => Ok(true),
        Err(SlackCallError::Ambiguous) => Ok(false),
        Err(error) => {
            // Surely not done, so the next attempt may start over.
            note(app, delivery, &json!({ "complete_sent": false })).await?;
            Err(error.into())
        }
    }
}

async fn ask_to_complete(
    app: &SlackApp,
    progress: &Progress,
    files: &[Reserved],
    delivery: Delivery<'_>,
) -> Result<(), SlackCallError> {
    let root = announce::ensure_root(app, delivery.request, Pace::Unhurried).await?;
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
    app.client().call(Method::FilesCompleteUploadExternal, &body, Pace::Unhurried).await.map(drop)
}

pub(super) async fn note(app: &SlackApp, delivery: Delivery<'_>, patch: &Value) -> Result<(), Fenced> {
    queue::note(app.pool(), delivery.lease, patch).await
}
