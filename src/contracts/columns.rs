//! Columns that every snapshot has, as they stand in its Parquet files; tables are read into the same names.

use std::fmt::Display;

/// Who it is; also the column of delivered files.
pub const USER_ID: &str = "user_id";
/// Whole years.
pub const AGE: &str = "age";
/// Of the catalog's codes.
pub const GENDER: &str = "gender";
/// Of the catalog's codes.
pub const REGION: &str = "region";
/// Whether somebody refused to be contacted.
pub const OPTED_OUT: &str = "opted_out";
/// Whether a person did anything up to the snapshot's day.
pub const HAS_EVENTS: &str = "has_events";
/// Only while `users` is read: the day of birth, from which ages come.
pub const BIRTH: &str = "birth";
/// Only while `users` is read: the day on which somebody registered.
pub const REGISTERED: &str = "registered";
/// What columns of last conversions begin with.
pub const CONVERTED_ON: &str = "converted_on";

/// The column with the day of a product's last conversion on or before the snapshot's day.
pub fn converted_on(product: impl Display) -> String {
    format!("{CONVERTED_ON}:{product}")
}
