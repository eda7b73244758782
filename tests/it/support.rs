//! What several test files need.

pub(crate) mod database;
pub(crate) mod proxy;
pub(crate) mod requests;
