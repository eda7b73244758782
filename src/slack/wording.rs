//! What people read, made of Fluent texts and Block Kit. Asks nobody, and does not know why it is said.

pub(crate) mod blocks;
pub(crate) mod failures;
pub(crate) mod messages;
pub(crate) mod problems;
pub(crate) mod words;
