//! What a file of partial aggregates holds and where.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::lake::tables::AmountFaults;

/// Everything about a file but its rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Index {
    /// Input rows.
    pub(crate) rows: u64,
    pub(crate) null_user: u64,
    /// With a user, without a time.
    pub(crate) null_time: u64,
    /// Amounts that could not be used, by reason; their events count without one.
    pub(crate) amounts: AmountFaults,
    /// What rows refer to by number.
    pub(crate) cells: Vec<Cell>,
    pub(crate) sections: Vec<Section>,
    /// Length of the file.
    pub(crate) bytes: u64,
    /// XXH3 of the file's bytes, 128 bits in hexadecimal digits.
    pub(crate) rows_hash: String,
}

/// A kind of event in a category.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Cell {
    pub(crate) kind: Option<String>,
    pub(crate) category: Option<String>,
}

/// One day's rows, sorted by person. A day may have several sections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Section {
    /// Days since 1970-01-01.
    pub(crate) day: i32,
    /// Events by number of their cell; only cells that occur, ascending.
    pub(crate) events: Vec<(u32, u64)>,
    pub(crate) blocks: Vec<Block>,
    /// Where the last block ends.
    pub(crate) end: u64,
}

/// Some of a section's people, in a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Block {
    /// The person before, against whom the first is written.
    pub(crate) base: Id,
    /// Where the block begins in the file.
    pub(crate) from: u64,
    /// CRC-32 of its bytes.
    pub(crate) crc: u32,
}

/// A person's id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Id {
    Integer(i64),
    Text(String),
}

impl Index {
    /// Usable events up to the end of `day`.
    pub(crate) fn usable(&self, day: i32) -> u64 {
        let sections = self.sections.iter().filter(|section| section.day <= day);
        sections.flat_map(|section| &section.events).map(|(_, events)| events).sum()
    }

    /// The first day with a usable event up to `day`.
    pub(crate) fn first_day(&self, day: i32) -> Option<NaiveDate> {
        let days = self.sections.iter().map(|section| section.day).filter(|other| *other <= day);
        days.min().and_then(NaiveDate::from_epoch_days)
    }

    /// Events by day and cell.
    pub(crate) fn events(&self) -> impl Iterator<Item = (i32, &Cell, u64)> {
        let of = |cell: u32| &self.cells[cell as usize];
        self.sections
            .iter()
            .flat_map(move |section| section.events.iter().map(move |(cell, events)| (section.day, of(*cell), *events)))
    }
}
