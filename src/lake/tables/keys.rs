//! What an object's key says about a table's file: whether it is one, its day, and the values that stand in folder names.

use chrono::NaiveDate;

/// What Hive writes for a missing value in a folder's name.
const HIVE_NULL: &str = "__HIVE_DEFAULT_PARTITION__";
/// How a folder's key begins that stands for a part of a date.
const YEARS: [&str; 3] = ["year", "yyyy", "y"];
const MONTHS: [&str; 3] = ["month", "mm", "m"];
const DAYS: [&str; 3] = ["day", "dd", "d"];

/// Whether readers of a lake pass over this key: a part of it begins with `.` or `_`, as temporary files, logs and marks
/// of success do. Parts that the glob spells out are wanted.
pub(super) fn is_hidden(key: &str, glob: &str) -> bool {
    let spelled = glob.split('/').take_while(|part| !part.contains(['*', '?', '[', '{', '\\'])).count();
    key.split('/').skip(spelled).any(|part| part.starts_with(['.', '_']) && !glob.split('/').any(|own| own == part))
}

/// Whether an object only shows a folder in a browser: it holds nothing and its name is a folder's.
pub(super) fn is_folder_mark(key: &str, bytes: u64) -> bool {
    bytes == 0 && (key.ends_with('/') || key.ends_with("_$folder$"))
}

/// The day that the folders of a key say its events are of: `day=2026-11-22`, `dt=`, `date=` or any other name with a
/// date, `year=2026/month=11/day=22`, `2026/11/22`, `2026-11-22`, `20261122`.
pub(super) fn day_of(key: &str) -> Option<NaiveDate> {
    let folders: Vec<&str> = key.rsplit_once('/')?.0.split('/').collect();
    let whole = folders.iter().rev().find_map(|folder| date(&decoded(value(folder).unwrap_or(folder))));
    whole.or_else(|| folders.windows(3).rev().find_map(in_three))
}

/// What a folder's name says of every row below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FolderValue {
    /// `None` where it says that there is none.
    pub(super) text: Option<String>,
}

/// The value that a folder of `key` gives to `column`, such as `13` for `region` in `region=13/`.
pub(super) fn partition(key: &str, column: &str) -> Option<FolderValue> {
    let folders = key.rsplit_once('/')?.0;
    let value = folders.split('/').rev().find_map(|folder| {
        let (name, value) = folder.split_once('=')?;
        (decoded(name) == column).then(|| decoded(value))
    })?;
    Some(FolderValue { text: (value != HIVE_NULL && !value.is_empty()).then_some(value) })
}

/// What folders call a day whose files have no column for it.
const DAY_COLUMNS: [&str; 4] = ["day", "date", "dt", "ds"];

/// The day that the folders of `key` give to a column of times: by its name, or, where several folders together or an
/// unnamed one say it, to a column that is called as days are.
pub(super) fn partition_day(key: &str, column: &str) -> Option<FolderValue> {
    let named = partition(key, column);
    let own = named.as_ref().and_then(|value| date(value.text.as_deref()?));
    let of_folders = || day_of(key).filter(|_| DAY_COLUMNS.contains(&column.to_lowercase().as_str()));
    match own.or_else(of_folders) {
        Some(day) => Some(FolderValue { text: Some(day.to_string()) }),
        None => named,
    }
}

fn value(folder: &str) -> Option<&str> {
    folder.split_once('=').map(|(_, value)| value)
}

