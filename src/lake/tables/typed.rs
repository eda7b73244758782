//! From the columns of a typed file, whatever their types, to canonical ones.

use polars::prelude::*;

use super::{
    amounts,
    columns::{Need, Wanted},
    scan::Source,
    text, time,
};
use crate::lake::LakeError;

/// Whole numbers above are not exact in a 64-bit float: 2^53.
const FLOAT_EXACT: f64 = 9_007_199_254_740_992.0;

/// Digits of a decimal number that can be read.
const DECIMAL_DIGITS: usize = 38;

/// What a wanted column becomes.
pub(super) struct Converted {
    /// As [`Wanted::fields`] lists them.
    pub(super) columns: Vec<Expr>,
    /// Where some values may not be what is needed: true for a row with one. To be looked at before the rest is used.
    pub(super) misfit: Option<Expr>,
}

/// The canonical columns, or which column of which file is not as needed.
pub(super) fn convert(wanted: &Wanted, source: &Source, dtype: &DataType) -> Result<Converted, LakeError> {
    let value = col(&wanted.column);
    let plain = |value: Expr| Converted { columns: vec![value], misfit: None };
    let converted = match (wanted.need, dtype) {
        (_, DataType::Null) => Some(nothing(wanted)),
        (_, DataType::Decimal(digits, _)) if *digits > DECIMAL_DIGITS => {
            return Err(wanted.wrong_type(source, "a decimal number of more than 38 digits; write it with fewer"));
        }
        (_, DataType::Categorical(..) | DataType::Enum(..)) => {
            return convert_value(wanted, source, value.cast(DataType::String), &DataType::String);
        }
        (Need::Amount(scale), _) => amounts::expressions("", &value, dtype, scale).map(|_| Converted {
            columns: amounts::expressions(&wanted.name, &value, dtype, scale).into_iter().flatten().collect(),
            misfit: (*dtype == DataType::String).then(|| misread(wanted)),
        }),
        (Need::Day(zones), _) => match dtype {
            DataType::String => Some(read(wanted)),
            DataType::Datetime(_, None) if source.has_instants(&wanted.column) && zones.stated.is_none() => {
                return Err(wanted.wrong_type(
                    source,
                    "a time of the old INT96 type, which does not say its zone (Spark writes UTC, Hive local times); state it \
                     with the table's `time_zone` in the catalog, such as time_zone = \"UTC\"",
                ));
            }
            _ => time::day(&wanted.column, dtype, zones).map(plain),
        },
        _ => return convert_value(wanted, source, value, dtype),
    };
    converted.ok_or_else(|| wanted.wrong_type(source, type_words(dtype)))
}

/// Ids, codes, whole numbers and flags.
fn convert_value(wanted: &Wanted, source: &Source, value: Expr, dtype: &DataType) -> Result<Converted, LakeError> {
    if *dtype == DataType::String {
        if matches!(wanted.need, Need::Id(super::IdType::Text) | Need::Code) {
            // As in a CSV file, where nothing is nothing.
            let text = value.clone();
            let kept = when(text.clone().str().strip_chars(lit(NULL)).eq(lit(""))).then(lit(NULL)).otherwise(text);
            return Ok(Converted { columns: vec![kept], misfit: None });
        }
        return Ok(read(wanted));
    }
    let number = number(&value, dtype);
    let converted = match wanted.need {
        Need::Flag if *dtype == DataType::Boolean => Some(Converted { columns: vec![value], misfit: None }),
        Need::Flag => number.map(|Number { whole, misfit }| {
            let no_flag = whole.clone().neq(lit(0)).and(whole.clone().neq(lit(1)));
            let misfit = misfit.map_or(no_flag.clone(), |misfit| misfit.or(no_flag));
            Converted { columns: vec![whole.neq(lit(0))], misfit: Some(misfit) }
        }),
        Need::Code if *dtype == DataType::Boolean => {
            let words = when(value.clone()).then(lit("true")).when(value.not()).then(lit("false"));
            Some(Converted { columns: vec![words.otherwise(lit(NULL))], misfit: None })
        }
        Need::Code | Need::Id(super::IdType::Text) => {
            number.map(|Number { whole, misfit }| Converted { columns: vec![whole.cast(DataType::String)], misfit })
        }
        Need::Id(super::IdType::Integer) | Need::Integer => {
            number.map(|Number { whole, misfit }| Converted { columns: vec![whole], misfit })
        }
        Need::Number => {
            (dtype.is_primitive_numeric() || dtype.is_decimal() || *dtype == DataType::Boolean).then(|| {
                let wide = value.cast(DataType::Float64);
                let finite = when(wide.clone().is_finite()).then(wide).otherwise(lit(NULL));
                Converted { columns: vec![finite], misfit: None }
            })
        }
        Need::Amount(_) | Need::Day(_) => None,
    };
    converted.ok_or_else(|| wanted.wrong_type(source, type_words(dtype)))
}

