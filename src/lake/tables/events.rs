//! An `events` table: one row something that a person did.

use chrono::{Days, NaiveDate, Offset, TimeZone};
use chrono_tz::Tz;
use polars::prelude::*;

use super::{
    IdType, blocking,
    columns::{Need, Wanted},
    files, scan,
};
use crate::{
    catalog::{Catalog, EventsTable, KindColumn},
    lake::{LakeError, Object, Store},
};

/// An `events` table with canonical columns.
pub struct Events {
    /// `user_id, day, kind, category, amount` (the latter two where the catalog has them) and `extra:<name>`.
    pub frame: LazyFrame,
    /// What the frame reads is there as long as this is.
    _unpacked: scan::Unpacked,
}

/// The canonical name of a further column.
pub fn extra_column(name: &str) -> String {
    format!("extra:{name}")
}

/// The files that may hold events up to `as_of`, sorted by key. Fetches nothing.
pub async fn event_files(
    lake: &Store,
    catalog: &Catalog,
    table: &EventsTable,
    as_of: NaiveDate,
) -> Result<Vec<Object>, LakeError> {
    files::find(lake, &table.name, &table.path, Some(last_partition(as_of, catalog.time_zone))).await
}

impl Events {
    /// Fetches and checks some of the table's files. `integers` names the canonical columns that features do arithmetic
    /// with.
    pub async fn open(
        lake: &Store,
        catalog: &Catalog,
        table: &EventsTable,
        (id, integers): (IdType, &[String]),
        inputs: &[Object],
    ) -> Result<Self, LakeError> {
        let local = files::fetch(lake, inputs.to_vec()).await?;
        let (name, wanted) = (table.name.clone(), wanted(table, id, integers, catalog.time_zone));
        let scan::Scanned { frame, unpacked } =
            blocking(move || scan::frame(scan::open(&name, local)?, &wanted)).await?;
        let frame = match &table.kind {
            KindColumn::Column(_) => frame,
            KindColumn::Constant(kind) => frame.with_column(lit(kind.as_str()).alias("kind")),
        };
        Ok(Self { frame, _unpacked: unpacked })
    }
}

/// The last `day=…` folder that may hold events of `as_of`. Folders are often of UTC days, and west of Greenwich the end
/// of a day is in the next UTC day.
pub(super) fn last_partition(as_of: NaiveDate, zone: Tz) -> NaiveDate {
    let evening = as_of.and_hms_opt(23, 59, 59).expect("a valid time");
    let offset = zone.offset_from_utc_datetime(&evening).fix();
    let days = Days::new(u64::from(offset.local_minus_utc() < 0));
    as_of.checked_add_days(days).unwrap_or(as_of)
}

fn wanted(table: &EventsTable, id: IdType, integers: &[String], zone: Tz) -> Vec<Wanted> {
    let mut wanted =
        vec![Wanted::new("user_id", &table.user, Need::Id(id)), Wanted::new("day", &table.time, Need::Day(zone))];
    if let KindColumn::Column(column) = &table.kind {
        wanted.push(Wanted::new("kind", column, Need::Code));
    }
    wanted.extend(table.category.as_ref().map(|column| Wanted::new("category", column, Need::Code)));
    let amount = Need::Amount(table.amount_decimals);
    wanted.extend(table.amount.as_ref().map(|column| Wanted::new("amount", column, amount)));
    wanted.extend(table.extra.iter().map(|column| {
        let name = extra_column(column);
        let need = if integers.contains(&name) { Need::Integer } else { Need::Countable };
        Wanted::new(&name, column, need)
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
