//! What is learned from and scored: named columns of `f32`, where NaN means missing.

use std::collections::HashSet;

use linfa::dataset::Records;

/// Columns of equal length with different names. NaN is a missing value; infinities are values.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    names: Vec<String>,
    columns: Vec<Vec<f32>>,
}

/// Why columns are not a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    #[error("{columns} columns have {names} names")]
    Names { names: usize, columns: usize },
    #[error("two columns have the name `{0}`")]
    Duplicate(String),
    #[error("column `{name}` has {found} rows, the first column has {expected}")]
    Length { name: String, found: usize, expected: usize },
}

impl Table {
    /// Fails unless there is one name for each column, no name comes twice, and all columns have the same length.
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
        Ok(Self { names, columns })
    }

    /// Rows; 0 when there is no column.
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }

    pub fn names(&self) -> &[String] {
        &self.names
    }

    pub fn columns(&self) -> &[Vec<f32>] {
        &self.columns
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&[f32]> {
        let index = self.names.iter().position(|own| own == name)?;
        Some(&self.columns[index])
    }

    /// A table of the given rows, in the given order. Panics when a row does not exist.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        let columns = self.columns.iter().map(|column| rows.iter().map(|&row| column[row]).collect()).collect();
        Self { names: self.names.clone(), columns }
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
    fn selected_rows_keep_their_order() {
        let table = Table::new(names(&["age"]), vec![vec![1.0, 2.0, 3.0]]).unwrap();
        assert_eq!(table.select(&[2, 0]).column("age"), Some(&[3.0, 1.0][..]));
        assert_eq!(table.column("visits"), None);
    }
}
