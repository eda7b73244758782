//! What a column must be, and the expression that makes it canonical.

use chrono_tz::Tz;
use polars::prelude::*;

use super::{scan::Source, time};
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

/// What a column is needed for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Need {
    /// The users' id, which decides what the events' must be.
    AnyId,
    Id(IdType),
    /// Text; integers are written out, because codes such as `13` are often stored as numbers.
    Code,
    Integer,
    /// Minor units; a float has this many decimals.
    Amount(u8),
    Day(Tz),
    Flag,
    /// Integer or text.
    Countable,
}

impl Need {
    fn expected(self) -> &'static str {
        match self {
            Self::Id(IdType::Text) => "text, as the id in `users`",
            Self::Id(IdType::Integer) => "an integer, as the id in `users`",
            Self::AnyId | Self::Code => "text or an integer",
            Self::Integer => "an integer",
            Self::Amount(_) => "an integer (minor units) or a float",
            Self::Day(_) => "a date or a date-time",
            Self::Flag => "a boolean or an integer 0/1",
            Self::Countable => "an integer or text",
        }
    }

    fn typed_value(self, column: &str, dtype: &DataType) -> Option<Expr> {
        let value = col(column);
        let text = *dtype == DataType::String;
        let integer = dtype.is_integer();
        match self {
            Self::AnyId | Self::Countable | Self::Id(IdType::Text) | Self::Code if text => Some(value),
            Self::AnyId | Self::Countable | Self::Integer | Self::Id(IdType::Integer) | Self::Amount(_) if integer => {
                Some(value.strict_cast(DataType::Int64))
            }
            Self::Code if integer => Some(value.cast(DataType::String)),
            Self::Amount(decimals) if dtype.is_float() => Some(minor_units(value.cast(DataType::Float64), decimals)),
            Self::Day(zone) => time::day(column, dtype, zone),
            Self::Flag if *dtype == DataType::Boolean => Some(value),
            Self::Flag if integer => Some(value.neq(lit(0))),
            _ => None,
        }
    }

    /// From the text of a CSV file; null where the text is not what is needed.
    fn text_value(self, column: &str) -> Expr {
        let value = col(column);
        match self {
            Self::AnyId | Self::Id(IdType::Text) | Self::Code | Self::Countable => value,
            Self::Id(IdType::Integer) | Self::Integer => value.cast(DataType::Int64),
            Self::Amount(0) => {
                coalesce(&[value.clone().cast(DataType::Int64), minor_units(value.cast(DataType::Float64), 0)])
            }
            Self::Amount(decimals) => minor_units(value.cast(DataType::Float64), decimals),
            Self::Day(zone) => time::day_from_text(column, zone),
            Self::Flag => flag_from_text(value),
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

    /// The canonical column, or which column of which file is not as needed.
    pub(super) fn expr(&self, source: &Source) -> Result<Expr, LakeError> {
        let dtype = self.dtype(source)?;
        let canonical = if source.is_text() {
            self.need.text_value(&self.column)
        } else {
            let typed = self.need.typed_value(&self.column, dtype);
            typed.ok_or_else(|| self.wrong_type(source, format!("of type {dtype}")))?
        };
        Ok(canonical.alias(self.name.as_str()))
    }

    /// In a CSV file: whether this cell holds text that is not what is needed.
    pub(super) fn misread(&self) -> Expr {
        col(&self.column).is_not_null().and(self.need.text_value(&self.column).is_null())
    }

    pub(super) fn wrong_type(&self, source: &Source, found: String) -> LakeError {
        LakeError::WrongType {
            table: source.table.clone(),
            file: source.file.clone(),
            column: self.column.as_str().into(),
            expected: self.need.expected(),
            found: found.into(),
            columns: source.column_names(),
        }
    }

    pub(super) fn dtype<'s>(&self, source: &'s Source) -> Result<&'s DataType, LakeError> {
        source.schema.get(&self.column).ok_or_else(|| LakeError::NoColumn {
            table: source.table.clone(),
            file: source.file.clone(),
            column: self.column.as_str().into(),
            expected: self.need.expected(),
            columns: source.column_names(),
        })
    }
}

/// A float amount in minor units, rounded half away from zero; null when it is no finite number.
fn minor_units(amount: Expr, decimals: u8) -> Expr {
    let scale = 10_f64.powi(i32::from(decimals));
    amount.map(
        move |amount| {
            let units: Int64Chunked =
                amount.f64()?.iter().map(|amount| amount.and_then(|amount| whole(amount * scale))).collect();
            Ok(units.into_series().with_name(amount.name().clone()).into_column())
        },
        |_, field| Ok(Field::new(field.name().clone(), DataType::Int64)),
    )
}

#[expect(clippy::cast_possible_truncation, reason = "bounded by 2^62, which f64 and i64 both hold")]
fn whole(amount: f64) -> Option<i64> {
    let rounded = amount.round();
    (rounded.abs() < 4.6e18).then_some(rounded as i64)
}

fn flag_from_text(text: Expr) -> Expr {
    let text = text.str().to_lowercase();
    let is = |words: [&'static str; 2]| words.into_iter().map(|word| text.clone().eq(lit(word))).reduce(Expr::or);
    let (yes, no) = (is(["true", "1"]).expect("two words"), is(["false", "0"]).expect("two words"));
    when(yes).then(lit(true)).when(no).then(lit(false)).otherwise(lit(NULL).cast(DataType::Boolean))
}
