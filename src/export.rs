//! A segment's files.
