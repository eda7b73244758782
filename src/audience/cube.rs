//! What conditions would find, summed from the small table that lies beside a snapshot.

use std::{fs::File, path::Path};

use polars::prelude::{DataFrame, ParquetReader, SerReader};

use super::{
    AudienceError,
    eligible::{Filter, Profiles, opted_out},
};
use crate::{
    catalog::Catalog,
    segment::{Conditions, Estimate, ExcludeConverted},
};

/// People by region, gender, age and opt-out, with how many converted when; tens of thousands of rows.
#[derive(Debug)]
pub struct Cube {
    rows: DataFrame,
    profiles: Profiles,
    opted_out: Vec<bool>,
}

impl Cube {
    /// Reads the table.
    pub fn read(path: &Path, catalog: &Catalog) -> Result<Self, AudienceError> {
        let file = File::open(path).map_err(|source| AudienceError::Unreadable { path: path.to_owned(), source })?;
        let failed = |source| AudienceError::Parquet { path: path.to_owned(), source };
        let rows = ParquetReader::new(file).finish().map_err(failed)?;
        Ok(Self { profiles: Profiles::of(&rows, catalog)?, opted_out: opted_out(rows.column("opted_out")?)?, rows })
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
            Some(column) if self.rows.column(&column).is_ok() => Some(self.counts(&column)?),
            Some(_) => None,
        };
        let people = self.counts("people")?;
        let filter = Filter::of_profile(catalog, conditions);
        let matching = || (0..people.len()).filter(|row| filter.matches(&self.profiles, *row));
        Ok(Estimate {
            matching: matching().map(|row| people[row]).sum(),
            opted_out: matching().filter(|row| self.opted_out[*row]).map(|row| people[row]).sum(),
            converted: converted
                .map(|converted| matching().filter(|row| !self.opted_out[*row]).map(|row| converted[row]).sum()),
            conversions: self.counts(&format!("conversions:{product}"))?.iter().sum(),
        })
    }

    fn counts(&self, column: &str) -> Result<Vec<u64>, AudienceError> {
        Ok(self.rows.column(column)?.u32()?.iter().map(|count| count.map_or(0, u64::from)).collect())
    }
}
