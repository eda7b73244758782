//! How many people there are of each kind: a small table beside a snapshot, from which a form's estimate is summed
//! without reading the snapshot.
//!
//! One row for each `region, gender, age, opted_out` that occurs, sorted by these: `people`, and for each product how many
//! of them converted within so many days (`converted_30d:<product>`), at any time (`converted_ever:<product>`) and within the
//! product's horizon (`conversions:<product>`). Counts are of people, so they add up exactly.

use chrono::{Days, NaiveDate};
use polars::prelude::*;

use crate::{
    catalog::{Attribute, AttributeValues, Band, Catalog},
    contracts::columns::{AGE, GENDER, OPTED_OUT, REGION, converted_on},
};

/// What is known of everybody.
const PROFILE: [&str; 4] = [REGION, GENDER, AGE, OPTED_OUT];
/// The exclusions that the form offers.
const CONVERTED_DAYS: [u16; 3] = [30, 90, 180];

/// The table of some of a snapshot's rows.
pub(super) fn count(rows: &DataFrame, catalog: &Catalog, as_of: NaiveDate) -> PolarsResult<DataFrame> {
    let keys = keys(catalog);
    let columns = PROFILE.into_iter().map(col).chain(catalog.conditions().map(choice));
    let columns = columns.chain(catalog.products.iter().map(|of| col(converted_on(&of.id))));
    let mut counts = vec![len().cast(DataType::UInt32).alias("people")];
    for product in &catalog.products {
        let day = || col(converted_on(&product.id));
        let mut add = |converted: Expr, name: &str| {
            counts.push(converted.sum().cast(DataType::UInt32).alias(format!("{name}:{}", product.id)));
        };
        for days in CONVERTED_DAYS {
            add(day().gt(lit(as_of - Days::new(days.into()))), &format!("converted_{days}d"));
        }
        add(day().is_not_null(), "converted_ever");
        add(day().gt(lit(as_of - Days::new(product.horizon_days.into()))), "conversions");
    }
    rows.clone().lazy().select(columns.collect::<Vec<_>>()).group_by(columns_of(&keys)).agg(counts).collect()
}

/// What people are counted by.
fn keys(catalog: &Catalog) -> Vec<String> {
    let attributes = catalog.conditions().map(|attribute| attribute.id.as_str());
    PROFILE.into_iter().chain(attributes).map(str::to_owned).collect()
}

fn columns_of(keys: &[String]) -> Vec<Expr> {
    keys.iter().map(col).collect()
}

/// The id of the choice that a person's attribute is; null for none.
fn choice(attribute: &Attribute) -> Expr {
    let value = || col(attribute.id.as_str());
    match &attribute.values {
        AttributeValues::Codes(_) => value(),
        AttributeValues::Numbers(bands) => {
            let of_band = |otherwise: Expr, band: &Band| {
                let above = band.from.map_or(lit(true), |from| value().gt_eq(lit(from)));
                let below = band.below.map_or(lit(true), |below| value().lt(lit(below)));
                when(value().is_not_null().and(above).and(below))
                    .then(lit(band.choice.id.as_str()))
                    .otherwise(otherwise)
            };
            bands.iter().fold(lit(NULL).cast(DataType::String), of_band).alias(attribute.id.as_str())
        }
    }
}

/// One table of several, sorted.
pub(super) fn joined(tables: Vec<DataFrame>, catalog: &Catalog) -> PolarsResult<DataFrame> {
    let keys = keys(catalog);
    let all = concat(tables.into_iter().map(IntoLazy::lazy).collect::<Vec<_>>(), UnionArgs::default())?;
    let sums = all.group_by(columns_of(&keys)).agg([all_except(&keys).sum()]);
    sums.sort(&keys, SortMultipleOptions::default().with_nulls_last(true)).collect()
}

fn all_except(keys: &[String]) -> Expr {
    Expr::Selector(all().exclude_cols(keys))
}
