//! Names that several rooms must agree on: columns of snapshots, keys of stored objects, stages of a build. Changing one
//! changes files that exist, so each is written here alone.

pub mod columns;
pub mod keys;
mod stage;

pub use stage::Stage;
