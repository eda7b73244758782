//! A declared measure as polars expressions: integer partial results that add up in any order, then one value.
//!
//! Partial results are named after what they hold, so that columns which need the same one share it.

use std::collections::BTreeMap;

use polars::prelude::*;

use super::{
    plan::Staged,
    selection::{DAY, Moment, Selection, first_day_before},
};
use crate::{
    catalog::{FeatureDecl, Measure},
    lake::tables::extra_column,
};

/// What a column needs: partial results by their names, and the value made from them.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) by_person: BTreeMap<String, Expr>,
    pub(super) by_day: Staged,
    pub(super) by_value: BTreeMap<String, Staged>,
    pub(super) value: Expr,
}

impl Measured {
    fn by_person<const N: usize>(partials: [(String, Expr); N], value: Expr) -> Self {
        Self { by_person: partials.into(), by_day: Staged::default(), by_value: BTreeMap::new(), value }
    }
}

/// The declared measure over `selection`.
pub(super) fn measure(decl: &FeatureDecl, selection: &Selection, moment: Moment) -> Measured {
    let of = measured_column(decl).unwrap_or_default();
    match decl.measure {
        Measure::Count => count(selection, moment),
        Measure::Sum => sum(selection, &of, moment),
        Measure::Mean => mean(selection, &of, moment),
        Measure::Min => min(selection, &of, moment),
        Measure::Max => max(selection, &of, moment),
        Measure::Distinct => distinct(selection, &of, moment),
        Measure::DaysSinceLast => days_since_last(selection, moment),
        Measure::DaysSinceFirst => days_since_first(selection, moment),
        Measure::ActiveDays => active_days(selection, moment),
        Measure::Share => share(selection, moment),
    }
}

/// The canonical name of the column that a measure is taken over; `None` for measures that count events.
pub(super) fn measured_column(decl: &FeatureDecl) -> Option<String> {
    match decl.of.as_deref()? {
        own @ ("amount" | "category") => Some(own.to_owned()),
        extra => Some(extra_column(extra)),
    }
}

/// Events; 0 for none. Int32.
fn count(selection: &Selection, moment: Moment) -> Measured {
    let (name, rows) = rows(selection, moment);
    let value = or_zero(&name).cast(DataType::Int32);
    Measured::by_person([(name, rows)], value)
}

/// The sum of a column in integer minor units; 0 for none. Int64.
fn sum(selection: &Selection, of: &str, moment: Moment) -> Measured {
    let (name, total) = total(selection, of, moment);
    let value = or_zero(&name);
    Measured::by_person([(name, total)], value)
}

/// The sum divided once by the number of values that are there; null for none. Float64.
fn mean(selection: &Selection, of: &str, moment: Moment) -> Measured {
    let total = total(selection, of, moment);
    let there = selection.mask(moment).and(col(of).is_not_null()).sum();
    let there = (format!("there {of} {}", selection.name()), there.cast(DataType::Int64));
    let value = quotient(&total.0, &there.0);
    Measured::by_person([total, there], value)
}

/// The smallest value; null for none. Int64.
fn min(selection: &Selection, of: &str, moment: Moment) -> Measured {
    let name = format!("min {of} {}", selection.name());
    let value = col(&name);
    Measured::by_person([(name, masked(selection, col(of), moment).min())], value)
}

/// The largest value; null for none. Int64.
fn max(selection: &Selection, of: &str, moment: Moment) -> Measured {
    let name = format!("max {of} {}", selection.name());
    let value = col(&name);
    Measured::by_person([(name, masked(selection, col(of), moment).max())], value)
}

/// Days from the last event to the snapshot's day, 0 = that day; null for none. Int32.
fn days_since_last(selection: &Selection, moment: Moment) -> Measured {
    let (name, last) = last(selection, moment);
    let value = lit(moment.0) - col(&name);
    Measured::by_person([(name, last)], value)
}

/// Days from the first event to the snapshot's day, 0 = that day; null for none. Int32.
fn days_since_first(selection: &Selection, moment: Moment) -> Measured {
    let name = format!("first {}", selection.name());
    let value = lit(moment.0) - col(&name);
    Measured::by_person([(name, masked(selection, col(DAY), moment).min())], value)
}

/// This selection's events over all events of the table in the window; null when there are none. Float64.
fn share(selection: &Selection, moment: Moment) -> Measured {
    let (part, whole) = (rows(selection, moment), rows(&selection.everything(), moment));
    let value = quotient(&part.0, &whole.0);
    Measured::by_person([part, whole], value)
}

/// Days with at least one event; 0 for none. Int32. First by person and day, then the days in the window.
fn active_days(selection: &Selection, moment: Moment) -> Measured {
    let active = format!("active {}", selection.any_time().name());
    let days = format!("days {}", selection.name());
    let counted = col(&active).and(in_window(col(DAY), selection, moment)).sum();
    let value = or_zero(&days).cast(DataType::Int32);
    let by_day =
        Staged { first: [(active, selection.any_time().mask(moment).max())].into(), second: [(days, counted)].into() };
    Measured { by_person: BTreeMap::new(), by_day, by_value: BTreeMap::new(), value }
}

/// Different values; 0 for none. Int32. First the last day of each person's value, then the values seen in the window.
fn distinct(selection: &Selection, of: &str, moment: Moment) -> Measured {
    let seen = format!("seen {}", selection.any_time().name());
    let values = format!("values {of} {}", selection.name());
    let counted = col(&seen).is_not_null().and(in_window(col(&seen), selection, moment)).sum();
    let value = or_zero(&values).cast(DataType::Int32);
    let staged = Staged {
        first: [(seen, masked(&selection.any_time(), col(DAY), moment).max())].into(),
        second: [(values, counted)].into(),
    };
    let by_value = [(of.to_owned(), staged)].into();
    Measured { by_person: BTreeMap::new(), by_day: Staged::default(), by_value, value }
}

/// The day of the last event; null for none. Date.
pub(super) fn last_day(selection: &Selection, moment: Moment) -> Measured {
    let (name, last) = last(selection, moment);
    let value = col(&name).cast(DataType::Date);
    Measured::by_person([(name, last)], value)
}

fn rows(selection: &Selection, moment: Moment) -> (String, Expr) {
    (format!("rows {}", selection.name()), selection.mask(moment).sum().cast(DataType::Int64))
}

fn total(selection: &Selection, of: &str, moment: Moment) -> (String, Expr) {
    let counted = when(selection.mask(moment)).then(col(of)).otherwise(lit(0_i64));
    (format!("sum {of} {}", selection.name()), counted.sum())
}

fn last(selection: &Selection, moment: Moment) -> (String, Expr) {
    (format!("last {}", selection.name()), masked(selection, col(DAY), moment).max())
}

fn masked(selection: &Selection, value: Expr, moment: Moment) -> Expr {
    when(selection.mask(moment)).then(value).otherwise(lit(NULL))
}

fn in_window(day: Expr, selection: &Selection, moment: Moment) -> Expr {
    match selection.window_days {
        Some(days) => day.gt(lit(first_day_before(moment, days))),
        None => lit(true),
    }
}

/// People without events have no partial results.
fn or_zero(name: &str) -> Expr {
    col(name).fill_null(lit(0))
}

fn quotient(dividend: &str, divisor: &str) -> Expr {
    let (dividend, divisor) = (col(dividend), col(divisor));
    when(divisor.clone().gt(lit(0)))
        .then(dividend.cast(DataType::Float64) / divisor.cast(DataType::Float64))
        .otherwise(lit(NULL))
}
