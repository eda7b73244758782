//! Days: from dates, from times in any zone, and from ISO text.

use chrono::{DateTime, Datelike, Duration, LocalResult, NaiveDate, NaiveDateTime, TimeZone as _};
use chrono_tz::Tz;
use polars::prelude::*;

use super::columns::Zones;

const EPOCH: NaiveDate = NaiveDate::from_ymd_opt(1970, 1, 1).expect("a valid date");

/// Days since 1970-01-01, as `Date` columns hold them.
pub(super) fn epoch_days(day: NaiveDate) -> i32 {
    i32::try_from((day - EPOCH).num_days()).expect("chrono's calendar fits 32 bits of days")
}

/// Days outside of the years that people write are mistakes of the data.
const YEARS: std::ops::RangeInclusive<i32> = 1..=9999;

/// The day of a `Date` or `Datetime` column, null for one of no usual year; `None` for other types.
pub(super) fn day(column: &str, dtype: &DataType, zones: Zones) -> Option<Expr> {
    let day = any_day(column, dtype, zones)?;
    let bound = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).map_or(lit(NULL), lit);
    let usual = day.clone().gt_eq(bound(*YEARS.start(), 1, 1)).and(day.clone().lt_eq(bound(*YEARS.end(), 12, 31)));
    Some(when(usual).then(day).otherwise(lit(NULL)))
}

fn any_day(column: &str, dtype: &DataType, zones: Zones) -> Option<Expr> {
    match dtype {
        DataType::Date => Some(col(column)),
        DataType::Datetime(_, None) if zones.of_times() == zones.day => Some(col(column).dt().date()),
        DataType::Datetime(_, None) => {
            Some(moved(col(column).cast(DataType::Datetime(TimeUnit::Microseconds, None)), zones))
        }
        DataType::Datetime(_, Some(_)) => {
            let zone = TimeZone::opt_try_new(Some(zones.day.name())).ok().flatten()?;
            Some(col(column).dt().convert_time_zone(zone).dt().date())
        }
        _ => None,
    }
}

/// The days of times in the stated zone.
fn moved(times: Expr, zones: Zones) -> Expr {
    times.map(
        move |times| {
            let times = times.to_physical_repr();
            let day =
                |micros: i64| Some(epoch_days(day_in(DateTime::from_timestamp_micros(micros)?.naive_utc(), zones)));
            let days: Int32Chunked = times.i64()?.iter().map(|micros| micros.and_then(day)).collect();
            Ok(days.into_series().with_name(times.name().clone()).cast(&DataType::Date)?.into_column())
        },
        |_, field| Ok(Field::new(field.name().clone(), DataType::Date)),
    )
}

/// The day of a time that does not say its zone. A time that the clocks showed twice is the first; one that they left out
/// is as long after the gap as it is after its beginning.
fn day_in(time: NaiveDateTime, zones: Zones) -> NaiveDate {
    let zone = zones.of_times();
    let resolved = |time: &NaiveDateTime| match zone.from_local_datetime(time) {
        LocalResult::Single(moment) | LocalResult::Ambiguous(moment, _) => Some(moment),
        LocalResult::None => None,
    };
    let moment = resolved(&time)
        .or_else(|| resolved(&(time + Duration::hours(1))))
        .or_else(|| resolved(&(time + Duration::days(1))));
    moment.map_or(time.date(), |moment: DateTime<Tz>| moment.with_timezone(&zones.day).date_naive())
}

/// A date, or a date-time with `T` or a space, with or without an offset.
pub(super) fn parse_day(text: &str, zones: Zones) -> Option<NaiveDate> {
    any_day_of_text(text.trim(), zones).filter(|day| YEARS.contains(&day.year()))
}

fn any_day_of_text(text: &str, zones: Zones) -> Option<NaiveDate> {
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(day);
    }
    if let Ok(moment) = DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_str(text, "%F %T%.f%#z")) {
        return Some(moment.with_timezone(&zones.day).date_naive());
    }
    ["%FT%T%.f", "%F %T%.f", "%FT%R", "%F %R"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
        .map(|time| day_in(time, zones))
}

#[cfg(test)]
mod tests {
    use chrono_tz::{America::New_York, Asia::Tokyo, UTC};

    use super::*;

    fn parsed(text: &str, stated: Option<Tz>) -> Option<String> {
        parse_day(text, Zones { stated, day: Tokyo }).map(|day| day.to_string())
    }

    #[test]
    fn iso_text_is_a_day_in_the_catalogs_zone() {
        for same in ["2026-11-22", "2026-11-22T23:59:59", "2026-11-22 23:59:59.5", "2026-11-22 08:00"] {
            assert_eq!(parsed(same, None).as_deref(), Some("2026-11-22"), "{same}");
        }
        for next in [
            "2026-11-22T15:00:00Z",
            "2026-11-22 15:00:00+00:00",
            "2026-11-23T00:00:00.000+09:00",
            "2026-11-22 15:00:00+0000",
        ] {
            assert_eq!(parsed(next, None).as_deref(), Some("2026-11-23"), "{next}");
        }
        for none in ["", "yesterday", "22/11/2026", "2026-13-01", "20261122"] {
            assert_eq!(parsed(none, None), None, "{none}");
        }
    }

    #[test]
    fn times_of_a_stated_zone_are_moved_also_where_clocks_change() {
        assert_eq!(parsed("2026-11-22 15:00:00", Some(UTC)).as_deref(), Some("2026-11-23"));
        assert_eq!(parsed("2026-11-22 14:59:59", Some(UTC)).as_deref(), Some("2026-11-22"));
        // 2026-03-08 02:30 is left out in New York, 2026-11-01 01:30 is there twice.
        for (text, day) in [("2026-03-08 02:30:00", "2026-03-08"), ("2026-11-01 01:30:00", "2026-11-01")] {
            assert_eq!(parsed(text, Some(New_York)).as_deref(), Some(day), "{text}");
        }
        let at_home = Zones { stated: Some(New_York), day: New_York };
        assert_eq!(parse_day("2026-03-08 02:30:00", at_home).unwrap().to_string(), "2026-03-08");
    }

    #[test]
    fn days_of_years_that_nobody_writes_are_missing() {
        assert_eq!(parsed("+12026-11-22", None), None);
        assert_eq!(parsed("-2026-11-22", None), None);
        let day = NaiveDate::from_ymd_opt(2026, 11, 22).map(epoch_days);
        let days = [Some(i32::MIN), day, Some(i32::MAX), None];
        let frame =
            DataFrame::new(4, vec![Int32Chunked::from_slice_options("at".into(), &days).into_date().into_column()]);
        let read = super::day("at", &DataType::Date, Zones { stated: None, day: Tokyo }).unwrap();
        let read = super::super::collect_now(frame.unwrap().lazy().select([read])).unwrap();
        let read = read.column("at").unwrap().to_physical_repr();
        assert_eq!(read.i32().unwrap().iter().collect::<Vec<_>>(), [None, day, None, None]);
    }
}
