//! Amounts of money, exact: whatever type a file holds them in, the same number is the same count of the smallest unit.

use std::collections::BTreeMap;

use polars::prelude::*;

use super::columns::Scale;
use crate::lake::{LakeError, csv};

/// The canonical column that says why a row has no amount although the file holds something; see [`REASONS`].
pub(super) const FAULT: &str = "amount:fault";

/// Why an amount cannot be used, as counts name it. A fault is a place in this list.
const REASONS: [&str; 3] = ["not_a_number", "infinite", "out_of_range"];
const NOT_A_NUMBER: u8 = 0;
const INFINITE: u8 = 1;
const OUT_OF_RANGE: u8 = 2;

/// Amounts above are not added up, so that sums over a person's life fit 64 bits: 2^62.
const LARGEST: f64 = 4.6e18;

/// Amounts that could not be used, by reason.
pub type AmountFaults = BTreeMap<String, u64>;

/// An amount in the smallest unit, or why there is none.
pub(super) type Amount = Result<i64, u8>;

/// Adds up the faults of a frame with canonical columns.
pub fn count_faults(frame: &DataFrame, faults: &mut AmountFaults) -> Result<(), LakeError> {
    let Ok(column) = frame.column(FAULT) else { return Ok(()) };
    if column.null_count() == column.len() {
        return Ok(());
    }
    for fault in column.u8()?.iter().flatten() {
        let reason = REASONS.get(usize::from(fault)).unwrap_or(&REASONS[0]);
        *faults.entry((*reason).to_owned()).or_default() += 1;
    }
    Ok(())
}

/// From the text of a file that knows no types.
pub(super) fn of_text(text: &str, scale: Scale) -> Option<Amount> {
    match csv::minor_units(text, scale.shift()) {
        Ok(units) => Some(Ok(units)),
        Err(csv::AmountFault::OutOfRange) => Some(Err(OUT_OF_RANGE)),
        Err(csv::AmountFault::TooFine) => Some(of_float(text.trim().parse().ok()?, scale)),
        Err(csv::AmountFault::NoNumber) => match text.trim().to_ascii_lowercase().trim_start_matches(['-', '+']) {
            "nan" => Some(Err(NOT_A_NUMBER)),
            "inf" | "infinity" => Some(Err(INFINITE)),
            // `1e3` is a number as programs write it; `1,234` is none.
            plain if plain.contains('e') => Some(of_float(text.trim().parse().ok()?, scale)),
            _ => None,
        },
    }
}

/// Rounded half away from zero.
#[expect(clippy::cast_possible_truncation, reason = "bounded by 2^62, which f64 and i64 both hold")]
pub(super) fn of_float(amount: f64, scale: Scale) -> Amount {
    let units = amount * 10_f64.powi(scale.shift().into());
    if amount.is_nan() {
        Err(NOT_A_NUMBER)
    } else if amount.is_infinite() {
        Err(INFINITE)
    } else if units.abs() >= LARGEST {
        Err(OUT_OF_RANGE)
    } else {
        Ok(units.round() as i64)
    }
}

/// `value` has `digits` decimals.
pub(super) fn of_decimal(value: i128, digits: usize, scale: Scale) -> Amount {
    let shift = usize::from(scale.shift());
    let power = |exponent: usize| 10_i128.checked_pow(u32::try_from(exponent).unwrap_or(u32::MAX));
    let units = if digits <= shift {
        power(shift - digits).and_then(|factor| value.checked_mul(factor)).ok_or(OUT_OF_RANGE)?
    } else {
        let divisor = power(digits - shift).ok_or(OUT_OF_RANGE)?;
        // Half away from zero, as for floats.
        let (whole, rest) = (value / divisor, value % divisor);
        whole + if rest.abs() * 2 >= divisor { rest.signum() } else { 0 }
    };
    i64::try_from(units).map_err(|_| OUT_OF_RANGE)
}

