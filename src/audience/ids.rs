//! People's ids, read from a column of text or of whole numbers.

use polars::prelude::{DataFrame, DataType};

use super::{AudienceError, UserId};

use crate::{contracts::columns, features::wrong_type};

/// The ids of some rows.
pub(super) enum Ids {
    Int(Vec<i64>),
    Text(Vec<String>),
}

impl Ids {
    pub(super) fn of(frame: &DataFrame) -> Result<Self, AudienceError> {
        let column = frame.column(columns::USER_ID)?;
        if column.null_count() > 0 {
            return Err(wrong_type(column, "without nulls").into());
        }
        match column.dtype() {
            DataType::String => Ok(Self::Text(column.str()?.iter().flatten().map(str::to_owned).collect())),
            integer if integer.is_integer() => {
                Ok(Self::Int(column.cast(&DataType::Int64)?.i64()?.iter().flatten().collect()))
            }
            _ => Err(wrong_type(column, "text or a whole number").into()),
        }
    }

    pub(super) fn get(&self, row: usize) -> UserId {
        match self {
            Self::Int(ids) => UserId::Int(ids[row]),
            Self::Text(ids) => UserId::Text(ids[row].clone()),
        }
    }
}
