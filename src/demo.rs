//! Everything running on one machine with nothing set up.

pub mod http;
pub mod local_slack;
pub mod postgres;
pub mod sample_lake;
pub mod site;
pub mod tour;
