//! What lies in a lake that no catalog describes yet: its tables, their columns, and a sample of what these hold.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use chrono::NaiveDate;
use polars::prelude::*;

use super::{
    blocking,
    columns::Zones,
    files::{self, LocalFile},
    keys, scan, time,
};
use crate::lake::{LakeError, Object, Store, csv};

/// Rows of a table's newest file that are looked at.
const ROWS_MAX: usize = 200_000;
/// Different values of a column that are counted; more are only known to be many.
const DISTINCT_MAX: usize = 50_000;
/// Folders that segment-bot itself makes in a store.
const OWN: [&str; 5] = ["partials", "snapshots", "models", "segments", "suppression"];
/// How the catalog names the day that folders say and no column has.
const FOLDERS_DAY: &str = "day";
const ENDINGS: [&str; 3] = [".parquet", ".csv", ".csv.gz"];

/// Files that seem to belong together.
#[derive(Debug, Clone)]
pub struct Surveyed {
    /// A glob that matches them.
    pub path: String,
    pub files: usize,
    /// Different days that their folders say.
    pub days: usize,
    /// What separates the fields of its CSV files, where that is not a comma.
    pub separator: Option<u8>,
    /// Rows that were looked at, of the newest file.
    pub rows: usize,
    /// In the file's order; those that stand in folders' names alone last. None where the file cannot be read.
    pub columns: Vec<SurveyedColumn>,
    /// Why the newest file cannot be read.
    pub trouble: Option<String>,
}

/// A column of a table's newest file.
#[derive(Debug, Clone)]
pub struct SurveyedColumn {
    pub name: String,
    pub holds: Holds,
    /// Values with how often they occur, the commonest first; at most 50,000.
    pub values: Vec<(String, u64)>,
    pub missing: usize,
}

/// What all values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    Text,
    WholeNumber,
    Number,
    Flag,
    /// A date, or a date-time.
    Time,
    /// The old Parquet time that says no zone.
    Instant,
    Nothing,
    /// What no catalog can use, such as a list.
    Other,
}

/// Finds every table below the lake's root and looks at its newest file.
pub async fn survey(lake: &Store) -> Result<Vec<Surveyed>, LakeError> {
    let mut tables: BTreeMap<String, Vec<Object>> = BTreeMap::new();
    for object in lake.list("").await? {
        let folder = object.key.split('/').next().unwrap_or_default();
        let hidden = keys::is_hidden(&object.key, "") || keys::is_folder_mark(&object.key, object.bytes);
        if !hidden && !OWN.contains(&folder) && ending(&object.key).is_some() {
            tables.entry(pattern(&object.key)).or_default().push(object);
        }
    }
    let mut surveyed = Vec::new();
    for (path, objects) in widened(tables) {
        let days: BTreeSet<NaiveDate> = objects.iter().filter_map(|object| keys::day_of(&object.key)).collect();
        let sampled = objects.iter().filter(|object| object.bytes > 0).max_by_key(|object| &object.key).cloned();
        let Some(sampled) = sampled else { continue };
        let local = files::fetch(lake, vec![sampled]).await?.remove(0);
        let (files, days) = (objects.len(), days.len());
        let table = Surveyed { path, files, days, separator: None, rows: 0, columns: Vec::new(), trouble: None };
        let unread = table.clone();
        let looked = blocking(move || looked_at(table, local)).await;
        surveyed.push(looked.unwrap_or_else(|error| Surveyed { trouble: Some(error.to_string()), ..unread }));
    }
    Ok(surveyed)
}

fn ending(key: &str) -> Option<&'static str> {
    let name = key.to_lowercase();
    ENDINGS.into_iter().find(|ending| name.ends_with(ending))
}