/// A whole number as Int64, and where it is none.
struct Number {
    whole: Expr,
    misfit: Option<Expr>,
}

fn number(value: &Expr, dtype: &DataType) -> Option<Number> {
    let whole = value.clone().cast(DataType::Int64);
    match dtype {
        DataType::UInt64 | DataType::Int128 | DataType::UInt128 => {
            let misfit = value.clone().is_not_null().and(whole.clone().is_null());
            Some(Number { whole, misfit: Some(misfit) })
        }
        integer if integer.is_integer() => Some(Number { whole, misfit: None }),
        // What pandas makes of whole numbers with gaps.
        float if float.is_float() => {
            let wide = value.clone().cast(DataType::Float64);
            let exact = wide.clone().gt_eq(lit(-FLOAT_EXACT)).and(wide.clone().lt_eq(lit(FLOAT_EXACT)));
            let truncated = wide.clone().cast(DataType::Int64).cast(DataType::Float64);
            let is_whole = exact.and(truncated.eq(wide.clone()));
            let there = wide.clone().is_not_null().and(wide.clone().is_not_nan());
            let whole = when(there.clone().and(is_whole.clone())).then(wide.cast(DataType::Int64)).otherwise(lit(NULL));
            Some(Number { whole: whole.cast(DataType::Int64), misfit: Some(there.and(is_whole.not())) })
        }
        DataType::Decimal(..) => {
            let misfit = value.clone().is_not_null().and(whole.clone().cast(dtype.clone()).neq_missing(value.clone()));
            Some(Number { whole, misfit: Some(misfit) })
        }
        _ => None,
    }
}

/// From text, by the rules of files that know nothing else.
fn read(wanted: &Wanted) -> Converted {
    let (name, need) = (wanted.name.clone(), wanted.need);
    let dtype = need.dtype();
    let field_dtype = dtype.clone();
    let column = col(&wanted.column).map(
        move |text| {
            let mut cells = text::Cells::new(need);
            for text in text.str()?.iter() {
                // What cannot be read was refused before.
                cells.push(text.filter(|text| !text.trim().is_empty())).ok();
            }
            Ok(cells
                .finish(&name)
                .into_iter()
                .next()
                .unwrap_or_else(|| Column::full_null(PlSmallStr::EMPTY, 0, &dtype)))
        },
        move |_, field| Ok(Field::new(field.name().clone(), field_dtype.clone())),
    );
    Converted { columns: vec![column], misfit: Some(misread(wanted)) }
}

/// Whether there is text that is not what is needed.
fn misread(wanted: &Wanted) -> Expr {
    let need = wanted.need;
    col(&wanted.column).map(
        move |text| {
            let misread = |text: &str| !text.trim().is_empty() && text::Cells::new(need).push(Some(text)).is_err();
            let misread: BooleanChunked = text.str()?.iter().map(|text| Some(text.is_some_and(misread))).collect();
            Ok(misread.into_series().with_name(text.name().clone()).into_column())
        },
        |_, field| Ok(Field::new(field.name().clone(), DataType::Boolean)),
    )
}

/// A column without any value.
fn nothing(wanted: &Wanted) -> Converted {
    let columns = wanted.fields().into_iter().map(|field| lit(NULL).cast(field.dtype().clone()));
    Converted { columns: columns.collect(), misfit: None }
}

/// A type as people call it.
pub(super) fn type_words(dtype: &DataType) -> &'static str {
    match dtype {
        DataType::Boolean => "true or false",
        DataType::String | DataType::Categorical(..) | DataType::Enum(..) => "text",
        DataType::Binary | DataType::BinaryOffset => "raw bytes; write it as text",
        DataType::Date => "a date",
        DataType::Time => "a time of day",
        DataType::Datetime(..) => "a date-time",
        DataType::Duration(_) => "a length of time",
        DataType::List(_) | DataType::Array(..) => "a list",
        DataType::Struct(_) => "a group of fields",
        DataType::Decimal(..) => "a decimal number",
        integer if integer.is_integer() => "a whole number",
        float if float.is_float() => "a number with decimals",
        DataType::Null => "without any value",
        _ => "of a type that is not read",
    }
}
