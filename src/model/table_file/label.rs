//! The label of each row: whether it happened.

use super::{
    TableFileError,
    columns::{Cells, Class, wide_number},
};

/// Labels and the two values that they were read from.
#[derive(Debug)]
pub(super) struct Labels {
    pub(super) happened: Vec<bool>,
    /// The value of no and the value of yes.
    pub(super) values: (f64, f64),
}

/// Reads 0 and 1, false and true, no and yes, or any two numbers, of which the larger means yes.
pub(super) fn read(cells: &Cells<'_>) -> Result<Labels, TableFileError> {
    let values = numbers(cells)?;
    let mut seen: Vec<f64> = Vec::new();
    for (place, &value) in values.iter().enumerate() {
        if seen.iter().any(|other| other.total_cmp(&value).is_eq()) {
            continue;
        }
        if let [one, other] = seen[..] {
            let (path, column, row) = (cells.piece.path.clone(), cells.name(), cells.row(place));
            return Err(TableFileError::LabelThird {
                path,
                column,
                row,
                value,
                low: one.min(other),
                high: one.max(other),
            });
        }
        seen.push(value);
    }
    let zero_or_one = |value: &f64| [0.0_f64, 1.0].iter().any(|known| known.total_cmp(value).is_eq());
    let values_of_both = match seen[..] {
        [one, other] => (one.min(other), one.max(other)),
        [only] if !zero_or_one(&only) => {
            let (path, column) = (cells.piece.path.clone(), cells.name());
            return Err(TableFileError::LabelConstant { path, column, value: only });
        }
        _ => (0.0, 1.0),
    };
    let yes = values_of_both.1;
    let happened = values.iter().map(|value| value.total_cmp(&yes).is_eq()).collect();
    Ok(Labels { happened, values: values_of_both })
}

/// Yes and no in words.
fn word(text: &str) -> Option<f64> {
    match text.trim().to_lowercase().as_str() {
        "yes" | "true" | "y" | "t" | "はい" => Some(1.0),
        "no" | "false" | "n" | "f" | "いいえ" => Some(0.0),
        _ => None,
    }
}

/// One number for each row; -0.0 becomes 0.0.
fn numbers(cells: &Cells<'_>) -> Result<Vec<f64>, TableFileError> {
    let (path, column) = (cells.piece.path.clone(), cells.name());
    let missing =
        |place| TableFileError::LabelMissing { path: path.clone(), column: column.clone(), row: cells.row(place) };
    let checked = |(place, value): (usize, Option<f64>)| match value {
        Some(value) if !value.is_nan() => Ok(value + 0.0),
        _ => Err(missing(place)),
    };
    match cells.class() {
        Class::Boolean | Class::Number | Class::Empty => {
            let cast = cells.column.cast(&polars::prelude::DataType::Float64).map_err(cells.polars())?;
            let values = cast.f64().map_err(cells.polars())?;
            values.iter().enumerate().map(checked).collect()
        }
        Class::Text => {
            let texts = cells.texts_as_stored()?;
            let value = |(place, text): (usize, Option<&str>)| {
                let Some(text) = text else { return Err(missing(place)) };
                let value = word(text).or_else(|| wide_number(text)).ok_or_else(|| TableFileError::LabelText {
                    path: path.clone(),
                    column: column.clone(),
                    row: cells.row(place),
                    value: text.to_owned(),
                });
                checked((place, Some(value?)))
            };
            texts.into_iter().enumerate().map(value).collect()
        }
        Class::Time(kind) => Err(TableFileError::LabelType { path, column, found: kind.to_owned() }),
        Class::Other => {
            let found = format!("values of the type {}", cells.column.dtype());
            Err(TableFileError::LabelType { path, column, found })
        }
    }
}
