//! How a snapshot's columns are distributed, and how far each moved since an earlier snapshot.

use std::{collections::BTreeMap, fs::File, path::PathBuf};

use polars::prelude::*;
use serde::Serialize;

use super::{ColumnRole, FeaturesError, Snapshot, SnapshotColumn};
use crate::lake::tables;

/// Bins of a number's population stability index, besides the one of missing values.
const PSI_BINS: usize = 10;
/// Stands for the share of an empty bin, whose logarithm would be infinite.
const PSI_SHARE_MIN: f64 = 0.0001;

/// One column of a snapshot over everybody.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Distribution {
    pub column: SnapshotColumn,
    pub people: u64,
    /// Without a value.
    pub missing: u64,
    pub values: Values,
    /// Population stability index against the earlier snapshot; `None` without one that has the column in the same kind.
    pub psi: Option<f64>,
}

/// The values that are there.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Values {
    /// `None` when nobody has a value.
    Numbers(Option<Numbers>),
    /// Each text with its people, the commonest first, equal ones in the order of the text.
    Texts(Vec<(String, u64)>),
}

/// Some numbers in short; quartiles are values that occur (nearest rank).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Numbers {
    pub mean: f64,
    pub min: f64,
    pub quarter: f64,
    pub median: f64,
    pub three_quarters: f64,
    pub max: f64,
}

/// Every column of `snapshot`, each compared with `earlier`. Holds one column in memory at a time.
pub async fn describe(snapshot: &Snapshot, earlier: Option<&Snapshot>) -> Result<Vec<Distribution>, FeaturesError> {
    let now = Columns::of(snapshot).await?;
    let earlier = match earlier {
        Some(earlier) => Some(Columns::of(earlier).await?),
        None => None,
    };
    tables::blocking(move || {
        let told = now.columns.iter().filter(|column| !matches!(column.role, ColumnRole::Id | ColumnRole::Conversion));
        told.map(|column| now.distribution(column, earlier.as_ref())).collect()
    })
    .await
}

/// A snapshot's columns, to be read one by one.
struct Columns {
    columns: Vec<SnapshotColumn>,
    parts: Vec<PathBuf>,
}

impl Columns {
    async fn of(snapshot: &Snapshot) -> Result<Self, FeaturesError> {
        Ok(Self { columns: snapshot.manifest().columns.clone(), parts: snapshot.local_parts().await? })
    }

    fn distribution(&self, column: &SnapshotColumn, earlier: Option<&Self>) -> Result<Distribution, FeaturesError> {
        let read = self.read(&column.name)?;
        let psi = match earlier.filter(|earlier| earlier.columns.iter().any(|other| other.name == column.name)) {
            Some(earlier) => psi(&read, &earlier.read(&column.name)?),
            None => None,
        };
        let (people, missing) = (read.people as u64, read.missing as u64);
        Ok(Distribution { column: column.clone(), people, missing, values: read.values(), psi })
    }

    fn read(&self, name: &str) -> Result<Read, FeaturesError> {
        let mut read = Read { people: 0, missing: 0, known: Known::Numbers(Vec::new()) };
        for path in &self.parts {
            let file = File::open(path).map_err(FeaturesError::scratch(path))?;
            let frame = ParquetReader::new(file).with_columns(Some(vec![name.to_owned()])).finish()?;
            read.add(frame.column(name)?)?;
        }
        if let Known::Numbers(numbers) = &mut read.known {
            numbers.sort_unstable_by(f64::total_cmp);
        }
        Ok(read)
    }
}

/// One column, read.
struct Read {
    people: usize,
    missing: usize,
    known: Known,
}

enum Known {
    /// Ascending.
    Numbers(Vec<f64>),
    Texts(BTreeMap<String, u64>),
}

impl Read {
    fn add(&mut self, column: &Column) -> Result<(), FeaturesError> {
        self.people += column.len();
        self.missing += column.null_count();
        if matches!(column.dtype(), DataType::String | DataType::Boolean) {
            let column = column.cast(&DataType::String)?;
            if !matches!(self.known, Known::Texts(_)) {
                self.known = Known::Texts(BTreeMap::new());
            }
            if let Known::Texts(texts) = &mut self.known {
                column.str()?.iter().flatten().for_each(|text| *texts.entry(text.to_owned()).or_default() += 1);
            }
        } else if let Known::Numbers(numbers) = &mut self.known {
            numbers.extend(column.cast(&DataType::Float64)?.f64()?.iter().flatten());
        }
        Ok(())
    }

    fn values(self) -> Values {
        match self.known {
            Known::Numbers(sorted) => Values::Numbers(in_short(&sorted)),
            Known::Texts(texts) => {
                let mut texts: Vec<(String, u64)> = texts.into_iter().collect();
                texts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
                Values::Texts(texts)
            }
        }
    }
}

fn in_short(sorted: &[f64]) -> Option<Numbers> {
    let (min, max) = (*sorted.first()?, *sorted.last()?);
    let at = |quarters: usize| sorted[rank(sorted.len(), quarters, 4)];
    Some(Numbers {
        mean: sorted.iter().sum::<f64>() / as_f64(sorted.len()),
        min,
        quarter: at(1),
        median: at(2),
        three_quarters: at(3),
        max,
    })
}

