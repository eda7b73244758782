//! The `users` table: one row a person.

use chrono::{Datelike, NaiveDate};
use polars::prelude::*;

use super::{
    IdType, blocking,
    columns::{Need, Wanted},
    files, scan,
};
use crate::{
    catalog::{AgeColumn, Catalog},
    lake::{LakeError, Store},
};

/// Ages outside are taken for a mistake of the data and become null.
const AGE_MAX: i64 = 130;
const BIRTH: &str = "birth";

/// The `users` table with canonical columns; ids may still repeat.
pub struct Users {
    /// `user_id, age, gender, region, opted_out`.
    pub frame: LazyFrame,
    pub id: IdType,
    /// What the frame reads is there as long as this is.
    _unpacked: scan::Unpacked,
}

impl Users {
    /// Finds, fetches and checks the table. A birth date becomes the age on `as_of`.
    pub async fn open(lake: &Store, catalog: &Catalog, as_of: NaiveDate) -> Result<Self, LakeError> {
        let inputs = files::find(lake, "users", &catalog.users.path, None).await?;
        let local = files::fetch(lake, inputs).await?;
        let wanted = wanted(catalog);
        let (scan::Scanned { frame, unpacked }, id) = blocking(move || -> Result<_, LakeError> {
            let sources = scan::open("users", local)?;
            let mut wanted = wanted;
            let id = if *wanted[0].dtype(&sources[0])? == DataType::String { IdType::Text } else { IdType::Integer };
            // The first file decides; in one of the other type the id is then the column named as wrong.
            if wanted[0].expr(&sources[0]).is_ok() {
                wanted[0].need = Need::Id(id);
            }
            Ok((scan::frame(sources, &wanted)?, id))
        })
        .await?;
        Ok(Self { frame: frame.select(canonical(catalog, as_of)), id, _unpacked: unpacked })
    }
}

fn wanted(catalog: &Catalog) -> Vec<Wanted> {
    let table = &catalog.users;
    let mut wanted = vec![Wanted::new("user_id", &table.id, Need::AnyId)];
    match &table.age {
        Some(AgeColumn::Years(column)) => wanted.push(Wanted::new("age", column, Need::Integer)),
        Some(AgeColumn::BirthDate(column)) => wanted.push(Wanted::new(BIRTH, column, Need::Day(catalog.time_zone))),
        None => {}
    }
    let mut add = |name, column: &Option<String>, need| {
        wanted.extend(column.as_ref().map(|column| Wanted::new(name, column, need)));
    };
    add("gender", &table.gender, Need::Code);
    add("region", &table.region, Need::Code);
    add("opted_out", &table.opted_out, Need::Flag);
    wanted
}

/// Codes become the catalog's ids; what the catalog does not list becomes null.
fn canonical(catalog: &Catalog, as_of: NaiveDate) -> Vec<Expr> {
    let absent = |dtype: DataType| lit(NULL).cast(dtype);
    let table = &catalog.users;
    let age = match &table.age {
        Some(AgeColumn::Years(_)) => plausible_age(col("age")),
        Some(AgeColumn::BirthDate(_)) => plausible_age(years_since(as_of)),
        None => absent(DataType::Int16),
    };
    let gender = if table.gender.is_some() { gender_id(catalog) } else { absent(DataType::String) };
    let region = if table.region.is_some() { listed_region(catalog) } else { absent(DataType::String) };
    // Who does not say that they may be written to may not be.
    let opted_out = if table.opted_out.is_some() { col("opted_out").fill_null(lit(true)) } else { lit(false) };
    vec![col("user_id"), age.alias("age"), gender.alias("gender"), region.alias("region"), opted_out.alias("opted_out")]
}

fn plausible_age(years: Expr) -> Expr {
    let plausible = years.clone().gt_eq(lit(0)).and(years.clone().lt_eq(lit(AGE_MAX)));
    when(plausible).then(years).otherwise(lit(NULL)).cast(DataType::Int16)
}

/// Whole years from the day of birth to `as_of`.
fn years_since(as_of: NaiveDate) -> Expr {
    let birth = || col(BIRTH).dt();
    let (month, day) = (lit(as_of.month().cast_signed()), lit(as_of.day().cast_signed()));
    let month_of_birth = || birth().month().cast(DataType::Int32);
    let birthday_is_ahead = month_of_birth()
        .gt(month.clone())
        .or(month_of_birth().eq(month).and(birth().day().cast(DataType::Int32).gt(day)));
    lit(as_of.year()) - birth().year().cast(DataType::Int32) - birthday_is_ahead.cast(DataType::Int32)
}

fn gender_id(catalog: &Catalog) -> Expr {
    let codes = catalog.genders.iter().filter_map(|gender| Some((gender.code.as_deref()?, gender.id.as_str())));
    codes.fold(lit(NULL).cast(DataType::String), |otherwise, (code, id)| {
        when(col("gender").eq(lit(code))).then(lit(id)).otherwise(otherwise)
    })
}

fn listed_region(catalog: &Catalog) -> Expr {
    let codes: Vec<&str> = catalog.regions.iter().map(|region| region.code.as_str()).collect();
    let listed = lit(Series::new("codes".into(), codes)).implode(true);
    when(col("region").is_in(listed, false)).then(col("region")).otherwise(lit(NULL))
}
