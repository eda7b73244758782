//! Keeps a lease alive, on a thread and a connection of its own: neither a busy runtime nor an empty pool may stop it.
//!
//! It also is the one that gives up: when no beat was answered for five sixths of the lease, counted from *before* the last good one was sent,
//! the job stops, well before anybody else may take it. A job that does not stop in time takes the process with it.

use std::{sync::Arc, thread, time::Duration};

use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::{
    runtime,
    sync::{Notify, watch},
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{Overrun, StopFlag, StopReason, WorkerSettings};
use crate::queue::{self, Beat, Lease, QueueError};

/// How long a beat may take before its connection counts as dead.
const BEAT_TIMEOUT: Duration = Duration::from_secs(3);
/// How soon a failed beat is tried again.
const BEAT_RETRY: Duration = Duration::from_millis(500);

/// A beating heart; it stops with its value.
#[derive(Debug)]
pub(super) struct Heartbeat {
    over: CancellationToken,
    returned: CancellationToken,
    soon: Arc<Notify>,
}

impl Heartbeat {
    /// Starts to beat for a lease that was asked for at `asked_at`.
    pub(super) fn start(
        options: PgConnectOptions,
        lease: Lease,
        asked_at: Instant,
        stop: StopFlag,
        settings: &WorkerSettings,
    ) -> std::io::Result<Self> {
        let (over, returned) = (CancellationToken::new(), CancellationToken::new());
        let soon = Arc::new(Notify::new());
        let heart = Heart {
            options: options.application_name("segment-bot heartbeat"),
            lease,
            length: settings.limits.lease,
            stop_grace: settings.stop_grace,
            overrun: settings.overrun,
            stop,
            over: over.clone(),
            returned: returned.clone(),
            soon: Arc::clone(&soon),
        };
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let span = tracing::Span::current();
        thread::Builder::new().name("heartbeat".to_owned()).spawn(move || {
            let _entered = span.enter();
            runtime.block_on(heart.live(asked_at));
        })?;
        Ok(Self { over, returned, soon })
    }

    /// From now on there is nothing to stop; the lease is kept until the outcome is written.
    pub(super) fn performer_returned(&self) {
        self.returned.cancel();
    }

    /// What to notify for a beat at once, because something may have changed.
    pub(super) fn soon(&self) -> Arc<Notify> {
        Arc::clone(&self.soon)
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.over.cancel();
    }
}

struct Heart {
    options: PgConnectOptions,
    lease: Lease,
    length: Duration,
    stop_grace: Duration,
    overrun: Overrun,
    stop: StopFlag,
    over: CancellationToken,
    returned: CancellationToken,
    soon: Arc<Notify>,
}

impl Heart {
    /// The three run side by side: a beat that hangs holds up neither the fence nor the end.
    async fn live(self, asked_at: Instant) {
        let (renewed, renewals) = watch::channel(asked_at);
        let lost = async {
            tokio::select! {
                () = self.beat(&renewed) => {}
                () = self.fence(renewals) => {}
            }
            self.stop.set(StopReason::LeaseLost);
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = self.over.cancelled() => {}
            () = lost => {}
            () = self.enforce() => {}
        }
    }

    /// Beats until the lease is lost.
    async fn beat(&self, renewed: &watch::Sender<Instant>) {
        let (mut conn, mut failing) = (None, false);
        let mut wait = self.length / 6;
        loop {
            tokio::select! {
                () = sleep(wait) => {}
                () = self.soon.notified() => {}
            }
            let sent_at = Instant::now();
            match timeout(BEAT_TIMEOUT.min(self.length / 3), self.beat_once(&mut conn)).await {
                Ok(Ok(Beat::Lost)) => {
                    tracing::warn!("the lease is lost");
                    return;
                }
                Ok(Ok(beat)) => {
                    renewed.send_replace(sent_at);
                    (wait, failing) = (self.length / 6, false);
                    if beat == Beat::CancelAsked {
                        self.stop.set(StopReason::CancelAsked);
                    }
                }
                failed => {
                    if !failing {
                        let answer = match failed {
                            Ok(Err(error)) => error.to_string(),
                            _ => "none in time".to_owned(),
                        };
                        tracing::warn!(answer, "a heartbeat failed; trying again until the lease is nearly over");
                    }
                    conn = None;
                    (wait, failing) = (BEAT_RETRY.min(self.length / 12), true);
                }
            }
        }
    }

    async fn beat_once(&self, conn: &mut Option<PgConnection>) -> Result<Beat, QueueError> {
        let conn = match conn {
            Some(conn) => conn,
            None => conn.insert(PgConnection::connect_with(&self.options).await?),
        };
        queue::beat(conn, &self.lease, self.length).await
    }

    /// Returns when the last good beat is so old that the lease may soon be somebody else's.
    async fn fence(&self, mut renewals: watch::Receiver<Instant>) {
        loop {
            let good_until = *renewals.borrow_and_update() + self.length - self.length / 6;
            tokio::select! {
                () = sleep_until(good_until) => break,
                changed = renewals.changed() => if changed.is_err() { return },
            }
        }
        tracing::warn!("no heartbeat was answered for too long; giving the job up");
    }

    /// Gives a job that was told to stop its time, then ends the process if that is how this kind is stopped.
    async fn enforce(&self) {
        let overrun = async {
            self.stop.stopped().await;
            sleep(self.stop_grace).await;
        };
        tokio::select! {
            () = self.returned.cancelled() => return std::future::pending().await,
            () = overrun => {}
        }
        if self.overrun == Overrun::Drop {
            return std::future::pending().await;
        }
        tracing::error!(reason = ?self.stop.reason(), "the job did not stop; aborting the process");
        if self.stop.reason() != Some(StopReason::LeaseLost) {
            let settle = async {
                let mut conn = PgConnection::connect_with(&self.options).await?;
                queue::settle_on(&mut conn, &self.lease, self.stop.outcome()).await
            };
            let _ = timeout(BEAT_TIMEOUT, settle).await;
        }
        std::process::abort();
    }
}
