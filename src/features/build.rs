//! The nightly batch.
use super::FeaturesError;
use crate::{
    catalog::Catalog,
    lake::{Report, Store},
};
use chrono::NaiveDate;
/// Builds.
#[expect(clippy::unused_async, reason = "not there yet")]
pub async fn build(
    _lake: &Store,
    _store: &Store,
    _catalog: &Catalog,
    _as_of: NaiveDate,
    _reporter: &dyn Report,
) -> Result<Vec<NaiveDate>, FeaturesError> {
    Err(FeaturesError::Stopped)
}
