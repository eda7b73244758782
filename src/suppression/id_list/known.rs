//! The ids of known people: of `users`, or of the newest snapshot where `users` cannot be read now.

use std::{fs::File, path::PathBuf};

use chrono::NaiveDate;
use polars::prelude::{DataType, ParquetReader, SerReader};

use super::{IdList, Matched, Matcher};
use crate::{
    catalog::Catalog,
    contracts::columns,
    features::{FeaturesError, Snapshot},
    lake::{
        LakeError, Store,
        tables::{self, Users},
    },
};

impl IdList {
    /// Compares every id with those of the people who are known on the day `as_of`.
    pub async fn compared(
        self,
        (lake, store): (&Store, &Store),
        catalog: &Catalog,
        as_of: NaiveDate,
    ) -> Result<Matched, FeaturesError> {
        match Users::open(lake, catalog, as_of).await {
            Ok(users) => {
                let compare = move || {
                    let mut matcher = Matcher::new(self);
                    users.for_each_id(|id| matcher.known(id))?;
                    Ok::<_, LakeError>(matcher.finish())
                };
                Ok(tables::blocking(compare).await?)
            }
            Err(error) => {
                let Some(day) = Snapshot::days(store).await?.pop() else { return Err(error.into()) };
                let parts = Snapshot::of(store, day).await?.local_parts().await?;
                tables::blocking(move || with_snapshot(self, &parts)).await
            }
        }
    }

    /// As if nobody were known: every id is taken as it stands.
    pub fn uncompared(self) -> Matched {
        Matcher::new(self).finish()
    }
}

fn with_snapshot(list: IdList, parts: &[PathBuf]) -> Result<Matched, FeaturesError> {
    let mut matcher = Matcher::new(list);
    for path in parts {
        let file = File::open(path).map_err(|source| FeaturesError::Scratch { path: path.clone(), source })?;
        let ids = ParquetReader::new(file).with_columns(Some(vec![columns::USER_ID.to_owned()])).finish()?;
        let text = ids.column(columns::USER_ID)?.cast(&DataType::String)?;
        text.str()?.iter().flatten().for_each(|id| matcher.known(id));
    }
    Ok(matcher.finish())
}
