//! Everything running on one machine with nothing set up.

pub mod postgres;
pub mod sample_lake;
