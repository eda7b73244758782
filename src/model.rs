//! A snapshot becomes a judged model.

pub mod evaluation;
pub mod explanation;
pub mod gbdt;
