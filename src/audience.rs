//! Eligible people, ranked by score, cut to size.
//!
//! Reads a snapshot twice, a row group at a time: first the few columns that decide who is eligible, then the features of those who are.
//! What comes out depends on the snapshot, the conditions, the scores and the seed alone, never on threads or on the order of reading.
//! Never touches Slack or SQL.

mod breakdown;
mod control;
mod cube;
mod eligible;
mod explained;
mod ids;
mod left_out;
mod parts;
mod ranking;
mod scored;

use std::{
    fmt,
    path::{Path, PathBuf},
};

use chrono::NaiveDate;
use polars::prelude::PolarsError;

pub use cube::Cube;
pub use eligible::eligible;
pub use explained::{Contrast, Explained};
pub use left_out::LeftOut;

use crate::{
    catalog::Catalog,
    features::{BatchError, FeatureBatch},
    segment::{Breakdown, Conditions, Failure, Waterfall},
};

/// Hears how many of the eligible people are scored and how many there are; answers whether to go on.
pub type Progress<'a> = dyn Fn(u64, u64) -> bool + Sync + 'a;

/// Whom to look for, and where.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    /// The snapshot's Parquet files.
    pub parts: &'a [PathBuf],
    pub catalog: &'a Catalog,
    pub conditions: &'a Conditions,
    /// The snapshot's day.
    pub as_of: NaiveDate,
    /// People who are left out by name.
    pub left_out: &'a LeftOut,
    /// The model's features, in its order.
    pub features: &'a [String],
    /// Decides who is in [`Explained`], nothing else.
    pub seed: u64,
    /// Decides who is in the control group, nothing else.
    pub request: &'a str,
}

/// How people are scored; both functions are pure, and the second never falls where the first rises.
#[derive(Clone, Copy)]
pub struct Scoring<'a> {
    /// One finite number a person, higher for the likelier ones.
    pub raw: &'a (dyn Fn(&FeatureBatch) -> Vec<f64> + Sync),
    /// The probability of a conversion at a raw score.
    pub probability: &'a (dyn Fn(f64) -> f64 + Sync),
}

/// Eligible people of a snapshot, scored, ranked and cut to size.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    pub waterfall: Waterfall,
    /// Whom to deliver; raw score descending, then user id ascending.
    pub picked: Vec<Picked>,
    /// Picked as well, but kept out of delivery; in the same order.
    pub control: Vec<Picked>,
    /// Conversions to expect among the delivered: the sum of their probabilities.
    pub expected: f64,
    /// Variance of that number when people convert independently: the sum of p·(1 − p).
    pub expected_variance: f64,
    /// Mean probability of the eligible people.
    pub eligible_mean: f64,
    pub breakdown: Breakdown,
    pub explained: Explained,
}

/// One picked person.
#[derive(Debug, Clone, PartialEq)]
pub struct Picked {
    pub user_id: UserId,
    pub probability: f64,
    pub raw: f64,
    /// 1 for the best tenth of the eligible people, 10 for the last.
    pub decile: u8,
}

/// A person's id as the users table has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum UserId {
    Int(i64),
    /// Ordered by bytes.
    Text(String),
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(id) => id.fmt(f),
            Self::Text(id) => f.write_str(id),
        }
    }
}

/// Why nobody was selected.
#[derive(Debug, thiserror::Error)]
pub enum AudienceError {
    #[error(
        "nobody is left: {matching} people match, {opted_out} of them opted out, {converted} converted before and {listed} \
         are on a list of people to leave out"
    )]
    Empty { matching: u64, opted_out: u64, converted: u64, listed: u64 },
    #[error("{people} people are fewer than the {smallest} that the catalog lets out")]
    TooSmall { people: u64, smallest: u64 },
    #[error("cannot open {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{} is damaged: its rows cannot be decoded", path.display())]
    Undecodable { path: PathBuf },
    #[error("{} has no column `{column}`", path.display())]
    MissingColumn { path: PathBuf, column: String },
    #[error(transparent)]
    Batch(#[from] BatchError),
    #[error("the snapshot's rows do not fit one another")]
    Frame,
    #[error("the model gave {scores} finite scores for {people} people")]
    Scores { scores: usize, people: usize },
    #[error("stopped on request")]
    Stopped,
}

impl From<PolarsError> for AudienceError {
    fn from(error: PolarsError) -> Self {
        // The library's words are for those who mend this program.
        tracing::debug!(%error, "rows do not fit");
        Self::Frame
    }
}

