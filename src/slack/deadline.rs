//! The time that a click has: after three seconds Slack shows an error, whatever was done. One deadline is made at the door and
//! handed down, so that the limits of single steps cannot add up to more.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::queue::QueueError;

/// Of Slack's three seconds, the rest is for the way there and back.
const CLICK: Duration = Duration::from_millis(2_500);
/// Kept for storing, whatever is looked up before.
const FOR_STORING: Duration = Duration::from_secs(1);
/// One question to the database.
const DATABASE_WAIT: Duration = Duration::from_millis(1_200);

/// Until when a click must be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deadline(Instant);

/// Why something is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Late {
    /// It took longer than it may take.
    Slow,
    /// The click has no more time for it.
    Spent,
}

impl Deadline {
    /// Of a click that arrives now.
    pub(crate) fn of_click() -> Self {
        Self(Instant::now() + CLICK)
    }

    /// Does what is not needed for storing, for as long as `most`, and leaves what storing needs.
    pub(crate) async fn courtesy<T>(self, most: Duration, work: impl Future<Output = T>) -> Result<T, Late> {
        within(self.0 - FOR_STORING, most, work).await
    }

    /// Does what the answer needs, for as long as `most`.
    pub(crate) async fn within<T>(self, most: Duration, work: impl Future<Output = T>) -> Result<T, Late> {
        within(self.0, most, work).await
    }

    /// What the queue says; what it does not say in time is logged.
    pub(crate) async fn database<T>(self, asked: impl Future<Output = Result<T, QueueError>>) -> Result<T, Away> {
        match self.within(DATABASE_WAIT, Box::pin(asked)).await {
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
}

async fn within<T>(until: Instant, most: Duration, work: impl Future<Output = T>) -> Result<T, Late> {
    let now = Instant::now();
    if until <= now {
        return Err(Late::Spent);
    }
    let (limit, late) = if now + most < until { (now + most, Late::Slow) } else { (until, Late::Spent) };
    timeout_at(limit, work).await.map_err(|_| late)
}

/// Why the database did not do what a person asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Away {
    /// It is away, or busy: worth trying again.
    Passing,
    /// It refuses, and does so until an operator has mended it.
    Lasting,
}

impl Away {
    fn of(error: &QueueError) -> Self {
        if error.is_transient() { Self::Passing } else { Self::Lasting }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn limits_of_single_steps_cannot_add_up_to_more_than_a_click_has() {
        let (start, deadline) = (Instant::now(), Deadline::of_click());
        let second = Duration::from_secs(1);
        assert_eq!(deadline.courtesy(second, pending::<()>()).await, Err(Late::Slow));
        assert_eq!(deadline.courtesy(second, pending::<()>()).await, Err(Late::Spent));
        assert!(start.elapsed() + FOR_STORING >= CLICK);
        assert_eq!(deadline.courtesy(second, async { 1 }).await, Err(Late::Spent), "not even begun");
        assert_eq!(deadline.within(second, async { 1 }).await, Ok(1));
        assert_eq!(deadline.database(pending::<Result<(), QueueError>>()).await, Err(Away::Passing));
        assert!((CLICK..Duration::from_secs(3)).contains(&start.elapsed()), "{:?}", start.elapsed());
    }
}
