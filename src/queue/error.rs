//! What can go wrong between us and Postgres.

use uuid::Uuid;

use super::trouble::Trouble;

/// A failure of the queue. Never the planner's fault, so never shown to one.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// `DATABASE_URL` is no address; it is not quoted because it may hold a password.
    #[error("DATABASE_URL {0}")]
    BadUrl(&'static str),
    /// The database cannot be reached, refuses, or is not what it must be.
    #[error(transparent)]
    Database(#[from] Trouble),
    #[error("there is no request {0}")]
    NoSuchRequest(Uuid),
}

impl QueueError {
    /// Whether the same call may succeed later with nothing else changed: the database was away, or busy.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Database(trouble) => trouble.is_transient(),
            Self::BadUrl(_) | Self::NoSuchRequest(_) => false,
        }
    }
}

impl From<sqlx::Error> for QueueError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(Trouble::of(&error, None))
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
