//! Claims a job, performs it, settles it. What performing means is passed in, so that this knows neither polars nor Slack.

mod attempt;
mod heartbeat;
mod run_loop;
mod stop;
mod supervise;

use std::time::Duration;

use sqlx::PgPool;

pub use run_loop::run;
pub use stop::{StopFlag, StopReason};
pub use supervise::{Children, follow_parent, supervise};

use crate::queue::{ClaimLimits, Lease, Request};

/// How one process works on one kind of job.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkerSettings {
    /// Told in the table and in logs; need not be unique, for the fence is not the name.
    pub name: String,
    /// Jobs at the same time in this process.
    pub slots: usize,
    pub limits: ClaimLimits,
    /// How long to wait for a wake-up before looking anyway, and how often lost jobs are taken back.
    pub poll: Duration,
    /// How long running jobs may go on after a shutdown was asked for, before they are told to stop.
    pub grace: Duration,
    /// How long a job that was told to stop may take to return.
    pub stop_grace: Duration,
    pub overrun: Overrun,
}

impl WorkerSettings {
    /// One slot, the usual waits; a job that does not stop is dropped.
    pub fn new(name: impl Into<String>, limits: ClaimLimits) -> Self {
        Self {
            name: name.into(),
            slots: 1,
            limits,
            poll: Duration::from_secs(1),
            grace: Duration::from_secs(25),
            stop_grace: Duration::from_secs(5),
            overrun: Overrun::Drop,
        }
    }
}

/// What happens to a job that was told to stop and does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overrun {
    /// Its future is dropped: right for jobs that only wait for the network.
    Drop,
    /// The process aborts: the only thing that stops polars. For processes that do nothing else.
    Abort,
}

/// What a performer gets.
#[derive(Debug, Clone)]
pub struct Job {
    pub lease: Lease,
    /// The request as it was when the job was taken.
    pub request: Request,
    pub pool: PgPool,
    /// Looked at between stages and partitions; whoever sees it set returns [`StopFlag::outcome`].
    pub stop: StopFlag,
}
