//! What became of the people whom a model ranked before anybody knew: a model of one horizon ago on the people of that day,
//! or, where the log is too short for one, the model itself on people whom it did not learn from.

use bytes::Bytes;
use chrono::NaiveDate;
use gbdt::sigmoid;
use polars::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    audience,
    catalog::{Catalog, ExcludeConverted, ProductId},
    contracts::columns,
    segment::{Conditions, Size},
};

use super::{
    ModelError,
    evaluation::{Interval, auc, auc_interval, real, share_interval},
};

/// Calibrated log-odds, and whether the person converted within the horizon.
pub(super) const LOG_ODDS: &str = "log_odds";
pub(super) const LABEL: &str = "label";

/// Shares of the eligible, in percent, at which what was promised is compared with what came.
const PERCENTS: [u8; 4] = [1, 5, 20, 100];
/// Exclusions that are compared.
const EXCLUDED: [ExcludeConverted; 5] = ExcludeConverted::CHOICES;
/// A number of conversions is told only of so many people at least.
const PEOPLE_MIN: usize = 20;

/// Where the rows of a replay come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayOf {
    /// The day on which people were ranked.
    pub day: NaiveDate,
    /// Whether a model ranked them that had seen nothing after that day.
    pub is_past: bool,
    /// One person in so many is in it.
    pub one_in: u64,
}

/// People as they were ranked: what conditions ask about, their score, and what they did.
#[derive(Debug, Clone)]
pub struct Replay {
    pub of: ReplayOf,
    /// The snapshot's columns that decide who is eligible, [`LOG_ODDS`] and [`LABEL`].
    rows: DataFrame,
}

/// What a replay says of one request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Asked {
    /// Area under the ROC curve among those who met the request, with its 95 % interval; `None` where too few converted or not.
    pub auc: Option<(f64, f64, f64)>,
    /// Conversions of all who met the request.
    pub converted: u64,
    /// As many as would have been picked.
    pub picked: u64,
    /// Of these, who converted.
    pub came: u64,
    /// Conversions to be had among as many picked at random.
    pub random: f64,
    /// 95 % interval of `came / random`; `None` where nobody converted.
    pub lift: Option<(f64, f64)>,
}

/// What was promised for one kind of request, and what came.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    pub excluded: ExcludeConverted,
    /// Share of the eligible that was picked.
    pub percent: u8,
    /// Sum of the probabilities of those picked.
    pub promised: f64,
    /// Sum of p·(1 − p).
    pub variance: f64,
    /// Of these, who converted.
    pub came: u64,
}

impl Replay {
    /// Of rows with the columns that conditions ask about, [`LOG_ODDS`] and [`LABEL`].
    pub(super) fn new(of: ReplayOf, rows: DataFrame) -> Self {
        Self { of, rows }
    }

    pub(super) fn to_bytes(&self) -> Result<Bytes, ModelError> {
        let mut bytes = Vec::new();
        ParquetWriter::new(&mut bytes).finish(&mut self.rows.clone())?;
        Ok(bytes.into())
    }

    pub(super) fn from_bytes(of: ReplayOf, bytes: Bytes) -> Result<Self, ModelError> {
        Ok(Self { of, rows: ParquetReader::new(std::io::Cursor::new(bytes)).finish()? })
    }

    /// Columns of a snapshot that a replay keeps.
    pub(super) fn columns(catalog: &Catalog, product: &ProductId) -> Vec<String> {
        let asked = catalog.conditions().map(|attribute| attribute.id.as_str());
        let fixed = [columns::AGE, columns::GENDER, columns::REGION, columns::OPTED_OUT];
        let converted = columns::converted_on(product);
        fixed.into_iter().chain(asked).chain([converted.as_str()]).map(str::to_owned).collect()
    }

    /// Calibrated log-odds of all rows and whether each converted.
    pub(super) fn scored(&self) -> Result<(Vec<f64>, Vec<bool>), ModelError> {
        let log_odds = self.rows.column(LOG_ODDS)?.f64()?.iter().map(Option::unwrap_or_default).collect();
        let labels = self.rows.column(LABEL)?.bool()?.iter().map(|label| label == Some(true)).collect();
        Ok((log_odds, labels))
    }

    /// Those who met the conditions then: log-odds and whether each converted, the highest first.
    fn meeting(&self, catalog: &Catalog, conditions: &Conditions) -> Result<Vec<(f64, bool)>, ModelError> {
        let meets = audience::eligible(&self.rows, catalog, conditions, self.of.day)?;
        let (log_odds, labels) = self.scored()?;
        let people = log_odds.into_iter().zip(labels).zip(meets);
        let mut met: Vec<(f64, bool)> = people.filter(|(_, meets)| *meets).map(|(person, _)| person).collect();
        met.sort_by(|a, b| b.0.total_cmp(&a.0));
        Ok(met)
    }

    /// Ranks those who met the conditions then, and counts what the first `share` of them did.
    pub fn ask(&self, catalog: &Catalog, conditions: &Conditions, share: f64) -> Result<Option<Asked>, ModelError> {
        let met = self.meeting(catalog, conditions)?;
        if met.len() < PEOPLE_MIN {
            return Ok(None);
        }
        let (log_odds, labels): (Vec<f64>, Vec<bool>) = met.iter().copied().unzip();
        let interval = auc(&log_odds, &labels).zip(auc_interval(&log_odds, &labels));
        let picked = first(met.len(), share);
        let came = met[..picked].iter().filter(|(_, converted)| *converted).count();
        let all = labels.iter().filter(|converted| **converted).count();
        Ok(Some(Asked {
            auc: interval.map(|(auc, interval)| (auc, interval.low, interval.high)),
            converted: all as u64 * self.of.one_in,
            picked: picked as u64 * self.of.one_in,
            came: came as u64 * self.of.one_in,
            random: real(all) / real(met.len()) * real(picked) * real_of(self.of.one_in),
            lift: share_interval(came, all).map(|Interval { low, high }| {
                let at_random = real(picked) / real(met.len());
                (low / at_random, high / at_random)
            }),
        }))
    }

    /// What was promised and what came, for every kind of request.
    pub(super) fn kept(&self, catalog: &Catalog, product: &ProductId) -> Result<Vec<Kept>, ModelError> {
        let mut kept = Vec::new();
        for excluded in EXCLUDED {
            let conditions = Conditions::of_everyone(product.clone(), Size::Percent(100), excluded);
            let met = self.meeting(catalog, &conditions)?;
            for percent in PERCENTS {
                let picked = &met[..first(met.len(), f64::from(percent) / 100.0)];
                let probabilities = || picked.iter().map(|(log_odds, _)| sigmoid(*log_odds));
                kept.push(Kept {
                    excluded,
                    percent,
                    promised: probabilities().sum(),
                    variance: probabilities().map(|p| p * (1.0 - p)).sum(),
                    came: picked.iter().filter(|(_, converted)| *converted).count() as u64,
                });
            }
        }
        Ok(kept)
    }
}

/// How many of so many a share is, one at least.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count")]
fn first(people: usize, share: f64) -> usize {
    ((real(people) * share).round() as usize).clamp(1.min(people), people)
}

#[expect(clippy::cast_precision_loss, reason = "a small whole number")]
fn real_of(count: u64) -> f64 {
    count as f64
}