/// The glob of the table that a key seems to belong to: `*` for what folders of days and numbered files vary in.
fn pattern(key: &str) -> String {
    let (folders, name) = key.rsplit_once('/').map_or((None, key), |(folders, name)| (Some(folders), name));
    let folder = |part: &str| match part.split_once('=') {
        Some((column, _)) => format!("{column}=*"),
        None if part.bytes().any(|byte| byte.is_ascii_digit())
            && !part.bytes().any(|byte| byte.is_ascii_alphabetic()) =>
        {
            "*".to_owned()
        }
        None => part.to_owned(),
    };
    let ending = ending(name).unwrap_or_default();
    let stem = &name[..name.len() - ending.len()];
    let varies = stem.find(|c: char| c.is_ascii_digit());
    let dated = folders.is_some_and(|folders| folders.split('/').any(|part| folder(part).contains('*')));
    let stem = match varies {
        _ if dated => "*".to_owned(),
        Some(at) => format!("{}*", &stem[..at]),
        None => stem.to_owned(),
    };
    let file = format!("{stem}{}", &name[name.len() - ending.len()..]);
    folders.map_or_else(
        || file.clone(),
        |folders| format!("{}/{file}", folders.split('/').map(folder).collect::<Vec<_>>().join("/")),
    )
}

/// With `*` for the names of files that have a folder for themselves.
fn widened(tables: BTreeMap<String, Vec<Object>>) -> BTreeMap<String, Vec<Object>> {
    let folder = |path: &str| path.rsplit_once('/').map(|(folder, _)| folder.to_owned());
    let shared = |path: &str| tables.keys().filter(|other| folder(other) == folder(path)).count() > 1;
    let wide = |path: &str| match folder(path) {
        Some(folder) if !shared(path) => format!("{folder}/*{}", ending(path).unwrap_or_default()),
        _ => path.to_owned(),
    };
    let paths: Vec<String> = tables.keys().map(|path| wide(path)).collect();
    paths.into_iter().zip(tables.into_values()).collect()
}

fn looked_at(mut table: Surveyed, file: LocalFile) -> Result<Surveyed, LakeError> {
    let key = file.object.key.clone();
    if key.to_lowercase().ends_with(".parquet") {
        (table.rows, table.columns) = of_parquet(&table.path, file)?;
    } else {
        let refused = |error| LakeError::Csv { table: table.path.clone(), error: Box::new(error) };
        let mut options = csv::Options::default();
        if let Err(csv::CsvError { fault: csv::Fault::Separator { found, .. }, .. }) =
            csv::Reader::open(&file.path, &key, &options)
        {
            options.separator = Some(found);
        }
        let rows = of_csv(&file, &options).map_err(refused)?;
        (table.rows, table.columns, table.separator) = (rows.0, rows.1, options.separator);
    }
    for part in key.split('/').filter_map(|folder| folder.split_once('=').map(|(column, _)| column)) {
        let value = keys::partition(&key, part).and_then(|value| value.text);
        if let Some(value) = value.filter(|_| table.columns.iter().all(|column| column.name != part)) {
            let mut counts = Counts::default();
            counts.add(Some(&value), table.rows as u64);
            table.columns.push(counts.column(part.to_owned(), None));
        }
    }
    let has_time = table.columns.iter().any(|column| matches!(column.holds, Holds::Time | Holds::Instant));
    if let Some(day) = keys::day_of(&key).filter(|_| !has_time) {
        // What folders say together, as in `year=2026/month=11/day=22`.
        table.columns.retain(|column| column.name != FOLDERS_DAY);
        let values = vec![(day.to_string(), table.rows as u64)];
        table.columns.push(SurveyedColumn { name: FOLDERS_DAY.to_owned(), holds: Holds::Time, values, missing: 0 });
    }
    Ok(table)
}

fn of_parquet(path: &str, file: LocalFile) -> Result<(usize, Vec<SurveyedColumn>), LakeError> {
    let source = scan::open(path, vec![file], &crate::catalog::CsvStyle::default())?.remove(0);
    let mut columns = Vec::new();
    let mut rows = 0;
    for name in &source.columns {
        let dtype = source.dtype(name).unwrap_or(DataType::Null);
        if dtype.is_nested() || matches!(dtype, DataType::Binary | DataType::Duration(_) | DataType::Time) {
            columns.push(SurveyedColumn { name: name.clone(), holds: Holds::Other, values: Vec::new(), missing: 0 });
            continue;
        }
        let sample = scan::sample(&source, name, ROWS_MAX)?;
        rows = sample.len();
        let mut counts = Counts::default();
        sample.str()?.iter().for_each(|value| counts.add(value, 1));
        let declared = match &dtype {
            DataType::Boolean => Some(Holds::Flag),
            DataType::Datetime(..) if source.has_instants(name) => Some(Holds::Instant),
            DataType::Date | DataType::Datetime(..) => Some(Holds::Time),
            integer if integer.is_integer() => Some(Holds::WholeNumber),
            number if number.is_float() || matches!(number, DataType::Decimal(..)) => Some(Holds::Number),
            _ => None,
        };
        columns.push(counts.column(name.clone(), declared));
    }
    Ok((rows, columns))
}