/// The canonical amount and its fault, from one column of a typed file.
pub(super) fn expressions(name: &str, value: &Expr, dtype: &DataType, scale: Scale) -> Option<[Expr; 2]> {
    let none = |dtype: DataType| lit(NULL).cast(dtype);
    let value = match dtype {
        DataType::Decimal(..) | DataType::String => value.clone(),
        DataType::UInt64 | DataType::Int128 | DataType::UInt128 => value.clone().cast(DataType::Decimal(38, 0)),
        integer if integer.is_integer() && scale.shift() == 0 => {
            return Some([value.clone().cast(DataType::Int64).alias(name), none(DataType::UInt8).alias(FAULT)]);
        }
        integer if integer.is_integer() => value.clone().cast(DataType::Int64),
        float if float.is_float() => value.clone().cast(DataType::Float64),
        DataType::Null => {
            return Some([none(DataType::Int64).alias(name), none(DataType::UInt8).alias(FAULT)]);
        }
        _ => return None,
    };
    let units = value.clone().map(
        move |column| {
            let units: Int64Chunked =
                amounts(&column, scale)?.into_iter().map(|amount| amount.and_then(Result::ok)).collect();
            Ok(units.into_series().with_name(column.name().clone()).into_column())
        },
        |_, field| Ok(Field::new(field.name().clone(), DataType::Int64)),
    );
    let fault = value.map(
        move |column| {
            let faults: UInt8Chunked =
                amounts(&column, scale)?.into_iter().map(|amount| amount.and_then(Result::err)).collect();
            Ok(faults.into_series().with_name(column.name().clone()).into_column())
        },
        |_, field| Ok(Field::new(field.name().clone(), DataType::UInt8)),
    );
    Some([units.alias(name), fault.alias(FAULT)])
}

fn amounts(column: &Column, scale: Scale) -> PolarsResult<Vec<Option<Amount>>> {
    Ok(match column.dtype() {
        DataType::Decimal(_, digits) => {
            let digits = *digits;
            let values = column.decimal()?.physical().iter();
            values.map(|value| value.map(|value| of_decimal(value, digits, scale))).collect()
        }
        DataType::Int64 => {
            let values = column.i64()?.iter();
            values.map(|value| value.map(|value| of_decimal(value.into(), 0, scale))).collect()
        }
        DataType::String => {
            let text = column.str()?.iter();
            let missing = |text: &&str| !text.trim().is_empty();
            text.map(|text| text.filter(missing).map(|text| of_text(text, scale).unwrap_or(Err(NOT_A_NUMBER))))
                .collect()
        }
        _ => column.f64()?.iter().map(|value| value.map(|value| of_float(value, scale))).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEN: Scale = Scale { decimals: 0, is_minor: false };
    const DOLLARS: Scale = Scale { decimals: 2, is_minor: false };
    const CENTS: Scale = Scale { decimals: 2, is_minor: true };

    #[test]
    fn the_same_number_is_the_same_amount_in_every_type() {
        for scale in [YEN, DOLLARS, CENTS] {
            let units = if scale == DOLLARS { 1_200 } else { 12 };
            assert_eq!(of_float(12.0, scale), Ok(units));
            assert_eq!(of_decimal(12, 0, scale), Ok(units));
            assert_eq!(of_decimal(12_000, 3, scale), Ok(units));
            assert_eq!(of_text("12", scale), Some(Ok(units)));
            assert_eq!(of_text("12.0", scale), Some(Ok(units)));
            assert_eq!(of_text("1.2e1", scale), Some(Ok(units)));
        }
    }

    #[test]
    fn what_is_no_amount_has_a_reason() {
        assert_eq!(of_float(f64::NAN, YEN), Err(NOT_A_NUMBER));
        assert_eq!(of_float(f64::NEG_INFINITY, YEN), Err(INFINITE));
        assert_eq!(of_float(9.3e18, YEN), Err(OUT_OF_RANGE));
        assert_eq!(of_decimal(i128::MAX, 0, DOLLARS), Err(OUT_OF_RANGE));
        assert_eq!(of_text("NaN", YEN), Some(Err(NOT_A_NUMBER)));
        assert_eq!(of_text("-inf", YEN), Some(Err(INFINITE)));
        assert_eq!(of_text("1,234", YEN), None);
        assert_eq!(of_text("free", YEN), None);
    }

    #[test]
    fn halves_go_away_from_zero() {
        for (amount, decimal, text) in [(0.5, 5, "0.5"), (1.5, 15, "1.5"), (-0.5, -5, "-0.5")] {
            let units = of_float(amount, YEN);
            assert_eq!(of_decimal(decimal, 1, YEN), units, "{amount}");
            assert_eq!(of_text(text, YEN), Some(units), "{amount}");
        }
    }
}
