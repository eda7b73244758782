//! The declared measures, one function each: what is counted for it, and the value that is made of the counts.
//!
//! Integers throughout; a mean and a share are one division at the end.

use polars::prelude::*;

use super::{
    partials::{Columns, measured_column},
    selection::Selection,
    tally::{Count, Counted, NEVER, Ref, Tallies},
};
use crate::catalog::{FeatureDecl, Measure};

/// How a column's values follow from counts.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value {
    /// Int32.
    Count(Ref),
    /// Int64.
    Sum(Ref),
    /// Float64; null when the divisor is 0.
    Quotient { dividend: Ref, divisor: Ref },
    /// Int64; null without values.
    Extreme { extreme: Ref, values: Ref },
    /// Int32; null without a day.
    DaysSince(Ref),
    /// Date; null without a day.
    Day(Ref),
}

/// What a measure is taken over.
pub(super) struct Over<'o> {
    pub(super) tallies: &'o mut Tallies,
    pub(super) columns: &'o Columns,
    pub(super) selection: Selection,
    pub(super) window_days: Option<u16>,
}

/// The declared measure.
pub(super) fn measure(decl: &FeatureDecl, mut over: Over) -> Value {
    let of = decl.of.as_deref().unwrap_or_default();
    match decl.measure {
        Measure::Count => count(&mut over),
        Measure::Sum => sum(&mut over, of),
        Measure::Mean => mean(&mut over, of),
        Measure::Min => min(&mut over, of),
        Measure::Max => max(&mut over, of),
        Measure::Distinct => distinct(&mut over, of),
        Measure::DaysSinceLast => days_since_last(&mut over),
        Measure::DaysSinceFirst => days_since_first(&mut over),
        Measure::ActiveDays => active_days(&mut over),
        Measure::Share => share(&mut over),
    }
}

/// Events; 0 for none. Int32.
fn count(over: &mut Over) -> Value {
    Value::Count(over.counts(Count::Events))
}

/// The sum of a column in integer minor units; 0 for none. Int64.
fn sum(over: &mut Over, of: &str) -> Value {
    let column = over.measured(of);
    Value::Sum(over.counts(Count::Sum(column)))
}

/// The sum divided once by the number of values that are there; null for none. Float64.
fn mean(over: &mut Over, of: &str) -> Value {
    let column = over.measured(of);
    Value::Quotient { dividend: over.counts(Count::Sum(column)), divisor: over.counts(Count::Values(column)) }
}

/// The smallest value; null for none. Int64.
fn min(over: &mut Over, of: &str) -> Value {
    let column = over.measured(of);
    Value::Extreme { extreme: over.counts(Count::Min(column)), values: over.counts(Count::Values(column)) }
}

/// The largest value; null for none. Int64.
fn max(over: &mut Over, of: &str) -> Value {
    let column = over.measured(of);
    Value::Extreme { extreme: over.counts(Count::Max(column)), values: over.counts(Count::Values(column)) }
}

/// Different values; 0 for none. Int32.
fn distinct(over: &mut Over, of: &str) -> Value {
    let count = if of == "category" { Count::Categories } else { Count::Different(over.listed(of)) };
    Value::Count(over.counts(count))
}

/// Days from the last event to the snapshot's day, 0 = that day; null for none. Int32.
fn days_since_last(over: &mut Over) -> Value {
    Value::DaysSince(over.counts(Count::LastDay))
}

/// Days from the first event to the snapshot's day, 0 = that day; null for none. Int32.
fn days_since_first(over: &mut Over) -> Value {
    Value::DaysSince(over.counts(Count::FirstDay))
}

/// Days with at least one event; 0 for none. Int32.
fn active_days(over: &mut Over) -> Value {
    Value::Count(over.counts(Count::Days))
}

/// This selection's events over all events of the table in the window; null when there are none. Float64.
fn share(over: &mut Over) -> Value {
    let all = over.tallies.add(Count::Events, &Selection::default(), over.window_days);
    Value::Quotient { dividend: over.counts(Count::Events), divisor: all }
}

/// The day of the last event; null for none. Date.
pub(super) fn last_day(mut over: Over) -> Value {
    Value::Day(over.counts(Count::LastDay))
}

impl Over<'_> {
    fn counts(&mut self, count: Count) -> Ref {
        self.tallies.add(count, &self.selection, self.window_days)
    }

    fn measured(&self, of: &str) -> usize {
        position(&self.columns.measured, of)
    }

    fn listed(&self, of: &str) -> usize {
        position(&self.columns.listed, of)
    }
}

fn position(columns: &[String], of: &str) -> usize {
    let name = measured_column(of);
    columns.iter().position(|column| *column == name).expect("what a feature measures is kept")
}

impl Value {
    /// Bytes that a person's value takes in memory.
    pub(super) fn bytes(self) -> u64 {
        match self {
            Self::Count(_) | Self::DaysSince(_) | Self::Day(_) => 4,
            Self::Sum(_) | Self::Quotient { .. } | Self::Extreme { .. } => 8,
        }
    }

    /// The column `name` for everybody who was counted, on the snapshot's day (days since 1970-01-01).
    pub(super) fn column(self, name: &str, counted: &Counted, as_of: i32) -> Column {
        let day = |day: i64| (day != NEVER).then(|| small(day));
        let name: PlSmallStr = name.into();
        match self {
            Self::Count(count) => Column::new(name, counted.window(count).into_iter().map(small).collect::<Vec<_>>()),
            Self::Sum(sum) => Column::new(name, counted.window(sum)),
            Self::Quotient { dividend, divisor } => {
                let pairs = counted.window(dividend).into_iter().zip(counted.window(divisor));
                Column::new(name, pairs.map(|(dividend, divisor)| quotient(dividend, divisor)).collect::<Vec<_>>())
            }
            Self::Extreme { extreme, values } => {
                let pairs = counted.window(extreme).into_iter().zip(counted.window(values));
                let there = |(extreme, values)| (values > 0).then_some(extreme);
                Column::new(name, pairs.map(there).collect::<Vec<_>>())
            }
            Self::DaysSince(of) => {
                let since = |one| day(one).map(|one| as_of - one);
                Column::new(name, counted.window(of).into_iter().map(since).collect::<Vec<_>>())
            }
            Self::Day(of) => {
                let days = counted.window(of).into_iter().map(day);
                Int32Chunked::from_iter_options(name, days).into_date().into_column()
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "counts of one person's events and days of the calendar")]
fn small(number: i64) -> i32 {
    number as i32
}

#[expect(clippy::cast_precision_loss, reason = "the one division, as polars' cast does it")]
fn quotient(dividend: i64, divisor: i64) -> Option<f64> {
    (divisor > 0).then(|| dividend as f64 / divisor as f64)
}