fn in_three(folders: &[&str]) -> Option<NaiveDate> {
    let named = |folder: &str, names: [&str; 3]| match folder.split_once('=') {
        Some((name, value)) => names.contains(&name.to_lowercase().as_str()).then(|| value.to_owned()),
        None => Some(folder.to_owned()),
    };
    let [year, month, day] = folders else { return None };
    let (year, month, day) = (named(year, YEARS)?, named(month, MONTHS)?, named(day, DAYS)?);
    let is_number = |text: &str, digits: std::ops::RangeInclusive<usize>| {
        digits.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !(is_number(&year, 4..=4) && is_number(&month, 1..=2) && is_number(&day, 1..=2)) {
        return None;
    }
    NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
}

/// A date as folders write it; a time after it, as in `2026-11-22 00:00:00`, must be midnight.
fn date(text: &str) -> Option<NaiveDate> {
    let text = text.trim();
    let text = ["T", " "].iter().find_map(|gap| text.split_once(*gap)).map_or(text, |(day, time)| {
        let midnight = time.chars().all(|c| matches!(c, '0' | ':' | '.' | 'Z'));
        if midnight { day } else { text }
    });
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let format = match shape.as_str() {
        "0000-00-00" => "%Y-%m-%d",
        "0000/00/00" => "%Y/%m/%d",
        "0000_00_00" => "%Y_%m_%d",
        "00000000" => "%Y%m%d",
        _ => return None,
    };
    NaiveDate::parse_from_str(text, format).ok().filter(|day| (1900..2200).contains(&chrono::Datelike::year(day)))
}

/// Undoes the percent signs that writers put where a value has characters that folder names should not have.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut plain, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let code = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        if let Some(byte) = code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            plain.push(byte);
            at += 3;
        } else {
            plain.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8(plain).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_say_the_day_in_many_ways() {
        for key in [
            "events/day=2026-11-22/a.parquet",
            "events/dt=2026-11-22/a.parquet",
            "events/date=20261122/hour=07/a.parquet",
            "events/p_date=2026%2F11%2F22/a.parquet",
            "events/ds=2026-11-22 00%3A00%3A00/a.parquet",
            "events/year=2026/month=11/day=22/a.parquet",
            "events/YEAR=2026/MONTH=11/DAY=22/hour=3/a.parquet",
            "events/2026/11/22/a.parquet",
            "events/2026-11-22/a.parquet",
            "events/20261122/a.parquet",
        ] {
            assert_eq!(day_of(key), NaiveDate::from_ymd_opt(2026, 11, 22), "{key}");
        }
        for key in ["events/day=all/a.parquet", "events/2026-11-22.parquet", "events/12345678/a.parquet", "a.parquet"] {
            assert_eq!(day_of(key), None, "{key}");
        }
        assert_eq!(day_of("events/year=2026/month=1/day=2/a.csv"), NaiveDate::from_ymd_opt(2026, 1, 2));
    }

    #[test]
    fn what_other_readers_pass_over_is_hidden() {
        for key in ["users/._part-0.parquet", "users/_temporary/0/a.parquet", "users/_SUCCESS", "users/.a.parquet.crc"]
        {
            assert!(is_hidden(key, "users/**"), "{key}");
        }
        assert!(!is_hidden("_export/users/a.parquet", "_export/users/*.parquet"), "the catalog names it");
        assert!(!is_hidden("users/a_b.parquet", "users/*.parquet"));
    }

    #[test]
    fn folders_say_the_day_of_files_that_have_no_column_for_it() {
        let day = |key, column| partition_day(key, column).and_then(|value| value.text);
        assert_eq!(day("e/year=2026/month=11/day=22/a.parquet", "day").as_deref(), Some("2026-11-22"));
        assert_eq!(day("e/2026/11/22/a.parquet", "date").as_deref(), Some("2026-11-22"));
        assert_eq!(day("e/dt=20261122/a.parquet", "dt").as_deref(), Some("2026-11-22"));
        assert_eq!(day("e/at=2026-11-22/a.parquet", "at").as_deref(), Some("2026-11-22"));
        assert_eq!(day("e/2026/11/22/a.parquet", "occurred_at"), None, "a name that is no day's may be a mistake");
    }

    #[test]
    fn folders_hold_values_of_columns() {
        let key = "events/kind=purchase/shop=%E6%9D%B1%E4%BA%AC/region=__HIVE_DEFAULT_PARTITION__/a.parquet";
        let text = |column| partition(key, column).map(|value| value.text.unwrap_or("(none)".to_owned()));
        assert_eq!(text("kind").as_deref(), Some("purchase"));
        assert_eq!(text("shop").as_deref(), Some("東京"));
        assert_eq!(text("region").as_deref(), Some("(none)"));
        assert_eq!(text("day"), None);
    }
}
