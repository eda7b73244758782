//! Lines of the form `field=value`, and lists of numbers in them.

use std::collections::HashMap;
use std::str::FromStr;

use super::{LightGbmTextError, Section};

/// Most characters of a wrong value that an error quotes.
const QUOTED_MAX: usize = 40;

/// The fields of one part of a text.
pub(super) struct Fields<'a> {
    pub(super) place: Section,
    values: HashMap<&'a str, &'a str>,
}

impl<'a> Fields<'a> {
    /// The last of two lines with the same field counts. A line without `=` is a field without a value.
    pub(super) fn new(place: Section, lines: impl Iterator<Item = &'a str>) -> Self {
        Self { place, values: lines.map(|line| line.split_once('=').unwrap_or((line, ""))).collect() }
    }

    pub(super) fn optional(&self, field: &str) -> Option<&'a str> {
        self.values.get(field).copied()
    }

    pub(super) fn text(&self, field: &'static str) -> Result<&'a str, LightGbmTextError> {
        self.optional(field).ok_or(LightGbmTextError::Absent { place: self.place, field })
    }

    pub(super) fn number<T: FromStr>(&self, field: &'static str) -> Result<T, LightGbmTextError> {
        self.parse(field, self.text(field)?)
    }

    /// Numbers with spaces between them.
    pub(super) fn list<T: FromStr>(&self, field: &'static str) -> Result<Vec<T>, LightGbmTextError> {
        words(self.text(field)?).map(|word| self.parse(field, word)).collect()
    }

    /// As many numbers as are `expected`.
    pub(super) fn numbers<T: FromStr>(
        &self,
        field: &'static str,
        expected: usize,
    ) -> Result<Vec<T>, LightGbmTextError> {
        let found = words(self.text(field)?).count();
        if found != expected {
            return Err(LightGbmTextError::Count { place: self.place, field, found, expected });
        }
        self.list(field)
    }

    /// As many numbers as are `expected`, or zeros where the field is absent or empty.
    pub(super) fn numbers_or_zeros<T: FromStr + Clone + Default>(
        &self,
        field: &'static str,
        expected: usize,
    ) -> Result<Vec<T>, LightGbmTextError> {
        match self.optional(field) {
            None | Some("") => Ok(vec![T::default(); expected]),
            Some(_) => self.numbers(field, expected),
        }
    }

    /// As many finite numbers as are `expected`.
    pub(super) fn finite(&self, numbers: &[f64], field: &'static str) -> Result<(), LightGbmTextError> {
        match numbers.iter().find(|number| !number.is_finite()) {
            None => Ok(()),
            Some(number) => Err(self.wrong(field, &number.to_string())),
        }
    }

    pub(super) fn wrong(&self, field: &'static str, found: &str) -> LightGbmTextError {
        LightGbmTextError::Value { place: self.place, field, found: found.chars().take(QUOTED_MAX).collect() }
    }

    fn parse<T: FromStr>(&self, field: &'static str, word: &str) -> Result<T, LightGbmTextError> {
        word.parse().map_err(|_| self.wrong(field, word))
    }
}

/// What stands between spaces.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(' ').filter(|word| !word.is_empty())
}
