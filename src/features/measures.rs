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
    /// Float64; null with fewer than two days.
    Gap(Span),
    /// Float64; null with fewer than two days.
    Overdue(Span),
    /// Int32; the larger window is twice as long.
    Change { inner: Ref, outer: Ref },
    /// Float64; null without a day.
    Rate(Span),
}

/// From when to when somebody was active, and on how many days.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    first: Ref,
    last: Ref,
    days: Ref,
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
        Measure::MeanGapDays => mean_gap_days(&mut over),
        Measure::Overdue => overdue(&mut over),
        Measure::Trend => trend(&mut over),
        Measure::WeekdayShare => weekday_share(&mut over),
        Measure::ActiveDaysShare => active_days_share(&mut over),
        Measure::Rate => rate(&mut over),
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

/// Mean of the days from one day with an event to the next; null with fewer than two. Float64.
fn mean_gap_days(over: &mut Over) -> Value {
    Value::Gap(over.span())
}

/// Days since the last event over the mean gap; null with fewer than two days. Float64.
fn overdue(over: &mut Over) -> Value {
    Value::Overdue(over.span())
}

/// Days with an event in the window, less those in the window before. Int32.
fn trend(over: &mut Over) -> Value {
    let inner = over.counts(Count::Days);
    let twice = over.window_days.map(|days| days.saturating_mul(2));
    Value::Change { inner, outer: over.tallies.add(Count::Days, &over.selection, twice) }
}

/// Days from Monday to Friday over all days with an event; null for none. Float64.
fn weekday_share(over: &mut Over) -> Value {
    Value::Quotient { dividend: over.counts(Count::Weekdays), divisor: over.counts(Count::Days) }
}

/// Days with this selection's events over days with any event of the table; null for none. Float64.
fn active_days_share(over: &mut Over) -> Value {
    let all = over.tallies.add(Count::Days, &Selection::default(), over.window_days);
    Value::Quotient { dividend: over.counts(Count::Days), divisor: all }
}

/// Days with an event a day since the first, shrunk; null for none. Float64.
fn rate(over: &mut Over) -> Value {
    Value::Rate(over.span())
}

/// The day of the last event; null for none. Date.
pub(super) fn last_day(mut over: Over) -> Value {
    Value::Day(over.counts(Count::LastDay))
}

impl Over<'_> {
    fn counts(&mut self, count: Count) -> Ref {
        self.tallies.add(count, &self.selection, self.window_days)
    }

    fn span(&mut self) -> Span {
        Span { first: self.counts(Count::FirstDay), last: self.counts(Count::LastDay), days: self.counts(Count::Days) }
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
            Self::Count(_) | Self::DaysSince(_) | Self::Day(_) | Self::Change { .. } => 4,
            Self::Sum(_)
            | Self::Quotient { .. }
            | Self::Extreme { .. }
            | Self::Gap(_)
            | Self::Overdue(_)
            | Self::Rate(_) => 8,
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
            Self::Gap(span) => {
                span.column(name, counted, |Active { first, last, days }| quotient(last - first, days - 1))
            }
            Self::Overdue(span) => span.column(name, counted, |Active { first, last, days }| {
                // Without rounding in between: (as_of - last) / ((last - first) / (days - 1)).
                quotient((i64::from(as_of) - last) * (days - 1), last - first)
            }),
            Self::Rate(span) => span.column(name, counted, |Active { first, days, .. }| {
                (days > 0).then(|| (real(days) + 0.3) / real(i64::from(as_of) - first + 60))
            }),
            Self::Change { inner, outer } => {
                let pairs = counted.window(inner).into_iter().zip(counted.window(outer));
                Column::new(name, pairs.map(|(inner, outer)| small(2 * inner - outer)).collect::<Vec<_>>())
            }
            Self::Day(of) => {
                let days = counted.window(of).into_iter().map(day);
                Int32Chunked::from_iter_options(name, days).into_date().into_column()
            }
        }
    }
}

/// One person's [`Span`].
struct Active {
    first: i64,
    last: i64,
    days: i64,
}

impl Span {
    fn column(self, name: PlSmallStr, counted: &Counted, value: impl Fn(Active) -> Option<f64>) -> Column {
        let (first, last, days) = (counted.window(self.first), counted.window(self.last), counted.window(self.days));
        let active = first.into_iter().zip(last).zip(days).map(|((first, last), days)| Active { first, last, days });
        let values = active.map(|active| if active.days > 0 { value(active) } else { None });
        Column::new(name, values.collect::<Vec<_>>())
    }
}

#[expect(clippy::cast_precision_loss, reason = "days of the calendar")]
fn real(days: i64) -> f64 {
    days as f64
}

#[expect(clippy::cast_possible_truncation, reason = "counts of one person's events and days of the calendar")]
fn small(number: i64) -> i32 {
    number as i32
}

#[expect(clippy::cast_precision_loss, reason = "the one division, as polars' cast does it")]
fn quotient(dividend: i64, divisor: i64) -> Option<f64> {
    (divisor > 0).then(|| dividend as f64 / divisor as f64)
}
