//! Declared features become snapshots.