/// The index of the `part`-th of `parts` quantiles among `count` sorted values.
fn rank(count: usize, part: usize, parts: usize) -> usize {
    (count * part).div_ceil(parts).saturating_sub(1)
}

/// The population stability index Σ (now − then) · ln(now ÷ then) over the shares of bins: the deciles of the earlier
/// numbers, or each text, and one bin for missing values (N. Siddiqi, "Credit Risk Scorecards", 2006, chapter 10; shares
/// below 0.0001 count as that). Below 0.1 is usually called stable, above 0.25 a shift.
fn psi(now: &Read, then: &Read) -> Option<f64> {
    if now.people == 0 || then.people == 0 {
        return None;
    }
    let bins: Vec<(usize, usize)> = match (&now.known, &then.known) {
        (Known::Numbers(now), Known::Numbers(then)) => number_bins(now, then),
        (Known::Texts(now), Known::Texts(then)) => text_bins(now, then),
        _ => return None,
    };
    let share = |count: usize, people: usize| (as_f64(count) / as_f64(people)).max(PSI_SHARE_MIN);
    let terms = bins.into_iter().chain([(now.missing, then.missing)]).map(|(in_now, in_then)| {
        let (a, b) = (share(in_now, now.people), share(in_then, then.people));
        (a - b) * (a / b).ln()
    });
    Some(terms.sum())
}

/// How many of each fall into the deciles of `then`; equal deciles are one bin.
fn number_bins(now: &[f64], then: &[f64]) -> Vec<(usize, usize)> {
    let mut ends: Vec<f64> = Vec::new();
    if !then.is_empty() {
        ends.extend((1..PSI_BINS).map(|part| then[rank(then.len(), part, PSI_BINS)]));
        ends.dedup();
    }
    let up_to = |sorted: &[f64], end: f64| sorted.partition_point(|value| *value <= end);
    let (mut bins, mut before) = (Vec::new(), (0, 0));
    for end in ends.into_iter().chain([f64::INFINITY]) {
        let below = (up_to(now, end), up_to(then, end));
        bins.push((below.0 - before.0, below.1 - before.1));
        before = below;
    }
    bins
}

fn text_bins(now: &BTreeMap<String, u64>, then: &BTreeMap<String, u64>) -> Vec<(usize, usize)> {
    let count = |texts: &BTreeMap<String, u64>, text| {
        usize::try_from(texts.get(text).copied().unwrap_or(0)).expect("people fit the memory's addresses")
    };
    let only_then = then.keys().filter(|text| !now.contains_key(*text));
    now.keys().chain(only_then).map(|text| (count(now, text), count(then, text))).collect()
}

#[expect(clippy::cast_precision_loss, reason = "people are fewer than 2^53")]
fn as_f64(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(values: impl IntoIterator<Item = f64>, missing: usize) -> Read {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_unstable_by(f64::total_cmp);
        Read { people: sorted.len() + missing, missing, known: Known::Numbers(sorted) }
    }

    #[test]
    fn numbers_in_short_are_values_that_occur() {
        let short = in_short(&[1.0, 2.0, 3.0, 4.0, 10.0]);
        let by_hand = Numbers { mean: 4.0, min: 1.0, quarter: 2.0, median: 3.0, three_quarters: 4.0, max: 10.0 };
        assert_eq!(short, Some(by_hand));
        assert_eq!(in_short(&[]), None);
    }

    #[test]
    fn an_index_is_nothing_for_the_same_and_much_for_a_shift() {
        let hundred = || (0..100).map(f64::from);
        let same = psi(&numbers(hundred(), 5), &numbers(hundred(), 5)).unwrap();
        assert!(same.abs() < 1e-12, "{same}");
        let shifted = psi(&numbers(hundred().map(|value| value + 50.0), 5), &numbers(hundred(), 5)).unwrap();
        assert!(shifted > 0.25, "{shifted}");
        // By hand: two bins of 95 and 5 of 100 people become 80 and 20.
        let missing = psi(&numbers(vec![0.0; 80], 20), &numbers(vec![0.0; 95], 5)).unwrap();
        let by_hand = (0.80 - 0.95) * (0.80_f64 / 0.95).ln() + (0.20 - 0.05) * (0.20_f64 / 0.05).ln();
        assert!((missing - by_hand).abs() < 1e-12, "{missing} {by_hand}");
        assert_eq!(psi(&numbers([], 0), &numbers(hundred(), 0)), None);
    }

    #[test]
    fn texts_of_either_snapshot_are_bins() {
        let texts = |counts: &[(&str, u64)]| {
            let known: BTreeMap<String, u64> =
                counts.iter().map(|(text, count)| ((*text).to_owned(), *count)).collect();
            Read { people: 10, missing: 0, known: Known::Texts(known) }
        };
        let moved = psi(&texts(&[("f", 5), ("x", 5)]), &texts(&[("f", 5), ("m", 5)])).unwrap();
        let by_hand = 2.0 * (0.5 - PSI_SHARE_MIN) * (0.5 / PSI_SHARE_MIN).ln();
        assert!((moved - by_hand).abs() < 1e-9, "{moved} {by_hand}");
        assert_eq!(psi(&texts(&[]), &numbers([1.0], 0)), None);
    }
}
