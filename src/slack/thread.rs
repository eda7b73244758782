//! What a request's thread shows: the root message, the files, the last word; and what operators see of failures.

pub(crate) mod announce;
mod clearance;
pub(crate) mod deliver;
pub(crate) mod incidents;
pub(crate) mod notify;
pub(crate) mod result;
