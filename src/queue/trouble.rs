//! The words for what Postgres, a pooler before it or the way to it answers: what is wrong, and what mends it.
//!
//! The database's own sentence is quoted; what the client library says of itself is not.

mod refused;
mod unreached;

pub(super) use unreached::silent;

use sqlx::postgres::{PgConnectOptions, PgDatabaseError};

/// One thing that is wrong with the database, the way to it, or what we may do there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    what: String,
    remedy: Option<String>,
    transient: bool,
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.remedy {
            Some(remedy) => write!(f, "{}; {remedy}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

impl std::error::Error for Trouble {}

impl Trouble {
    /// Stays until somebody mends it.
    pub(super) fn lasting(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: Some(remedy.into()), transient: false }
    }

    /// May be gone the next time.
    pub(super) fn passing(what: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: None, transient: true }
    }

    fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// What led to it, in front.
    pub(super) fn while_doing(mut self, doing: &str) -> Self {
        self.what = format!("{doing}: {}", self.what);
        self
    }

    /// What an error means, `at` the address that was tried, where that is known.
    pub(super) fn of(error: &sqlx::Error, at: Option<&PgConnectOptions>) -> Self {
        match error {
            sqlx::Error::Database(answer) => match answer.try_downcast_ref::<PgDatabaseError>() {
                Some(answer) => refused::words(&refused::Answer::from(answer), at),
                None => Self::passing(format!("the database answers: {}", answer.message())),
            },
            sqlx::Error::Io(error) => unreached::network(error, at),
            sqlx::Error::Tls(error) => unreached::encryption(&error.to_string(), at),
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
                Self::passing("the database gave no connection in time: it does not answer, or all are in use")
            }
            sqlx::Error::Protocol(_) => {
                Self::passing(format!("{} does not speak as a Postgres does", unreached::place(at)))
                    .with_remedy("DATABASE_URL must name a Postgres or a pooler before one")
            }
            sqlx::Error::ColumnNotFound(column) | sqlx::Error::ColumnDecode { index: column, .. } => Self::lasting(
                format!("the database's tables are not as this program knows them (column `{column}`)"),
                "run the same version of segment-bot everywhere, and `segment-bot migrate`",
            ),
            sqlx::Error::RowNotFound => Self::lasting(
                "a row that must be in the database is not there",
                "restore the tables from a backup, or give segment-bot an empty database",
            ),
            _ => Self::lasting("the database's answer was not understood", "`segment-bot doctor` looks closer"),
        }
    }

    /// What is wrong, without what mends it.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// What mends it.
    pub fn remedy(&self) -> Option<&str> {
        self.remedy.as_deref()
    }

    /// Whether the same may work later with nothing else changed.
    pub fn is_transient(&self) -> bool {
        self.transient
    }
}

/// How a schema of its own is had.
pub(super) const OWN_SCHEMA: &str = "give segment-bot a schema of its own: `create schema segment_bot`, and `?options=-csearch_path%3Dsegment_bot` at the end of DATABASE_URL";
