//! The booster and the CSV reader alone, so that fuzzing builds no more than it needs: `gbdt` and `csv` are links to the
//! project's own source.

pub mod csv;
pub mod gbdt;
