//! One column's values as numbers or as texts, or which row has a value that is neither.

use std::borrow::Cow;

use polars::prelude::{Column, DataType};

use super::{TableFileError, source::Piece};

/// What people write into a CSV where a number is not known.
const NOT_KNOWN: [&str; 6] = ["na", "n/a", "nan", "null", "none", "-"];

/// What a column's type says about its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Boolean,
    Number,
    Text,
    /// No value at all.
    Empty,
    Time(&'static str),
    Other,
}

/// A column of a piece of a file.
pub(super) struct Cells<'a> {
    pub(super) piece: &'a Piece,
    pub(super) column: Column,
}

impl<'a> Cells<'a> {
    pub(super) fn read(piece: &'a Piece, name: &str) -> Result<Self, TableFileError> {
        let column = piece.column(name)?;
        // What pandas calls a category is text to us.
        let column = match column.dtype() {
            DataType::Categorical(..) | DataType::Enum(..) => {
                column.cast(&DataType::String).map_err(TableFileError::polars(&piece.path))?
            }
            _ => column,
        };
        Ok(Self { piece, column })
    }

    pub(super) fn class(&self) -> Class {
        match self.column.dtype() {
            DataType::Boolean => Class::Boolean,
            DataType::String => Class::Text,
            DataType::Null => Class::Empty,
            DataType::Date => Class::Time("dates"),
            DataType::Datetime(..) | DataType::Time => Class::Time("times"),
            DataType::Duration(_) => Class::Time("spans of time"),
            number if number.is_primitive_numeric() => Class::Number,
            _ => Class::Other,
        }
    }

    /// The row as people count.
    pub(super) fn row(&self, place: usize) -> usize {
        self.piece.first_row + place + 1
    }

    /// Values as numbers, NaN where missing; true is 1 and false 0. Texts must be numbers, or say that none is known.
    pub(super) fn numbers(&self) -> Result<Vec<f32>, TableFileError> {
        match self.class() {
            Class::Boolean | Class::Number | Class::Empty => self.cast_numbers(),
            Class::Text => {
                let number = |(place, text): (usize, Option<&str>)| match text {
                    None => Ok(f32::NAN),
                    Some(text) => number(text).ok_or_else(|| self.not_a_number(place, text)),
                };
                self.texts_as_stored()?.iter().copied().enumerate().map(number).collect()
            }
            Class::Time(kind) => Err(self.time(kind, None)),
            Class::Other => Err(self.unusable()),
        }
    }

    /// The first of [`Cells::wide_numbers`], at most so many.
    pub(super) fn first_wide_numbers(&self, rows: usize) -> Result<Vec<f64>, TableFileError> {
        Self { piece: self.piece, column: self.column.head(Some(rows)) }.wide_numbers()
    }

    /// Like [`Cells::numbers`], before they are rounded.
    pub(super) fn wide_numbers(&self) -> Result<Vec<f64>, TableFileError> {
        match self.class() {
            Class::Boolean | Class::Number | Class::Empty => {
                let cast = self.column.cast(&DataType::Float64).map_err(self.polars())?;
                let values = cast.f64().map_err(self.polars())?;
                Ok(values.iter().map(|value| value.unwrap_or(f64::NAN)).collect())
            }
            Class::Text => {
                let number = |(place, text): (usize, Option<&str>)| match text {
                    None => Ok(f64::NAN),
                    Some(text) => wide_number(text).ok_or_else(|| self.not_a_number(place, text)),
                };
                self.texts_as_stored()?.iter().copied().enumerate().map(number).collect()
            }
            Class::Time(kind) => Err(self.time(kind, None)),
            Class::Other => Err(self.unusable()),
        }
    }

    fn cast_numbers(&self) -> Result<Vec<f32>, TableFileError> {
        let cast = self.column.cast(&DataType::Float32).map_err(self.polars())?;
        let values = cast.f32().map_err(self.polars())?;
        Ok(values.iter().map(|value| value.unwrap_or(f32::NAN)).collect())
    }

    /// The texts of a text column; nothing where a value is missing or empty.
    pub(super) fn texts_as_stored(&self) -> Result<Vec<Option<&str>>, TableFileError> {
        let texts = self.column.str().map_err(self.polars())?;
        Ok(texts.iter().map(|text| text.filter(|text| !text.is_empty())).collect())
    }

