//! Checked tables.
