//! What is learned from and scored: named columns of `f32`, where NaN means missing.

use std::collections::HashSet;

use linfa::dataset::Records;

/// Category codes below this are exact in `f32`.
const CODES_MAX: f32 = 16_777_216.0;

/// Columns of equal length with different names. NaN is a missing value; infinities are values.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    names: Vec<String>,
    columns: Vec<Vec<f32>>,
    kinds: Vec<Kind>,
}

/// What the values of a column mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Numbers that have an order.
    Numeric,
    /// Category codes without an order.
    Categorical {
        /// Code `i` is called `names[i]`; empty when the codes speak for themselves.
        names: Vec<String>,
    },
}

/// Why columns are not a table.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TableError {
    /// There is not one name for each column.
    #[error("{columns} columns have {names} names")]
    Names {
        /// Names that were given.
        names: usize,
        /// Columns that were given.
        columns: usize,
    },
    /// Columns are found by name, so a name may not come twice.
    #[error("two columns have the name `{0}`")]
    Duplicate(String),
    /// A column is shorter or longer than the first.
    #[error("column `{name}` has {found} rows, the first column has {expected}")]
    Length {
        /// The column.
        name: String,
        /// Its values.
        found: usize,
        /// The first column's values.
        expected: usize,
    },
    /// There is no column of this name.
    #[error("there is no column `{0}` to hold categories")]
    NoColumn(String),
    /// A value is no code of a category: not whole, negative, or 2^24 and more.
    #[error("column `{name}` holds categories, so row {row} must be a whole number from 0 to 16777215, not {value}")]
    Category {
        /// The column.
        name: String,
        /// The first row with such a value, from 0.
        row: usize,
        /// The value.
        value: f32,
    },
    /// A category has no name.
    #[error("column `{name}` names {names} categories, but row {row} has code {value}")]
    Unnamed {
        /// The column.
        name: String,
        /// The first row with such a value, from 0.
        row: usize,
        /// The category's code.
        value: f32,
        /// Names that were given.
        names: usize,
    },
}

impl Table {
    /// Numeric columns. Fails unless there is one name for each column, no name comes twice, and all columns have the
    /// same length.
    ///
    /// ```
    /// use gbdt::{Table, TableError};
    ///
    /// let table = Table::new(vec!["age".into(), "visits".into()], vec![vec![31.0, f32::NAN], vec![4.0, 0.0]])?;
    /// assert_eq!((table.rows(), table.column("visits")), (2, Some(&[4.0, 0.0][..])));
    ///
    /// let uneven = Table::new(vec!["age".into(), "visits".into()], vec![vec![31.0], vec![4.0, 0.0]]);
    /// assert_eq!(uneven, Err(TableError::Length { name: "visits".into(), found: 2, expected: 1 }));
    /// # Ok::<(), TableError>(())
    /// ```
    pub fn new(names: Vec<String>, columns: Vec<Vec<f32>>) -> Result<Self, TableError> {
        if names.len() != columns.len() {
            return Err(TableError::Names { names: names.len(), columns: columns.len() });
        }
        let mut seen = HashSet::new();
        if let Some(name) = names.iter().find(|name| !seen.insert(name.as_str())) {
            return Err(TableError::Duplicate(name.clone()));
        }
        let expected = columns.first().map_or(0, Vec::len);
        if let Some((name, column)) = names.iter().zip(&columns).find(|(_, column)| column.len() != expected) {
            return Err(TableError::Length { name: name.clone(), found: column.len(), expected });
        }
        let kinds = vec![Kind::Numeric; names.len()];
        Ok(Self { names, columns, kinds })
    }

    /// The same table, with category codes in the column `name`. Code `i` is called `names[i]`; `names` may be empty.
    /// Fails unless the column exists and every value is a whole number below 2^24 (and below the number of names, if
    /// there are any) or missing.
    pub fn with_categories(mut self, name: &str, names: Vec<String>) -> Result<Self, TableError> {
        let index = self.names.iter().position(|own| own == name);
        let index = index.ok_or_else(|| TableError::NoColumn(name.to_owned()))?;
        for (row, &value) in self.columns[index].iter().enumerate().filter(|(_, value)| !value.is_nan()) {
            if !(0.0..CODES_MAX).contains(&value) || value.fract() > 0.0 {
                return Err(TableError::Category { name: name.to_owned(), row, value });
            }
            if !names.is_empty() && f64::from(value) >= super::math::real(names.len()) {
                return Err(TableError::Unnamed { name: name.to_owned(), row, value, names: names.len() });
            }
        }
        self.kinds[index] = Kind::Categorical { names };
        Ok(self)
    }

    /// Rows; 0 when there is no column.
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }

    /// The columns' names, in order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The columns' values; missing ones are NaN.
    pub fn columns(&self) -> &[Vec<f32>] {
        &self.columns
    }

    /// The columns alone.
    pub fn into_columns(self) -> Vec<Vec<f32>> {
        self.columns
    }

    /// What each column's values mean.
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&[f32]> {
        let index = self.names.iter().position(|own| own == name)?;
        Some(&self.columns[index])
    }

    /// At most so many rows, at equal distances.
    #[must_use]
    pub fn thinned(&self, rows_max: usize) -> Self {
        let (rows, taken) = (self.rows(), self.rows().min(rows_max));
        let places: Vec<usize> = (0..taken).map(|place| place * rows / taken).collect();
        self.select(&places)
    }

    /// A table of the given rows, in the given order. Panics when a row does not exist.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        let columns = self.columns.iter().map(|column| rows.iter().map(|&row| column[row]).collect()).collect();
        Self { names: self.names.clone(), columns, kinds: self.kinds.clone() }
    }
}

impl Records for Table {
    type Elem = f32;

    fn nsamples(&self) -> usize {
        self.rows()
    }

    fn nfeatures(&self) -> usize {
        self.columns.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn a_table_names_what_is_wrong_with_its_columns() {
        let error = Table::new(names(&["age", "age"]), vec![vec![1.0], vec![2.0]]).unwrap_err();
        assert_eq!(error.to_string(), "two columns have the name `age`");
        let error = Table::new(names(&["age", "visits"]), vec![vec![1.0], vec![]]).unwrap_err();
        assert_eq!(error.to_string(), "column `visits` has 0 rows, the first column has 1");
        let error = Table::new(names(&["age"]), vec![]).unwrap_err();
        assert_eq!(error.to_string(), "0 columns have 1 names");
    }

    #[test]
    fn categories_are_whole_numbers_with_names() {
        let table = || Table::new(names(&["region"]), vec![vec![1.0, f32::NAN, 2.5]]).unwrap();
        let error = table().with_categories("region", vec![]).unwrap_err().to_string();
        assert_eq!(
            error,
            "column `region` holds categories, so row 2 must be a whole number from 0 to 16777215, not 2.5"
        );
        let error = table().select(&[0, 1]).with_categories("region", names(&["north"])).unwrap_err().to_string();
        assert_eq!(error, "column `region` names 1 categories, but row 0 has code 1");
        assert_eq!(table().with_categories("city", vec![]).unwrap_err(), TableError::NoColumn("city".to_owned()));
        assert!(table().select(&[0, 1]).with_categories("region", names(&["north", "south"])).is_ok());
    }

    #[test]
    fn selected_rows_keep_their_order() {
        let table = Table::new(names(&["age"]), vec![vec![1.0, 2.0, 3.0]]).unwrap();
        assert_eq!(table.select(&[2, 0]).column("age"), Some(&[3.0, 1.0][..]));
        assert_eq!(table.column("visits"), None);
    }
}
