//! The two loops that bring results into Slack: the files, and the last word.

use std::future::{Future, pending};

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::{
    lake::{LakeError, Store},
    queue::{JobKind, Outcome, Request},
    segment::{CONTROL_FILE, Failure},
    slack::{self, ConfirmSettings, Delivery, ResultFile, ResultFiles, SlackApp},
    worker::{self, Job, StopFlag, WorkerSettings},
};

/// Uploads files until `stopping`.
pub(super) async fn deliver(
    app: SlackApp,
    store: Store,
    pool: PgPool,
    settings: WorkerSettings,
    stopping: CancellationToken,
) {
    let files = ResultFiles::new(move |request| stored(store.clone(), request));
    let perform = move |job: Job| {
        let (app, files) = (app.clone(), files.clone());
        async move {
            let stop = CancellationToken::new();
            let delivery = Delivery { lease: &job.lease, request: &job.request, stop: &stop };
            let confirm = ConfirmSettings::default();
            told(slack::deliver(&app, &files, &confirm, delivery), &job.stop, &stop).await
        }
    };
    worker::run(&pool, JobKind::Deliver, &settings, perform, stopping).await;
}

/// Tells requesters how it ended until `stopping`.
pub(super) async fn notify(app: SlackApp, pool: PgPool, settings: WorkerSettings, stopping: CancellationToken) {
    let perform = move |job: Job| {
        let app = app.clone();
        async move {
            let stop = CancellationToken::new();
            let delivery = Delivery { lease: &job.lease, request: &job.request, stop: &stop };
            told(slack::notify(&app, delivery), &job.stop, &stop).await
        }
    };
    worker::run(&pool, JobKind::Notify, &settings, perform, stopping).await;
}

/// Runs `work`, and cancels `token` once `stop` is set.
async fn told(work: impl Future<Output = Outcome>, stop: &StopFlag, token: &CancellationToken) -> Outcome {
    let telling = async {
        stop.stopped().await;
        token.cancel();
        pending().await
    };
    tokio::select! {
        outcome = work => outcome,
        outcome = telling => outcome,
    }
}

/// The files that the worker stored, as local copies, in the order of delivery. The control group's stays in the store:
/// who gets a file may send it to those in it.
async fn stored(store: Store, request: Request) -> Result<Vec<ResultFile>, Failure> {
    let mut found = Vec::new();
    let files = request.summary.iter().flat_map(|summary| &summary.files);
    for file in files.filter(|file| file.name != CONTROL_FILE) {
        let key = format!("segments/{}/{}", request.folder(), file.name);
        let path = store.local(&key).await.map_err(|error| unreadable(&request, &error))?;
        found.push(ResultFile { name: file.name.clone(), path });
    }
    Ok(found)
}

fn unreadable(request: &Request, error: &LakeError) -> Failure {
    tracing::error!(request = request.reference, %error, "a result's file cannot be read");
    worker::lake_failure(error)
}
