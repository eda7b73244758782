//! Snapshot columns as the numbers that a model sees; training and scoring share this one conversion.

use polars::prelude::{Column, DataFrame, DataType, PolarsError};

use crate::{
    catalog::{Attribute, AttributeValues, Catalog},
    contracts::columns,
};

/// Why columns of a snapshot are no numbers.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    #[error("column `{column}` of a snapshot should be {expected}, but is not")]
    WrongType { column: String, expected: &'static str },
    #[error("the snapshot's rows do not fit one another")]
    Frame,
}

impl From<PolarsError> for BatchError {
    fn from(error: PolarsError) -> Self {
        // The library's words are for those who mend this program.
        tracing::debug!(%error, "rows do not fit");
        Self::Frame
    }
}

/// Feature values of some people, column by column; NaN stands for missing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FeatureBatch {
    /// As many as `columns`.
    pub names: Vec<String>,
    /// All of the same length.
    pub columns: Vec<Vec<f32>>,
}

impl FeatureBatch {
    /// The `features` of a frame's rows.
    pub fn of(frame: &DataFrame, features: &[String], catalog: &Catalog) -> Result<Self, BatchError> {
        Ok(Self { names: features.to_vec(), columns: encode(frame, features, catalog)? })
    }

    /// How many people it holds.
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }

    /// The values of one person, in the order of `names`.
    pub fn row(&self, row: usize) -> Box<[f32]> {
        self.columns.iter().map(|column| column[row]).collect()
    }
}

/// One column of `f32` for each of `features`, in their order.
///
/// Numbers are cast (whole numbers above 2^24 are rounded), true is 1 and false 0, null is NaN. `gender`, `region` and attributes with codes
/// become their place in the catalog's order, counted from 0; what the catalog does not list is NaN. Text elsewhere is an error.
pub fn encode(frame: &DataFrame, features: &[String], catalog: &Catalog) -> Result<Vec<Vec<f32>>, BatchError> {
    features
        .iter()
        .map(|feature| {
            let column = frame.column(feature)?;
            match categories(catalog, feature) {
                Some(ids) => codes::<u16>(column, &ids).map(|codes| as_f32(&codes)),
                None => numbers(column),
            }
        })
        .collect()
}

/// The ids that a feature's codes stand for, in the order of their numbers; `None` where it is a number itself.
pub fn categories<'c>(catalog: &'c Catalog, feature: &str) -> Option<Vec<&'c str>> {
    match feature {
        columns::GENDER => Some(catalog.genders.iter().map(|gender| gender.id.as_str()).collect()),
        columns::REGION => Some(catalog.regions.iter().map(|region| region.code.as_str()).collect()),
        id => match &catalog.attributes.iter().find(|attribute| attribute.id.as_str() == id)?.values {
            AttributeValues::Codes(codes) => Some(codes.iter().map(|code| code.choice.id.as_str()).collect()),
            AttributeValues::Numbers(_) => None,
        },
    }
}

/// Each row's place in [`Catalog::genders`].
pub fn gender_codes(column: &Column, catalog: &Catalog) -> Result<Vec<Option<u8>>, BatchError> {
    codes(column, &categories(catalog, columns::GENDER).unwrap_or_default())
}

/// Each row's place in [`Catalog::regions`].
pub fn region_codes(column: &Column, catalog: &Catalog) -> Result<Vec<Option<u16>>, BatchError> {
    codes(column, &categories(catalog, columns::REGION).unwrap_or_default())
}

/// Each row's place among an attribute's choices; the column has their ids, or numbers that lie in bands.
pub fn choices(column: &Column, attribute: &Attribute) -> Result<Vec<Option<u8>>, BatchError> {
    match &attribute.values {
        AttributeValues::Numbers(bands) if column.dtype().is_float() => {
            let place =
                |number| bands.iter().position(|band| band.has(number)).and_then(|place| u8::try_from(place).ok());
            Ok(column.f64()?.iter().map(|number| number.and_then(place)).collect())
        }
        _ => codes(column, &attribute.choices().iter().map(|choice| choice.id.as_str()).collect::<Vec<_>>()),
    }
}

fn codes<T: TryFrom<usize> + Copy>(column: &Column, ids: &[&str]) -> Result<Vec<Option<T>>, BatchError> {
    let mut by_id: Vec<(&str, Option<T>)> =
        ids.iter().enumerate().map(|(code, id)| (*id, T::try_from(code).ok())).collect();
    by_id.sort_by_key(|(id, _)| *id);
    let code = |id: &str| by_id.binary_search_by_key(&id, |(id, _)| id).ok().and_then(|at| by_id[at].1);
    match column.dtype() {
        DataType::String => {
            // Snapshots are sorted by region and gender, so a row mostly says what the one before said.
            let mut last = (None, None);
            let mut same = |id| {
                if last.0 != id {
                    last = (id, id.and_then(code));
                }
                last.1
            };
            Ok(column.str()?.iter().map(&mut same).collect())
        }
        // A column without any value may have no type.
        DataType::Null => Ok(vec![None; column.len()]),
        _ => Err(wrong_type(column, "text")),
    }
}

fn as_f32<T: Copy + Into<f32>>(codes: &[Option<T>]) -> Vec<f32> {
    codes.iter().map(|code| code.map_or(f32::NAN, Into::into)).collect()
}

fn numbers(column: &Column) -> Result<Vec<f32>, BatchError> {
    let found = column.dtype();
    if !(found.is_primitive_numeric() || matches!(found, DataType::Boolean | DataType::Null)) {
        return Err(wrong_type(column, "a number"));
    }
    let cast = column.cast(&DataType::Float32)?;
    Ok(cast.f32()?.iter().map(|value| value.unwrap_or(f32::NAN)).collect())
}

/// For a column of a snapshot that holds something else than it should.
pub fn wrong_type(column: &Column, expected: &'static str) -> BatchError {
    BatchError::WrongType { column: column.name().to_string(), expected }
}

#[cfg(test)]
mod tests {
    use polars::df;

    use super::*;

    fn catalog() -> Catalog {
        Catalog::parse(include_str!("../demo/catalog.toml")).unwrap()
    }

    #[test]
    fn values_become_numbers_and_null_becomes_nan() {
        let frame = df![
            "count" => [Some(3_i32), None],
            "spend" => [16_777_217_i64, -5],
            "share" => [Some(0.5_f64), None],
            "flag" => [true, false],
            "gender" => [Some("m"), Some("other")],
            "region" => [Some("02"), None],
        ]
        .unwrap();
        let features: Vec<String> = ["region", "count", "spend", "share", "flag", "gender"].map(str::to_owned).to_vec();
        let batch = FeatureBatch::of(&frame, &features, &catalog()).unwrap();
        insta::assert_snapshot!(format!("{:?}", batch.columns),
            @"[[1.0, NaN], [3.0, NaN], [16777216.0, -5.0], [0.5, NaN], [1.0, 0.0], [1.0, NaN]]");
        assert_eq!(batch.rows(), 2);
    }

    #[test]
    fn text_is_no_feature() {
        let frame = df!["word" => ["tea"]].unwrap();
        let error = encode(&frame, &["word".to_owned()], &catalog()).unwrap_err();
        insta::assert_snapshot!(error, @"column `word` of a snapshot should be a number, but is not");
    }
}
