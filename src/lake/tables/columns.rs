//! What a column must be, and which canonical column it becomes.

use chrono_tz::Tz;
use polars::prelude::*;

use super::{
    keys::{self, FolderValue},
    scan::Source,
};
use crate::lake::LakeError;

/// What identifies a person; the same in `users` and in every events table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdType {
    Text,
    Integer,
}

impl IdType {
    /// The canonical type.
    pub fn dtype(self) -> DataType {
        match self {
            Self::Text => DataType::String,
            Self::Integer => DataType::Int64,
        }
    }
}

/// Where the times of a table are, and where its days begin and end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Zones {
    /// The zone of times that do not say theirs; `None` where the catalog does not say either, and then `day` is meant.
    pub(super) stated: Option<Tz>,
    pub(super) day: Tz,
}

impl Zones {
    pub(super) fn of_times(self) -> Tz {
        self.stated.unwrap_or(self.day)
    }
}

/// How the numbers of an amount column stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scale {
    /// Decimals that count.
    pub(super) decimals: u8,
    /// Whether numbers are of the smallest unit already.
    pub(super) is_minor: bool,
}

impl Scale {
    /// By how many powers of ten a number as it stands is multiplied.
    pub(super) fn shift(self) -> u8 {
        if self.is_minor { 0 } else { self.decimals }
    }
}

/// What a column is needed for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Need {
    Id(IdType),
    /// Text; integers are written out, because codes such as `13` are often stored as numbers.
    Code,
    Integer,
    /// A number of any type; what is not finite is missing.
    Number,
    /// Becomes minor units.
    Amount(Scale),
    Day(Zones),
    Flag,
}

impl Need {
    pub(super) fn expected(self) -> &'static str {
        match self {
            Self::Id(IdType::Text) => "text, as the id in `users`",
            Self::Id(IdType::Integer) => "an integer, as the id in `users`",
            Self::Code => "text or an integer",
            Self::Integer => "an integer",
            Self::Amount(_) | Self::Number => "a number",
            Self::Day(_) => "a date or a date-time",
            Self::Flag => "a boolean or an integer 0/1",
        }
    }

    /// The type of the canonical column.
    pub(super) fn dtype(self) -> DataType {
        match self {
            Self::Id(id) => id.dtype(),
            Self::Code => DataType::String,
            Self::Integer | Self::Amount(_) => DataType::Int64,
            Self::Number => DataType::Float64,
            Self::Day(_) => DataType::Date,
            Self::Flag => DataType::Boolean,
        }
    }
}

/// One canonical column: which column of the table it is, and what it must be.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// The canonical name.
    pub(super) name: String,
    /// As the table calls it.
    pub(super) column: String,
    pub(super) need: Need,
}

impl Wanted {
    pub(super) fn new(name: &str, column: &str, need: Need) -> Self {
        Self { name: name.to_owned(), column: column.to_owned(), need }
    }

    /// The canonical columns that it becomes: an amount has one more that says why there is none.
    pub(super) fn fields(&self) -> Vec<Field> {
        let mut fields = vec![Field::new(self.name.as_str().into(), self.need.dtype())];
        if matches!(self.need, Need::Amount(_)) {
            fields.push(Field::new(super::amounts::FAULT.into(), DataType::UInt8));
        }
        fields
    }

    /// The value that folders' names give to the column; a column of days gets the day that they say.
    pub(super) fn in_folder(&self, source: &Source) -> Option<FolderValue> {
        match self.need {
            Need::Day(_) => keys::partition_day(&source.file, &self.column),
            _ => keys::partition(&source.file, &self.column),
        }
    }

    pub(super) fn wrong_type(&self, source: &Source, found: &str) -> LakeError {
        LakeError::WrongType {
            table: source.table.clone(),
            file: source.file.clone(),
            column: self.column.as_str().into(),
            expected: self.need.expected(),
            found: found.into(),
            columns: source.columns.clone(),
        }
    }

    pub(super) fn no_column(&self, source: &Source) -> LakeError {
        LakeError::NoColumn {
            table: source.table.clone(),
            file: source.file.clone(),
            column: self.column.as_str().into(),
            expected: self.need.expected(),
            columns: source.columns.clone(),
        }
    }
}
