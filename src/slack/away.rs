//! When the database does not do what a person asked: whether waiting helps decides what they hear.

use std::time::Duration;

use super::{SlackApp, Who, blocks::escape};
use crate::queue::QueueError;

/// The database has this long; Slack wants its answer within three seconds in all.
const DATABASE_WAIT: Duration = Duration::from_millis(1_200);

/// Why nothing was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Away {
    /// It is away, or busy: worth trying again.
    Passing,
    /// It refuses, and does so until an operator has mended it.
    Lasting,
}

impl Away {
    fn of(error: &QueueError) -> Self {
        if error.is_transient() { Self::Passing } else { Self::Lasting }
    }

    /// What the person hears.
    pub(super) fn words(self, app: &SlackApp, who: &Who) -> String {
        let say = app.say(who.locale);
        match self {
            Self::Passing => say.text("database-away"),
            Self::Lasting => say.with("database-refuses", &[("owner", escape(&app.catalog().owner).into())]),
        }
    }
}

/// What the queue says, in the time that a click has; what it does not say is logged.
pub(super) async fn in_time<T>(asked: impl Future<Output = Result<T, QueueError>>) -> Result<T, Away> {
    match tokio::time::timeout(DATABASE_WAIT, asked).await {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) => {
            let away = Away::of(&error);
            let waiting_helps = away == Away::Passing;
            tracing::error!(%error, waiting_helps, "the database did not do what a person asked");
            Err(away)
        }
        Err(_) => {
            tracing::error!(waiting_helps = true, "the database took too long for what a person asked");
            Err(Away::Passing)
        }
    }
}
