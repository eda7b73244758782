//! Where objects lie in the store; ARCHITECTURE.md says what is in them.

use std::fmt::Display;

use chrono::NaiveDate;

/// What each person did on each day, by input files.
pub const PARTIALS: &str = "partials/";
/// Features of one day.
pub const SNAPSHOTS: &str = "snapshots/";
/// What models of one horizon ago promised, and what came.
pub const REPLAYS: &str = "replays/";
/// One folder a request.
pub const SEGMENTS: &str = "segments/";
/// Names the suppression list in force.
pub const SUPPRESSION_CURRENT: &str = "suppression/current.json";

/// A file of a model.
pub fn model_file(product: impl Display, id: &str, file: &str) -> String {
    format!("models/{product}/{id}/{file}")
}

/// What one model's past promised for a day, and what came.
pub fn replay(day: NaiveDate, product: &str, model: &str) -> String {
    format!("{REPLAYS}{day}/{product}/{model}.json")
}

/// A file of a segment; `folder` is the request's.
pub fn segment_file(folder: impl Display, file: &str) -> String {
    format!("{SEGMENTS}{folder}/{file}")
}

/// A suppression list, by its hash.
pub fn suppression_list(sha256: &str) -> String {
    format!("suppression/{sha256}.csv")
}
