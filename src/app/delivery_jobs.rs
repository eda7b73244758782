//! The two loops that bring results into Slack: the files, and the last word.

use std::future::{Future, pending};

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::Results;
use crate::{
    jobs::{self, Job, StopFlag, WorkerSettings},
    queue::{JobKind, Outcome},
    slack::{self, ConfirmSettings, Delivery, SlackApp},
};

/// Uploads files until `stopping`.
pub(super) async fn deliver(
    app: SlackApp,
    results: Results,
    pool: PgPool,
    settings: WorkerSettings,
    stopping: CancellationToken,
) {
    let files = results.files();
    let perform = move |job: Job| {
        let (app, files) = (app.clone(), files.clone());
        async move {
            let stop = CancellationToken::new();
            let delivery = Delivery { lease: &job.lease, request: &job.request, stop: &stop };
            let confirm = ConfirmSettings::default();
            told(slack::deliver(&app, &files, &confirm, delivery), &job.stop, &stop).await
        }
    };
    jobs::run(&pool, JobKind::Deliver, &settings, perform, stopping).await;
}

/// Tells requesters how it ended until `stopping`.
pub(super) async fn notify(
    app: SlackApp,
    results: Results,
    pool: PgPool,
    settings: WorkerSettings,
    stopping: CancellationToken,
) {
    let links = results.links();
    let perform = move |job: Job| {
        let (app, links) = (app.clone(), links.clone());
        async move {
            let stop = CancellationToken::new();
            let delivery = Delivery { lease: &job.lease, request: &job.request, stop: &stop };
            told(slack::notify(&app, &links, delivery), &job.stop, &stop).await
        }
    };
    jobs::run(&pool, JobKind::Notify, &settings, perform, stopping).await;
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
