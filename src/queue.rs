//! Requests and jobs in Postgres: submit, claim, beat, settle, reap. The only module with SQL on these tables.
//!
//! A job may run twice; it never counts twice. `attempt` is the fence: it grows with every claim and stands in the `where` of every
//! write, so whoever lost the lease writes nothing. `failures` is the budget, and a crash counts. Leases are reckoned by the
//! database's clock alone. Locks are always taken job first, request second,
//! incident last.

mod claim;
mod error;
mod incident;
mod inspect;
mod job;
mod listen;
mod pause;
mod place;
mod reap;
mod request;
mod retain;
mod settle;
mod share;
mod step;
mod submit;
mod usual;

use std::time::Duration;

use sqlx::{
    PgPool,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
};

pub use claim::{Backoff, ClaimLimits, claim};
pub use error::{Fenced, QueueError};
pub use incident::{Calm, Example, Incident, mark_incident_shown, resolve_incidents, unshown_incidents};
pub use inspect::{FailedRequest, InFlight, LiveJob, Tally, failed, history, in_flight, tallies};
pub use job::{Beat, JobKind, Lease, beat, note, report};
pub use listen::{Listener, Wake};
pub use pause::{pause, paused, resume};
pub use place::{Eta, Place, place};
pub use reap::{Reaped, reap};
pub use request::{
    DeliverTo, MessageRef, Request, RequestState, mark_shown, request, request_by_id, requests_of, set_root, unshown,
};
pub use retain::forget;
pub use settle::{Outcome, Settled, settle, settle_on};
pub use share::{finished_same, submit_sharing};
pub use submit::{CancelOutcome, NewRequest, Submitted, cancel, retry, submit};
pub use usual::usual_duration;

use crate::config::Secret;

/// The tables, as files in `migrations/`.
pub static MIGRATOR: Migrator = sqlx::migrate!();

/// How long anyone waits for a connection; a click must hear within Slack's three seconds that the database is down.
const ACQUIRE_WAIT: Duration = Duration::from_millis(2_500);

/// Opens a pool on a database that answers. Changes nothing there; see [`migrate`].
pub async fn connect(database_url: &Secret) -> Result<PgPool, QueueError> {
    let options: PgConnectOptions = database_url.expose().parse().map_err(|_| QueueError::BadUrl)?;
    let options = options.application_name("segment-bot");
    Ok(PgPoolOptions::new().max_connections(10).acquire_timeout(ACQUIRE_WAIT).connect_with(options).await?)
}

/// Brings the tables up to date. Several processes may do so at once.
pub async fn migrate(pool: &PgPool) -> Result<(), QueueError> {
    Ok(MIGRATOR.run(pool).await?)
}
