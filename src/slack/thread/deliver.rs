//! Files into the thread, exactly once.
//!
//! Reserve ids, write them down, upload (nothing is visible yet); write `complete_sent` under the fence; complete once; then only look
//! until the share shows, and let others deliver meanwhile. Ids may be replaced while `complete_sent` is false, and never once it may have been sent.

mod confirm;
mod files;
pub(crate) mod step;

use serde_json::json;

pub use confirm::ConfirmSettings;
pub use files::{LinkedFile, ResultFile, ResultFiles, ResultLinks, Whereabouts};
pub use step::Delivery;
use step::{Progress, Reserved, Stop, ask_to_complete, note};

use crate::{
    queue::Outcome,
    segment::Failure,
    slack::{
        app::SlackApp,
        client::{CallPriority, SlackCallError, Upload},
        thread::{announce, clearance},
    },
};

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
        let root = announce::ensure_root(app, delivery.request, CallPriority::Unhurried).await?;
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
