//! What came of a request, in numbers and small structures that any language can be made of.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{FileEntry, Grade};
use crate::catalog::Names;

/// Everything that a result message shows. Stored with the request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    pub as_of: NaiveDate,
    pub model_id: String,
    /// Whether a stored model served, so that nothing was trained.
    pub model_reused: bool,
    /// SHA-256 of the suppression list that was in force; `None` without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppression: Option<String>,
    pub waterfall: Waterfall,
    pub quality: Quality,
    /// At most three, the largest share of the segment first.
    pub rules: Vec<Rule>,
    /// Share of people for whom the rules and the segment agree, balanced over both sides; 0.5 is chance.
    pub rules_fidelity: f64,
    /// The strongest first, at most five.
    pub factors: Vec<Factor>,
    pub breakdown: Breakdown,
    /// Ids in the files that stand behind an apostrophe, so that no spreadsheet runs them.
    #[serde(default)]
    pub guarded_ids: u64,
    /// In the order of delivery; the manifest last.
    pub files: Vec<FileEntry>,
    /// Stage and milliseconds, in order.
    pub stages_ms: Vec<(String, u64)>,
}

/// How many people each step left, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Waterfall {
    /// Everyone in the snapshot.
    pub people: u64,
    /// Of these, who meets gender, age, region and attributes.
    pub matching: u64,
    /// Of the matching: left out because they opted out.
    pub opted_out: u64,
    /// Of the rest: left out because they are on the operator's suppression list.
    #[serde(default)]
    pub suppressed: u64,
    /// Of the rest: left out because they converted before.
    pub converted: u64,
    /// Of the rest: left out because they are in an earlier segment that the request names.
    #[serde(default)]
    pub in_earlier: u64,
    /// Who could be picked: matching less all of these.
    pub eligible: u64,
    /// Of those who were picked: kept out of delivery to measure the effect.
    #[serde(default)]
    pub control: u64,
    /// Who was picked and is delivered.
    pub delivered: u64,
}

/// How good the ranking is, judged on people whom the model did not learn from, and what to expect of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// Area under the ROC curve among those who met the request's conditions; among all who judge the model, where too few of
    /// them converted.
    pub auc: f64,
    /// 95 % interval.
    pub auc_low: f64,
    pub auc_high: f64,
    /// `None` where everyone eligible is in, and for results of earlier versions.
    #[serde(default)]
    pub grade: Option<Grade>,
    /// The same request one horizon ago; `None` where the log does not reach back so far.
    #[serde(default)]
    pub replay: Option<Replayed>,
    /// Conversions among the people learned from.
    pub positives: u64,
    /// Conversions, one horizon ago, among those who met the request's conditions and exclusions; `None` where the log does not
    /// reach back so far.
    #[serde(default)]
    pub positives_meeting: Option<u64>,
    /// Share of converters in the holdout.
    pub base_rate: f64,
    /// Conversions to expect among the delivered.
    pub expected: f64,
    /// Its 90 % interval.
    #[serde(default)]
    pub expected_low: u64,
    #[serde(default)]
    pub expected_high: u64,
    /// Conversions to expect among as many eligible people picked at random.
    pub expected_random: f64,
    /// `expected / expected_random`; 1.0 when everyone eligible is delivered.
    pub lift: f64,
    /// Where the product's promises missed more often than chance explains.
    #[serde(default)]
    pub missed: Option<Missed>,
    /// People whom the model did not learn from: they had no event up to the day it learned at, so they may have joined later.
    #[serde(default)]
    pub without_events: u64,
}

/// Replays of one product whose conversions lay outside the interval that would have been printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missed {
    pub missed: u8,
    /// Replays that were judged.
    pub of: u8,
}

/// What would have come of a request, had it been made one horizon ago.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Replayed {
    /// The day that it would have been made for.
    pub day: NaiveDate,
    /// The same share of those who met the conditions then.
    pub picked: u64,
    /// Of these, who converted within the horizon.
    pub came: u64,
    /// Conversions among as many picked at random.
    pub random: f64,
    /// 95 % interval of how many times more came than at random; `None` where nobody converted, and for results of earlier
    /// versions.
    #[serde(default)]
    pub lift: Option<(f64, f64)>,
}

/// A path of the shallow tree that ends in the segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    pub parts: Vec<RulePart>,
    /// Share of the segment that it covers, 0.0..=1.0.
    pub share_of_segment: f64,
    /// Share of those it covers that are in the segment.
    pub precision: f64,
}

/// One test on one feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RulePart {
    /// The feature in words.
    pub feature: Names,
    pub test: RuleTest,
}

/// What a rule asks of a value; missing values count as 0 where 0 means none.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleTest {
    AtMost(f64),
    Above(f64),
}

/// A feature that moves the score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Factor {
    pub feature: Names,
    pub direction: Direction,
    /// Share of the model's total gain, 0.0..=1.0.
    pub share: f64,
}

/// Which way a factor points for people in the segment against everyone eligible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Higher,
    Lower,
    Mixed,
}

/// The segment against everyone eligible, by profile; small cells are hidden.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Breakdown {
    pub age: Vec<Cell>,
    pub gender: Vec<Cell>,
    pub region: Vec<Cell>,
}

/// One group of people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    pub label: Names,
    /// `None` when fewer people than the catalog's hidden cell.
    pub segment: Option<u64>,
    pub eligible: Option<u64>,
}
