//! Everything running on one machine with nothing set up.

pub mod sample_lake;
