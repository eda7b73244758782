//! The booster alone, so that fuzzing builds no more than it needs: `gbdt` is a link to the project's own source.

pub mod gbdt;
