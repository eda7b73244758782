//! What can go wrong between us and Postgres.

use uuid::Uuid;

/// A failure of the queue. Never the planner's fault, so never shown to one.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// `DATABASE_URL` is no address; it is not quoted because it may hold a password.
    #[error("DATABASE_URL is not an address such as postgres://user:password@host/database")]
    BadUrl,
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    #[error("migrating the database: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    #[error("there is no request {0}")]
    NoSuchRequest(Uuid),
}

impl QueueError {
    /// Whether the same call may succeed later with nothing else changed: the database was away, or busy.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Database(error) => is_transient(error),
            Self::BadUrl | Self::Migrate(_) | Self::NoSuchRequest(_) => false,
        }
    }
}

/// Class 08 is the connection, 40 a deadlock or serialisation, 53 resources, 57 an operator or a restart.
fn is_transient(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| ["08", "40", "53", "57"].contains(&code.get(..2).unwrap_or_default()))
        }
        _ => false,
    }
}

/// Why a fenced write was not made.
#[derive(Debug, thiserror::Error)]
pub enum Fenced {
    /// The lease is somebody else's by now; whoever hears this stops.
    #[error("the lease is lost")]
    Lost,
    #[error(transparent)]
    Database(#[from] QueueError),
}

impl From<sqlx::Error> for Fenced {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}
