//! Days: from date-times in any zone, and from the ISO text of a CSV file.

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use chrono_tz::Tz;
use polars::prelude::*;

const EPOCH: NaiveDate = NaiveDate::from_ymd_opt(1970, 1, 1).expect("a valid date");

/// Days since 1970-01-01, as `Date` columns hold them.
pub(super) fn epoch_days(day: NaiveDate) -> i32 {
    i32::try_from((day - EPOCH).num_days()).expect("chrono's calendar fits 32 bits of days")
}

/// The day in `zone` of a `Date` or `Datetime` column; `None` for other types.
pub(super) fn day(column: &str, dtype: &DataType, zone: Tz) -> Option<Expr> {
    match dtype {
        DataType::Date => Some(col(column)),
        DataType::Datetime(_, None) => Some(col(column).dt().date()),
        DataType::Datetime(_, Some(_)) => {
            let zone = TimeZone::opt_try_new(Some(zone.name())).ok().flatten()?;
            Some(col(column).dt().convert_time_zone(zone).dt().date())
        }
        _ => None,
    }
}

/// The day in `zone` of ISO text; null for text that is none.
pub(super) fn day_from_text(column: &str, zone: Tz) -> Expr {
    col(column).map(
        move |text| {
            let days: Int32Chunked =
                text.str()?.iter().map(|text| text.and_then(|text| parse_day(text, zone)).map(epoch_days)).collect();
            Ok(days.into_series().with_name(text.name().clone()).cast(&DataType::Date)?.into_column())
        },
        |_, field| Ok(Field::new(field.name().clone(), DataType::Date)),
    )
}

/// A date, or a date-time with `T` or a space; without an offset it is in `zone`.
fn parse_day(text: &str, zone: Tz) -> Option<NaiveDate> {
    let text = text.trim();
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(day);
    }
    if let Ok(moment) = DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_str(text, "%F %T%.f%#z")) {
        return Some(moment.with_timezone(&zone).date_naive());
    }
    ["%FT%T%.f", "%F %T%.f", "%FT%R", "%F %R"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
        .map(|moment| moment.date())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<String> {
        parse_day(text, chrono_tz::Asia::Tokyo).map(|day| day.to_string())
    }

    #[test]
    fn iso_text_is_a_day_in_the_catalogs_zone() {
        for same in ["2026-11-22", "2026-11-22T23:59:59", "2026-11-22 23:59:59.5", "2026-11-22 08:00"] {
            assert_eq!(parsed(same).as_deref(), Some("2026-11-22"), "{same}");
        }
        for next in [
            "2026-11-22T15:00:00Z",
            "2026-11-22 15:00:00+00:00",
            "2026-11-23T00:00:00.000+09:00",
            "2026-11-22 15:00:00+0000",
        ] {
            assert_eq!(parsed(next).as_deref(), Some("2026-11-23"), "{next}");
        }
        for none in ["", "yesterday", "22/11/2026", "2026-13-01", "20261122"] {
            assert_eq!(parsed(none), None, "{none}");
        }
    }
}
