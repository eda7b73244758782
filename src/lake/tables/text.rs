//! From the text of cells to canonical columns: what a file that knows no types holds.

use polars::prelude::*;

use super::{IdType, amounts, amounts::Amount, columns::Need, time};
use crate::lake::csv;

/// The values of one wanted column, as they come.
pub(super) enum Cells {
    Text(Vec<Option<String>>),
    Integer(Vec<Option<i64>>),
    Number(Vec<Option<f64>>),
    Day(super::columns::Zones, Vec<Option<i32>>),
    Flag(Vec<Option<bool>>),
    Amount(super::columns::Scale, Vec<Option<Amount>>),
}

/// A cell that is not what it must be.
pub(super) struct Misread;

impl Cells {
    pub(super) fn new(need: Need) -> Self {
        match need {
            Need::Id(IdType::Text) | Need::Code => Self::Text(Vec::new()),
            Need::Id(IdType::Integer) | Need::Integer => Self::Integer(Vec::new()),
            Need::Number => Self::Number(Vec::new()),
            Need::Day(zones) => Self::Day(zones, Vec::new()),
            Need::Flag => Self::Flag(Vec::new()),
            Need::Amount(scale) => Self::Amount(scale, Vec::new()),
        }
    }

    /// Adds a cell; one that is misread counts as missing.
    pub(super) fn push(&mut self, cell: Option<&str>) -> Result<(), Misread> {
        fn kept<T>(
            all: &mut Vec<Option<T>>,
            cell: Option<&str>,
            read: impl Fn(&str) -> Option<T>,
        ) -> Result<(), Misread> {
            let value = cell.and_then(read);
            let is_misread = cell.is_some() && value.is_none();
            all.push(value);
            if is_misread { Err(Misread) } else { Ok(()) }
        }
        match self {
            Self::Text(all) => kept(all, cell, |text| Some(text.to_owned())),
            Self::Integer(all) => kept(all, cell, csv::integer),
            Self::Number(all) => kept(all, cell, csv::decimal),
            Self::Day(zones, all) => {
                let zones = *zones;
                kept(all, cell, |text| time::parse_day(text, zones).map(time::epoch_days))
            }
            Self::Flag(all) => kept(all, cell, csv::flag),
            Self::Amount(scale, all) => {
                let scale = *scale;
                kept(all, cell, |text| amounts::of_text(text, scale))
            }
        }
    }

    /// The canonical columns called `name`; empties the cells.
    pub(super) fn finish(&mut self, name: &str) -> Vec<Column> {
        let name: PlSmallStr = name.into();
        match self {
            Self::Text(all) => vec![Column::new(name, std::mem::take(all))],
            Self::Integer(all) => vec![Column::new(name, std::mem::take(all))],
            Self::Number(all) => vec![Column::new(name, std::mem::take(all))],
            Self::Day(_, all) => {
                vec![Int32Chunked::from_iter_options(name, std::mem::take(all).into_iter()).into_date().into_column()]
            }
            Self::Flag(all) => vec![Column::new(name, std::mem::take(all))],
            Self::Amount(_, all) => {
                let all = std::mem::take(all);
                let units: Vec<Option<i64>> = all.iter().map(|amount| amount.and_then(Result::ok)).collect();
                let faults: UInt8Chunked = all.into_iter().map(|amount| amount.and_then(Result::err)).collect();
                let faults = faults.into_series().with_name(amounts::FAULT.into()).into_column();
                vec![Column::new(name, units), faults]
            }
        }
    }
}
