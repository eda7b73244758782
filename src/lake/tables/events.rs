//! An `events` table: one row something that a person did.

use std::collections::BTreeSet;

use chrono::{Days, NaiveDate, Offset, TimeZone};
use chrono_tz::Tz;
use polars::prelude::*;

use super::{
    IdType, blocking, collect,
    columns::{Need, Wanted},
    files, scan,
    time::epoch_days,
};
use crate::{
    catalog::{Catalog, EventsTable, KindColumn},
    lake::{LakeError, Object, Store},
};

/// An `events` table with canonical columns.
pub struct Events {
    /// `user_id, day, kind, category, amount` (the latter two where the catalog has them) and `extra:<name>`.
    pub frame: LazyFrame,
    /// The files, sorted by key.
    pub inputs: Vec<Object>,
}

/// What an events table holds, by whether it can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventCounts {
    pub rows: u64,
    pub null_user: u64,
    /// With a user, without a time.
    pub null_time: u64,
    /// With both, but later than the snapshot's day.
    pub after_as_of: u64,
    /// Of the rows that can be used; `None` when there is none.
    pub first_day: Option<NaiveDate>,
}

impl EventCounts {
    /// Rows that count.
    pub fn usable(&self) -> u64 {
        self.rows - self.null_user - self.null_time - self.after_as_of
    }
}

/// The canonical name of a further column.
pub fn extra_column(name: &str) -> String {
    format!("extra:{name}")
}

impl Events {
    /// Finds, fetches and checks the files that may hold events up to `as_of`. `summed` names the columns in `extra`
    /// that must be integers.
    pub async fn open(
        lake: &Store,
        catalog: &Catalog,
        table: &EventsTable,
        (id, summed): (IdType, &BTreeSet<String>),
        as_of: NaiveDate,
    ) -> Result<Self, LakeError> {
        let until = last_partition(as_of, catalog.time_zone);
        let inputs = files::find(lake, &table.name, &table.path, Some(until)).await?;
        let local = files::fetch(lake, inputs.clone()).await?;
        let (name, wanted) = (table.name.clone(), wanted(table, id, summed, catalog.time_zone));
        let frame = blocking(move || scan::frame(&scan::open(&name, local)?, &wanted)).await?;
        let frame = match &table.kind {
            KindColumn::Column(_) => frame,
            KindColumn::Constant(kind) => frame.with_column(lit(kind.as_str()).alias("kind")),
        };
        Ok(Self { frame, inputs })
    }

    /// Only what can be used: somebody's, at a known time, on or before `as_of`.
    pub fn usable(&self, as_of: NaiveDate) -> LazyFrame {
        let counts = col("user_id").is_not_null().and(up_to(as_of));
        self.frame.clone().filter(counts)
    }

    /// Counts the rows by whether they can be used; one pass over two columns.
    pub async fn count(&self, as_of: NaiveDate) -> Result<EventCounts, LakeError> {
        let user = || col("user_id").is_not_null();
        let time = || col("day").is_not_null();
        let usable = || user().and(up_to(as_of));
        let counts = self.frame.clone().select([
            len().cast(DataType::UInt64).alias("rows"),
            user().not().sum().cast(DataType::UInt64).alias("null_user"),
            user().and(time().not()).sum().cast(DataType::UInt64).alias("null_time"),
            usable().sum().cast(DataType::UInt64).alias("usable"),
            when(usable()).then(col("day").to_physical()).otherwise(lit(NULL)).min().alias("first_day"),
        ]);
        let counts = collect(counts).await?;
        let count = |name: &str| counts.column(name)?.u64().map(|column| column.get(0).unwrap_or(0));
        let (rows, null_user, null_time) = (count("rows")?, count("null_user")?, count("null_time")?);
        let first_day = counts.column("first_day")?.i32()?.get(0).and_then(NaiveDate::from_epoch_days);
        let after_as_of = rows - null_user - null_time - count("usable")?;
        Ok(EventCounts { rows, null_user, null_time, after_as_of, first_day })
    }
}

fn up_to(as_of: NaiveDate) -> Expr {
    col("day").lt_eq(lit(epoch_days(as_of)).cast(DataType::Date))
}

/// The last `day=…` folder that may hold events of `as_of`. Folders are often of UTC days, and west of Greenwich the end
/// of a day is in the next UTC day.
pub(super) fn last_partition(as_of: NaiveDate, zone: Tz) -> NaiveDate {
    let evening = as_of.and_hms_opt(23, 59, 59).expect("a valid time");
    let offset = zone.offset_from_utc_datetime(&evening).fix();
    let days = Days::new(u64::from(offset.local_minus_utc() < 0));
    as_of.checked_add_days(days).unwrap_or(as_of)
}

fn wanted(table: &EventsTable, id: IdType, summed: &BTreeSet<String>, zone: Tz) -> Vec<Wanted> {
    let mut wanted =
        vec![Wanted::new("user_id", &table.user, Need::Id(id)), Wanted::new("day", &table.time, Need::Day(zone))];
    if let KindColumn::Column(column) = &table.kind {
        wanted.push(Wanted::new("kind", column, Need::Code));
    }
    wanted.extend(table.category.as_ref().map(|column| Wanted::new("category", column, Need::Code)));
    let amount = Need::Amount(table.amount_decimals);
    wanted.extend(table.amount.as_ref().map(|column| Wanted::new("amount", column, amount)));
    wanted.extend(table.extra.iter().map(|column| {
        let need = if summed.contains(column) { Need::Integer } else { Need::Countable };
        Wanted::new(&extra_column(column), column, need)
    }));
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_the_next_utc_day_is_read_only_west_of_greenwich() {
        let day = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
        assert_eq!(last_partition(day, chrono_tz::Asia::Tokyo), day);
        assert_eq!(last_partition(day, chrono_tz::UTC), day);
        assert_eq!(last_partition(day, chrono_tz::America::New_York), day.succ_opt().unwrap());
    }
}
