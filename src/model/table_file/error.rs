//! What can be wrong with a file of rows: which file, column, row and value, and what to do.

use gbdt::TableError;
use std::path::PathBuf;

use crate::lake::csv::CsvError;

/// Why a file cannot be used. Rows count from 1, the header left out.
#[derive(Debug, thiserror::Error)]
pub enum TableFileError {
    #[error("{}: the name of a table must end with .parquet, .csv or .csv.gz", path.display())]
    Format { path: PathBuf },
    #[error("{}: the name of a file of scores must end with .csv or .parquet", path.display())]
    ScoresFormat { path: PathBuf },
    #[error("cannot read {}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{} cannot be decoded: the file is damaged, or was written over while it was read; copy or write it again", path.display())]
    Undecodable { path: PathBuf },
    #[error(transparent)]
    Csv(Box<CsvError>),
    #[error("cannot write {}: {why}", path.display())]
    Write { path: PathBuf, why: String },
    #[error("{} is empty; its first line must name the columns", path.display())]
    Empty { path: PathBuf },
    #[error("two columns of {} have the name `{column}`; rename one", path.display())]
    Duplicate { path: PathBuf, column: String },
    #[error("{} has no rows", path.display())]
    NoRows { path: PathBuf },
    #[error("{} has no column `{column}`{}; it has {}", path.display(), meant(closest.as_deref()), listed(columns))]
    NoColumn { path: PathBuf, column: String, closest: Option<String>, columns: Vec<String> },
    #[error(
        "{} lacks {} that the model reads: {}; {advice}", path.display(), counted(columns.len(), "column"), listed(columns)
    )]
    Lacks { path: PathBuf, columns: Vec<String>, advice: &'static str },
    #[error("{} has none of the columns that the model reads: {}", path.display(), listed(columns))]
    LacksAll { path: PathBuf, columns: Vec<String> },
    #[error("column `{column}` is named by {one} and by {other}; it can be one of them only")]
    TwoRoles { column: String, one: &'static str, other: &'static str },
    #[error("no column of {} is left to learn from", path.display())]
    NothingLeft { path: PathBuf },
    #[error(
        "column `{column}` of {} must hold numbers, but row {row} has `{value}`; write a number there, or nothing where it is not known",
        path.display()
    )]
    NotANumber { path: PathBuf, column: String, row: usize, value: String },
    #[error(
        "column `{column}` of {} holds {kind}{}; a model learns nothing lasting from a point in time: turn it into a number, such as days before the day of scoring, or leave it out of training with --ignore {column}",
        path.display(), example.as_ref().map(|text| format!(" such as `{text}`")).unwrap_or_default()
    )]
    Time { path: PathBuf, column: String, kind: &'static str, example: Option<String> },
    #[error(
        "column `{column}` of {} holds {found}; only whole and floating-point numbers, true and false, and text can be used: convert it, or leave it out of training with --ignore {column}",
        path.display()
    )]
    Type { path: PathBuf, column: String, found: String },
    #[error(
        "column `{column}` of {} has {found} different texts, more than {max}; leave it out with --ignore {column} or group its values",
        path.display()
    )]
    TooManyTexts { path: PathBuf, column: String, found: usize, max: usize },
    #[error(
        "the label `{column}` of {} is missing in row {row}; a row without an outcome cannot be learned from: fill it in or drop the row",
        path.display()
    )]
    LabelMissing { path: PathBuf, column: String, row: usize },
    #[error(
        "the label `{column}` of {} must be 0 or 1, but row {row} has `{value}`; write 1 where it happened and 0 where it did not",
        path.display()
    )]
    LabelText { path: PathBuf, column: String, row: usize, value: String },
    #[error(
        "the label `{column}` of {} must have two values, but row {row} has {value} after {low} and {high} came before; write 1 where it happened and 0 where it did not",
        path.display()
    )]
    LabelThird { path: PathBuf, column: String, row: usize, value: f64, low: f64, high: f64 },
    #[error(
        "the label `{column}` of {} is {value} in every row, which says neither yes nor no; write 1 where it happened and 0 where it did not",
        path.display()
    )]
    LabelConstant { path: PathBuf, column: String, value: f64 },
    #[error("the label `{column}` of {} holds {found}; it must be 0 or 1, or true or false", path.display())]
    LabelType { path: PathBuf, column: String, found: String },
    #[error(
        "the weight `{column}` of {} must be a number of 0 or more in every row, but row {row} {}",
        path.display(), if value.is_nan() { "has none".to_owned() } else { format!("has {value}") }
    )]
    Weight { path: PathBuf, column: String, row: usize, value: f32 },
    #[error("scores are written into the column `{0}`, so the ids must be in a column of another name")]
    IdName(String),
    #[error(transparent)]
    Table(#[from] TableError),
}

impl TableFileError {
    /// For `map_err` on what the system says.
    pub(super) fn io(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), source }
    }

    /// For `map_err` on what polars says while writing.
    pub(super) fn write(path: &std::path::Path) -> impl Fn(polars::error::PolarsError) -> Self {
        move |error| Self::Write { path: path.to_owned(), why: crate::lake::write_words(&error) }
    }

    /// For `map_err` on what the reader of CSV says.
    pub(super) fn csv(error: CsvError) -> Self {
        Self::Csv(Box::new(error))
    }

    /// For `map_err` on what polars says while reading.
    pub(super) fn polars(path: &std::path::Path) -> impl Fn(polars::error::PolarsError) -> Self {
        move |error| {
            // The library's words are for those who mend this program.
            tracing::debug!(path = %path.display(), %error, "cannot be decoded");
            Self::Undecodable { path: path.to_owned() }
        }
    }
}

/// Names that an error lists at most.
const LISTED_MAX: usize = 30;

fn listed(names: &[String]) -> String {
    let mut quoted: Vec<String> = names.iter().take(LISTED_MAX).map(|name| format!("`{name}`")).collect();
    if names.len() > LISTED_MAX {
        quoted.push(format!("and {} more", names.len() - LISTED_MAX));
    }
    quoted.join(", ")
}

fn meant(closest: Option<&str>) -> String {
    closest.map(|name| format!(" (did you mean `{name}`?)")).unwrap_or_default()
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
