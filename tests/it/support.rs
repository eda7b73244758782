//! What several test files need.

pub(crate) mod command;
pub(crate) mod database;
pub(crate) mod fault_server;
pub(crate) mod proxy;
pub(crate) mod requests;
pub(crate) mod sample;
pub(crate) mod serving;
pub(crate) mod stage;