    /// Every value as text, the same whether a number was stored as a whole number, a fraction or text.
    pub(super) fn texts(&self) -> Result<Vec<Option<Cow<'_, str>>>, TableFileError> {
        match self.class() {
            Class::Text => Ok(self.texts_as_stored()?.into_iter().map(|text| text.map(Cow::Borrowed)).collect()),
            Class::Other => Err(self.unusable()),
            _ => {
                // Rust and people write 3.0 as 3.
                let column = if self.column.dtype().is_float() {
                    let wide = self.column.cast(&DataType::Float64).map_err(self.polars())?;
                    let values = wide.f64().map_err(self.polars())?;
                    return Ok(values.iter().map(|value| value.filter(|value| !value.is_nan()).map(written)).collect());
                } else {
                    self.column.cast(&DataType::String).map_err(self.polars())?
                };
                let texts = column.str().map_err(self.polars())?;
                Ok(texts.iter().map(|text| text.map(|text| Cow::Owned(text.to_owned()))).collect())
            }
        }
    }

    pub(super) fn polars(&self) -> impl Fn(polars::error::PolarsError) -> TableFileError {
        TableFileError::polars(&self.piece.path)
    }

    pub(super) fn name(&self) -> String {
        self.column.name().to_string()
    }

    pub(super) fn time(&self, kind: &'static str, example: Option<&str>) -> TableFileError {
        let example = example.map(str::to_owned);
        TableFileError::Time { path: self.piece.path.clone(), column: self.name(), kind, example }
    }

    pub(super) fn unusable(&self) -> TableFileError {
        let found = format!("values of the type {}", self.column.dtype());
        TableFileError::Type { path: self.piece.path.clone(), column: self.name(), found }
    }

    fn not_a_number(&self, place: usize, text: &str) -> TableFileError {
        let (row, value) = (self.row(place), text.to_owned());
        TableFileError::NotANumber { path: self.piece.path.clone(), column: self.name(), row, value }
    }
}

fn written(value: f64) -> Cow<'static, str> {
    // Adding 0 turns -0.0 into 0.0.
    Cow::Owned((value + 0.0).to_string())
}

/// The number that `text` says; NaN when it says that none is known, `None` when it says something else.
#[expect(clippy::cast_possible_truncation, reason = "features are f32; other formats are cast alike")]
pub(super) fn number(text: &str) -> Option<f32> {
    wide_number(text).map(|value| value as f32)
}

/// Like [`number`], before it is rounded.
pub(super) fn wide_number(text: &str) -> Option<f64> {
    let text = text.trim();
    if let Ok(value) = text.parse::<f64>() {
        return Some(value);
    }
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    match text {
        _ if text.is_empty() || NOT_KNOWN.into_iter().any(is) => Some(f64::NAN),
        _ if is("true") => Some(1.0),
        _ if is("false") => Some(0.0),
        _ => None,
    }
}

/// Whether `text` begins with a date as computers write it, such as 2026-11-22.
pub(super) fn looks_like_a_date(text: &str) -> bool {
    text.get(..10).is_some_and(|day| day.parse::<chrono::NaiveDate>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        let cases = [("3", 3.0), (" -1.5e2 ", -150.0), ("TRUE", 1.0), ("false", 0.0)];
        for (text, value) in cases {
            assert_eq!(number(text), Some(value), "{text}");
        }
        assert!(["", "NA", "nan", "n/a", "-"].into_iter().all(|text| number(text).unwrap().is_nan()));
        assert_eq!([number("tea"), number("1,5"), number("12 kg")], [None; 3]);
    }

    #[test]
    fn dates_are_known_by_their_form() {
        assert!(looks_like_a_date("2026-11-22") && looks_like_a_date("2026-11-22 10:00:00"));
        assert!(!looks_like_a_date("2026-13-22") && !looks_like_a_date("12345678901") && !looks_like_a_date("tea"));
    }

    #[test]
    fn a_whole_fraction_is_written_as_a_whole_number() {
        assert_eq!([written(3.0), written(2.5), written(-0.0)], ["3", "2.5", "0"]);
    }
}
