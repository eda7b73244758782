//! Requests and jobs in Postgres: submit, claim, beat, settle, reap. The only module with SQL on these tables.
//!
//! A job may run twice; it never counts twice. `attempt` is the fence: it grows with every claim and stands in the `where` of every
//! write, so whoever lost the lease writes nothing. `failures` is the budget, and a crash counts. Leases are reckoned by the
//! database's clock alone. Locks are always taken job first, request second,
//! incident last.

mod claim;
mod connect;
mod error;
mod incident;
mod inspect;
mod job;
mod listen;
mod migrate;
mod pause;
mod place;
mod reap;
mod request;
mod retain;
mod settle;
mod share;
mod sql;
mod standing;
mod step;
mod submit;
mod suppression;
mod trouble;
mod usual;

pub use claim::{Backoff, ClaimLimits, claim};
pub use connect::connect;
pub use error::{Fenced, QueueError};
pub use incident::{
    Calm, Example, Incident, PROMISE_MISSED, mark_incident_shown, resolve_incidents, unshown_incidents,
};
pub use inspect::{
    FailedRequest, InFlight, JobTally, LiveJob, Tally, failed, history, in_flight, is_idle, live_jobs, open_incidents,
    tallies,
};
pub use job::{Beat, JobKind, Lease, beat, note, report};
pub use listen::{Listener, Wake};
pub use migrate::{MIGRATOR, migrate};
pub use pause::{pause, paused, resume};
pub use place::{Eta, QueuePosition, place};
pub use reap::{Reaped, reap};
pub use request::{
    DeliverTo, MessageRef, Request, RequestState, RootClaim, claim_root, doubt_root, mark_shown, release_root, request,
    request_by_id, requests_of, set_root, unshown,
};
pub use retain::forget;
pub use settle::{Outcome, Settled, settle, settle_on};
pub use share::{finished_same, submit_sharing};
pub use standing::{Standing, examine};
pub use submit::{CancelOutcome, NewRequest, Submitted, cancel, retry, submit};
pub use suppression::{RememberedList, remember_list, remembered_list};
pub use trouble::Trouble;
pub use usual::{build_seconds, products_asked, usual_duration};