impl AudienceError {
    /// For `map_err` on what polars says of the file `path`.
    fn undecodable(path: &Path) -> impl Fn(PolarsError) -> Self {
        move |error| {
            tracing::debug!(path = %path.display(), %error, "cannot be decoded");
            Self::Undecodable { path: path.to_owned() }
        }
    }

    /// What the person who asked is told; `None` when somebody stopped it and knows.
    pub fn failure(&self) -> Option<Failure> {
        match *self {
            Self::Empty { matching, opted_out, converted, listed } => {
                Some(Failure::EmptyAudience { matching, opted_out, converted, listed })
            }
            Self::TooSmall { people, smallest } => Some(Failure::TooSmall { people, smallest }),
            Self::Unreadable { .. } => Some(Failure::StorageUnreachable),
            Self::Undecodable { .. } | Self::MissingColumn { .. } | Self::Batch(BatchError::WrongType { .. }) => {
                Some(Failure::DataUnreadable)
            }
            Self::Frame | Self::Batch(BatchError::Frame) | Self::Scores { .. } => Some(Failure::Internal),
            Self::Stopped => None,
        }
    }
}

/// Finds the eligible people, scores them and picks the best.
pub fn select(query: &Query<'_>, scoring: &Scoring<'_>, progress: &Progress<'_>) -> Result<Selection, AudienceError> {
    let snapshot = parts::open(query.parts)?;
    let eligible = eligible::find(query, &snapshot, progress)?;
    let wanted = wanted(query, &eligible.waterfall)?;
    let scored = scored::score(query, scoring, &eligible, wanted, progress)?;
    let candidates = scored.ranking.into_best();
    let kept_out = control::draw(&candidates, query.conditions.control_percent, query.request);
    let control = kept_out.iter().filter(|kept_out| **kept_out).count() as u64;
    let delivered = || candidates.iter().zip(&kept_out).filter(|(_, kept_out)| !**kept_out).map(|(person, _)| person);
    Ok(Selection {
        waterfall: Waterfall { control, delivered: candidates.len() as u64 - control, ..eligible.waterfall },
        expected: delivered().map(|person| person.probability).sum(),
        expected_variance: delivered().map(|person| person.probability * (1.0 - person.probability)).sum(),
        eligible_mean: scored.probability_sum / as_f64(eligible.waterfall.eligible),
        breakdown: breakdown::compare(query.catalog, &eligible.groups, &eligible.counts, delivered()),
        explained: explained::compare((query.catalog, query.features), &candidates, scored.pool),
        picked: picked(&candidates, &kept_out, false, eligible.waterfall.eligible),
        control: picked(&candidates, &kept_out, true, eligible.waterfall.eligible),
    })
}

/// How many people to pick; fails when they are too few to let out.
fn wanted(query: &Query<'_>, waterfall: &Waterfall) -> Result<u64, AudienceError> {
    let Waterfall { matching, opted_out, suppressed, converted, in_earlier, eligible, .. } = *waterfall;
    if eligible == 0 {
        return Err(AudienceError::Empty { matching, opted_out, converted, listed: suppressed + in_earlier });
    }
    let limits = query.catalog.limits;
    let people = query.conditions.size.of(eligible).min(limits.largest_segment);
    let smallest = limits.smallest_segment;
    let control = control::of(usize::try_from(people).unwrap_or(usize::MAX), query.conditions.control_percent) as u64;
    let delivered = people - control;
    if delivered < smallest { Err(AudienceError::TooSmall { people: delivered, smallest }) } else { Ok(people) }
}

/// Those of the candidates who are kept out, or those who are not. The best are picked, so a rank among them is a rank
/// among the eligible.
fn picked(candidates: &[ranking::Candidate], kept_out: &[bool], control: bool, eligible: u64) -> Vec<Picked> {
    let ranked = (0_u64..).zip(candidates).zip(kept_out).filter(|(_, kept_out)| **kept_out == control);
    let one = |((rank, person), _): ((u64, &ranking::Candidate), _)| Picked {
        user_id: person.user_id.clone(),
        probability: person.probability,
        raw: person.raw,
        decile: u8::try_from(rank * 10 / eligible + 1).expect("a rank is below the number of the eligible"),
    };
    ranked.map(one).collect()
}

#[expect(clippy::cast_precision_loss, reason = "people are fewer than 2^53")]
fn as_f64(people: u64) -> f64 {
    people as f64
}
