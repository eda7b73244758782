//! What conditions would find, summed from the small table that lies beside a snapshot.

use std::{fs::File, path::Path, sync::Arc};

use polars::prelude::{DataFrame, ParquetReader, SerReader};

use super::{
    AudienceError,
    eligible::{Filter, Profiles, opted_out},
};
use crate::{
    catalog::{Catalog, ExcludeConverted, ProductId},
    contracts::columns,
    segment::{Conditions, Conversions, Estimate},
};

/// People by region, gender, age, opt-out and the attributes that can be asked for, with how many converted when; tens of thousands of rows.
#[derive(Debug)]
pub struct Cube {
    rows: DataFrame,
    profiles: Profiles,
    opted_out: Vec<bool>,
    conversions: Arc<Conversions>,
}

impl Cube {
    /// Reads the table.
    pub fn read(path: &Path, catalog: &Catalog) -> Result<Self, AudienceError> {
        let file = File::open(path).map_err(|source| AudienceError::Unreadable { path: path.to_owned(), source })?;
        let failed = AudienceError::undecodable(path);
        let rows = ParquetReader::new(file).finish().map_err(failed)?;
        // A product may be younger than the table.
        let count = |id: &ProductId| Some((id.clone(), conversions(&rows, id).ok()?));
        let conversions = catalog.products.iter().filter_map(|product| count(&product.id)).collect();
        let (profiles, opted_out) = (Profiles::of(&rows, catalog)?, opted_out(rows.column(columns::OPTED_OUT)?)?);
        Ok(Self { profiles, opted_out, conversions: Arc::new(conversions), rows })
    }

    /// How much there is to learn about each product of the table.
    pub fn conversions(&self) -> &Arc<Conversions> {
        &self.conversions
    }

    /// What `conditions` would find; exact, from nothing but the table.
    pub fn estimate(&self, catalog: &Catalog, conditions: &Conditions) -> Result<Estimate, AudienceError> {
        let product = &conditions.product;
        let converted = match conditions.exclude_converted {
            ExcludeConverted::Never => None,
            ExcludeConverted::Ever => Some(format!("converted_ever:{product}")),
            ExcludeConverted::Days(days) => Some(format!("converted_{days}d:{product}")),
        };
        let converted = match converted {
            None => Some(vec![0; self.profiles.len()]),
            Some(column) if self.rows.column(&column).is_ok() => Some(counts(&self.rows, &column)?),
            Some(_) => None,
        };
        let people = counts(&self.rows, "people")?;
        let filter = Filter::of_profile(catalog, conditions);
        let any_age = Filter::of_profile(catalog, &Conditions { age: None, ..conditions.clone() });
        let left_out = |row: &usize| {
            conditions.age.is_some() && self.profiles.age[*row].is_none() && any_age.matches(&self.profiles, *row)
        };
        let matching = || (0..people.len()).filter(|row| filter.matches(&self.profiles, *row));
        Ok(Estimate {
            matching: matching().map(|row| people[row]).sum(),
            age_unknown: (0..people.len()).filter(left_out).map(|row| people[row]).sum(),
            opted_out: matching().filter(|row| self.opted_out[*row]).map(|row| people[row]).sum(),
            converted: converted
                .map(|converted| matching().filter(|row| !self.opted_out[*row]).map(|row| converted[row]).sum()),
            conversions: conversions(&self.rows, product)?,
        })
    }
}

fn conversions(rows: &DataFrame, product: &ProductId) -> Result<u64, AudienceError> {
    Ok(counts(rows, &format!("conversions:{product}"))?.iter().sum())
}

fn counts(rows: &DataFrame, column: &str) -> Result<Vec<u64>, AudienceError> {
    Ok(rows.column(column)?.u32()?.iter().map(|count| count.map_or(0, u64::from)).collect())
}
