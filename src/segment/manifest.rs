//! The manifest that lies beside every segment: enough to build the same bytes again. Holds no wall-clock time.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Conditions, LeftOutList, Replayed, Waterfall};

/// The file of those whom a request picked and keeps out of delivery.
pub const CONTROL_FILE: &str = "control.csv";

/// What a segment was made of and what came out; `segment verify` rebuilds from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this format.
    pub version: u32,
    /// The request's id, the last part of its folder below `segments/`.
    pub request: String,
    pub conditions: Conditions,
    /// Snapshot that was scored; its day is the segment's day.
    pub scored: SnapshotRef,
    /// Snapshot whose features the model learned from.
    pub trained_on: SnapshotRef,
    /// Files of people who were left out by name: earlier segments, then the suppression list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOutList>,
    pub catalog_sha256: String,
    pub model_id: String,
    /// SHA-256 of `model.json`.
    pub model_sha256: String,
    pub seed: u64,
    /// Version of segment-bot.
    pub code_version: String,
    pub waterfall: Waterfall,
    /// What was promised; segments of earlier versions do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promised: Option<Promised>,
    /// Every delivered file except this manifest, in the order of delivery.
    pub files: Vec<FileEntry>,
}

/// What a segment is expected to bring, and what that was learned from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Promised {
    /// Conversions among the delivered.
    pub expected: f64,
    /// 90 % interval.
    pub expected_low: u64,
    pub expected_high: u64,
    /// What the sum of the probabilities was multiplied by.
    pub factor: f64,
    /// Standard deviation between periods, as a share of what is expected.
    pub spread: f64,
    /// Replays of this and other products that both were learned from; keys of the store.
    pub replays: Vec<String>,
    /// The same request one horizon ago.
    pub replay: Option<Replayed>,
}

/// A snapshot and the hash of what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotRef {
    pub as_of: NaiveDate,
    /// Over its day, definitions, columns and parts, in lower-case hexadecimal.
    pub sha256: String,
}

/// One stored file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Name below the segment's folder.
    pub name: String,
    pub bytes: u64,
    /// Lower-case hexadecimal.
    pub sha256: String,
}
