//! An `events` table: one row something that a person did.

use std::num::NonZeroUsize;

use chrono::{Days, NaiveDate, Offset, TimeZone};
use chrono_tz::Tz;
use polars::prelude::*;

use super::{
    IdType, blocking, collect_now,
    columns::{Need, Scale, Wanted, Zones},
    files, for_each_batch, keys, scan,
};
use crate::{
    catalog::{AmountUnit, Catalog, EventsTable, KindColumn},
    contracts::columns,
    lake::{LakeError, Object, Store},
};

/// An `events` table with canonical columns.
pub struct Events {
    /// `user_id, day, kind, category, amount, amount:fault` (the latter three where the catalog has them) and
    /// `extra:<name>`.
    frame: LazyFrame,
    table: String,
    files: Vec<String>,
    /// As the files say.
    rows: u64,
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
        let (name, style) = (table.name.clone(), table.csv.clone());
        let wanted = wanted(table, id, integers, catalog.time_zone);
        let scan::Scanned { frame, rows, unpacked } =
            blocking(move || scan::frame(&scan::open(&name, local, &style)?, &wanted)).await?;
        let frame = match &table.kind {
            KindColumn::Column(_) => frame,
            KindColumn::Constant(kind) => frame.with_column(lit(kind.as_str()).alias("kind")),
        };
        let files = inputs.iter().map(|input| input.key.clone()).collect();
        Ok(Self { frame, table: table.name.clone(), files, rows, _unpacked: unpacked })
    }

    /// Gives every row to `each`, at most `rows` at a time; what comes next is read meanwhile. Blocks.
    pub fn for_each_batch<E: From<LakeError>>(
        self,
        rows: NonZeroUsize,
        mut each: impl FnMut(DataFrame) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut found = 0;
        for_each_batch(self.frame, rows, |frame| {
            found += frame.height() as u64;
            each(frame)
        })?;
        if found == self.rows {
            return Ok(());
        }
        Err(LakeError::RowsLost { table: self.table, files: self.files, rows: self.rows, found }.into())
    }
}

/// The newest day up to `latest` on which some events table has rows: by the folders' names where they say days, else by
/// the rows' own times. `None` when there is none.
pub async fn newest_day(lake: &Store, catalog: &Catalog, latest: NaiveDate) -> Result<Option<NaiveDate>, LakeError> {
    let mut newest = None;
    for table in &catalog.events {
        newest = newest.max(newest_day_of(lake, catalog, table, latest).await?);
    }
    Ok(newest)
}

async fn newest_day_of(
    lake: &Store,
    catalog: &Catalog,
    table: &EventsTable,
    latest: NaiveDate,
) -> Result<Option<NaiveDate>, LakeError> {
    let objects = files::find(lake, &table.name, &table.path, None).await?;
    let (mut dated, undated): (Vec<Object>, Vec<Object>) =
        objects.into_iter().partition(|object| keys::day_of(&object.key).is_some());
    dated.retain(|object| keys::day_of(&object.key).is_some_and(|day| day <= latest));
    dated.sort_by_key(|object| (keys::day_of(&object.key), object.key.clone()));
    let mut newest = if undated.is_empty() { None } else { newest_row(lake, catalog, table, undated, latest).await? };
    while let Some(last) = dated.last().cloned() {
        let at = dated.iter().position(|object| files::same_day(object, &last)).unwrap_or_default();
        let day = dated.split_off(at);
        if keys::day_of(&last.key) <= newest {
            break;
        }
        if newest_row(lake, catalog, table, day, latest).await?.is_some() {
            newest = newest.max(keys::day_of(&last.key));
            break;
        }
    }
    Ok(newest)
}

/// The day of the newest row up to `latest`.
async fn newest_row(
    lake: &Store,
    catalog: &Catalog,
    table: &EventsTable,
    objects: Vec<Object>,
    latest: NaiveDate,
) -> Result<Option<NaiveDate>, LakeError> {
    let local = files::fetch(lake, objects).await?;
    let (name, style) = (table.name.clone(), table.csv.clone());
    let zones = Zones { stated: table.time_zone, day: catalog.time_zone };
    let wanted = [Wanted::new("day", &table.time, Need::Day(zones))];
    blocking(move || {
        let scanned = scan::frame(&scan::open(&name, local, &style)?, &wanted)?;
        let days = scanned.frame.filter(col("day").lt_eq(lit(latest))).select([col("day").max()]);
        let days = collect_now(days)?.column("day")?.to_physical_repr();
        Ok(days.i32()?.get(0).and_then(NaiveDate::from_epoch_days))
    })
    .await
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
    let zones = Zones { stated: table.time_zone, day: zone };
    let mut wanted = vec![
        Wanted::new(columns::USER_ID, &table.user, Need::Id(id)),
        Wanted::new("day", &table.time, Need::Day(zones)),
    ];
    if let KindColumn::Column(column) = &table.kind {
        wanted.push(Wanted::new("kind", column, Need::Code));
    }
    wanted.extend(table.category.as_ref().map(|column| Wanted::new("category", column, Need::Code)));
    let scale = Scale { decimals: table.amount_decimals, is_minor: table.amount_unit == AmountUnit::Minor };
    let amount = Need::Amount(scale);
    wanted.extend(table.amount.as_ref().map(|column| Wanted::new("amount", column, amount)));
    wanted.extend(table.extra.iter().map(|column| {
        let name = extra_column(column);
        let need = if integers.contains(&name) { Need::Integer } else { Need::Code };
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
