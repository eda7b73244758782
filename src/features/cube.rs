//! How many people there are of each kind: a small table beside a snapshot, from which a form's estimate is summed
//! without reading the snapshot.
//!
//! One row for each `region, gender, age, opted_out` that occurs, sorted by these: `people`, and for each product how many
//! of them converted within so many days (`converted_30d:<product>`), at any time (`converted_ever:<product>`) and within the
//! product's horizon (`conversions:<product>`). Counts are of people, so they add up exactly.

use chrono::{Days, NaiveDate};
use polars::prelude::*;

use super::columns::{AGE, GENDER, OPTED_OUT, REGION, conversion_column};
use crate::catalog::Catalog;

const KEYS: [&str; 4] = [REGION, GENDER, AGE, OPTED_OUT];
/// The exclusions that the form offers.
const CONVERTED_DAYS: [u16; 3] = [30, 90, 180];

/// The table of some of a snapshot's rows.
pub(super) fn count(rows: &DataFrame, catalog: &Catalog, as_of: NaiveDate) -> PolarsResult<DataFrame> {
    let columns = KEYS.into_iter().map(col).chain(catalog.products.iter().map(|of| col(conversion_column(&of.id))));
    let mut counts = vec![len().cast(DataType::UInt32).alias("people")];
    for product in &catalog.products {
        let day = || col(conversion_column(&product.id));
        let mut add = |converted: Expr, name: &str| {
            counts.push(converted.sum().cast(DataType::UInt32).alias(format!("{name}:{}", product.id)));
        };
        for days in CONVERTED_DAYS {
            add(day().gt(lit(as_of - Days::new(days.into()))), &format!("converted_{days}d"));
        }
        add(day().is_not_null(), "converted_ever");
        add(day().gt(lit(as_of - Days::new(product.horizon_days.into()))), "conversions");
    }
    rows.clone().lazy().select(columns.collect::<Vec<_>>()).group_by(KEYS.map(col)).agg(counts).collect()
}

/// One table of several, sorted.
pub(super) fn joined(tables: Vec<DataFrame>) -> PolarsResult<DataFrame> {
    let all = concat(tables.into_iter().map(IntoLazy::lazy).collect::<Vec<_>>(), UnionArgs::default())?;
    let sums = all.group_by(KEYS.map(col)).agg([all_except_keys().sum()]);
    sums.sort(KEYS, SortMultipleOptions::default().with_nulls_last(true)).collect()
}

fn all_except_keys() -> Expr {
    Expr::Selector(all().exclude_cols(KEYS))
}