fn of_csv(file: &LocalFile, options: &csv::Options) -> Result<(usize, Vec<SurveyedColumn>), csv::CsvError> {
    let mut reader = csv::Reader::open(&file.path, &file.object.key, options)?;
    let header = reader.header().to_vec();
    let mut counts: Vec<Counts> = header.iter().map(|_| Counts::default()).collect();
    let mut rows = 0;
    while let Some(row) = reader.next_row()? {
        counts.iter_mut().enumerate().for_each(|(place, counts)| counts.add(row.get(place), 1));
        rows += 1;
        if rows == ROWS_MAX {
            break;
        }
    }
    Ok((rows, header.into_iter().zip(counts).map(|(name, counts)| counts.column(name, None)).collect()))
}

/// The values of a column.
#[derive(Default)]
struct Counts {
    values: BTreeMap<String, u64>,
    missing: usize,
}

impl Counts {
    fn add(&mut self, value: Option<&str>, rows: u64) {
        match value.filter(|value| !value.trim().is_empty()) {
            None => self.missing += 1,
            Some(value) => {
                if let Some(count) = self.values.get_mut(value) {
                    *count += rows;
                } else if self.values.len() < DISTINCT_MAX {
                    self.values.insert(value.to_owned(), rows);
                }
            }
        }
    }

    fn column(self, name: String, declared: Option<Holds>) -> SurveyedColumn {
        let holds = if self.values.is_empty() { Holds::Nothing } else { declared.unwrap_or_else(|| self.inferred()) };
        let mut values: Vec<(String, u64)> = self.values.into_iter().collect();
        values.sort_by(|a, b| (Reverse(a.1), &a.0).cmp(&(Reverse(b.1), &b.0)));
        SurveyedColumn { name, holds, values, missing: self.missing }
    }

    /// What text seems to be.
    fn inferred(&self) -> Holds {
        let zones = Zones { stated: None, day: chrono_tz::UTC };
        let all = |is: &dyn Fn(&str) -> bool| self.values.keys().all(|value| is(value));
        let is_code = |value: &str| value.len() > 1 && value.starts_with('0') && !value.contains('.');
        if all(&|value| csv::flag(value).is_some()) && self.values.len() == 2 {
            Holds::Flag
        } else if all(&|value| csv::integer(value).is_some() && !is_code(value)) {
            Holds::WholeNumber
        } else if all(&|value| value.trim().parse::<f64>().is_ok() && !is_code(value)) {
            Holds::Number
        } else if all(&|value| time::parse_day(value, zones).is_some()) {
            Holds::Time
        } else {
            Holds::Text
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_one_table_have_one_pattern() {
        for (key, glob) in [
            ("users.csv", "users.csv"),
            ("users/part-0001.parquet", "users/part-*.parquet"),
            ("users/dt=2026-11-22/users.parquet", "users/dt=*/*.parquet"),
            ("events/year=2026/month=11/day=22/a.csv.gz", "events/year=*/month=*/day=*/*.csv.gz"),
            ("events/2026/11/22/a.parquet", "events/*/*/*/*.parquet"),
            ("shop/events_20261122.csv", "shop/events_*.csv"),
        ] {
            assert_eq!(pattern(key), glob);
        }
    }

    #[test]
    fn text_is_what_all_of_it_can_be() {
        let inferred = |values: &[&str]| {
            let mut counts = Counts::default();
            for value in values {
                counts.add(Some(value), 1);
            }
            counts.column("c".to_owned(), None).holds
        };
        assert_eq!(inferred(&["01", "13"]), Holds::Text, "a code keeps its zeros");
        assert_eq!(inferred(&["1", "13"]), Holds::WholeNumber);
        assert_eq!(inferred(&["1.5", "13"]), Holds::Number);
        assert_eq!(inferred(&["true", "False"]), Holds::Flag);
        assert_eq!(inferred(&["2026-11-22", "2026-11-22T10:00:00Z"]), Holds::Time);
        assert_eq!(inferred(&[" "]), Holds::Nothing);
    }
}
