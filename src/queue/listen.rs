//! Wake-ups over LISTEN/NOTIFY. A hint only: whoever listens also polls, so a lost one costs a second and never a job.

use std::{sync::Once, time::Duration};

use sqlx::{PgConnection, PgExecutor, PgPool, postgres::PgListener};
use tokio::{sync::mpsc, task::JoinHandle};
use uuid::Uuid;

use super::{JobKind, QueueError, sql, standing::is_pooled};

/// Payload: the kind that became ready.
const JOB: &str = "segment_bot_job";
/// Payload: the id of a request that people see differently now.
const REQUEST: &str = "segment_bot_request";
/// Payload: the id of a running request that shall stop.
const CANCEL: &str = "segment_bot_cancel";

/// How long a listener waits before it tries the database again.
const RECONNECT_WAIT: Duration = Duration::from_millis(500);
/// How often it looks whether the pooler is still there.
const POOLER_WAIT: Duration = Duration::from_mins(10);
/// Said once in each process.
static POOLED: Once = Once::new();

pub(super) async fn wake_job(conn: &mut PgConnection, kind: JobKind) -> Result<(), sqlx::Error> {
    notify(conn, JOB, kind.as_str()).await
}

pub(super) async fn wake_request(db: impl PgExecutor<'_>, id: Uuid) -> Result<(), sqlx::Error> {
    notify(db, REQUEST, &id.to_string()).await
}

pub(super) async fn wake_cancel(conn: &mut PgConnection, id: Uuid) -> Result<(), sqlx::Error> {
    notify(conn, CANCEL, &id.to_string()).await
}

async fn notify(db: impl PgExecutor<'_>, channel: &str, payload: &str) -> Result<(), sqlx::Error> {
    sql::query("select pg_notify($1, $2)").bind(channel).bind(payload).execute(db).await?;
    Ok(())
}

/// Why a listener woke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wake {
    /// A job of this kind may be ready.
    Job(String),
    /// This request changed.
    Request(Uuid),
    /// This request shall stop.
    Cancel(Uuid),
    /// Nothing came for a while, or the connection was lost in between: look at everything.
    Look,
}

/// Hears wake-ups, on one connection of the pool; reconnects by itself.
#[derive(Debug)]
pub struct Listener {
    wakes: mpsc::Receiver<Wake>,
    task: JoinHandle<()>,
}

impl Listener {
    /// Starts to listen. The first wake is [`Wake::Look`], once the connection is up.
    pub fn start(pool: &PgPool) -> Self {
        let (send, wakes) = mpsc::channel(256);
        Self { wakes, task: tokio::spawn(listen(pool.clone(), send)) }
    }

    /// The next wake-up, or [`Wake::Look`] after `poll` without one.
    pub async fn next(&mut self, poll: Duration) -> Wake {
        match tokio::time::timeout(poll, self.wakes.recv()).await {
            Ok(Some(wake)) => wake,
            Ok(None) => {
                // Only when the task died, which it does not; never spin.
                tokio::time::sleep(poll).await;
                Wake::Look
            }
            Err(_) => Wake::Look,
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(pool: PgPool, wakes: mpsc::Sender<Wake>) {
    loop {
        // Nothing would be heard, and what listens in a lent session stays there for whoever has it next.
        if is_pooled(&pool).await.unwrap_or(false) {
            POOLED.call_once(|| {
                tracing::info!(
                    "a pooler gives each transaction another session of the database, so nobody is woken; the queue is looked at every second"
                );
            });
            let _ = wakes.try_send(Wake::Look);
            tokio::time::sleep(POOLER_WAIT).await;
            continue;
        }
        if let Err(error) = listen_once(&pool, &wakes).await {
            let error = QueueError::from(error);
            tracing::warn!(%error, "the wake-up connection is lost; polling until it is back");
        }
        if pool.is_closed() || wakes.is_closed() {
            return;
        }
        tokio::time::sleep(RECONNECT_WAIT).await;
    }
}

/// A full channel drops wake-ups: the reader is busy and looks at everything anyway.
async fn listen_once(pool: &PgPool, wakes: &mpsc::Sender<Wake>) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen_all([JOB, REQUEST, CANCEL]).await?;
    let _ = wakes.try_send(Wake::Look);
    loop {
        let wake = match listener.try_recv().await? {
            Some(notification) => wake(notification.channel(), notification.payload()),
            None => Wake::Look,
        };
        let _ = wakes.try_send(wake);
    }
}

fn wake(channel: &str, payload: &str) -> Wake {
    match (channel, payload.parse()) {
        (JOB, _) => Wake::Job(payload.to_owned()),
        (REQUEST, Ok(id)) => Wake::Request(id),
        (CANCEL, Ok(id)) => Wake::Cancel(id),
        _ => Wake::Look,
    }
}
