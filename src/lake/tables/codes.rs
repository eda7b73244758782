//! Codes of gender, region and attributes: which of the data's the catalog lists.

use std::sync::Arc;

use polars::prelude::*;
use rustc_hash::FxHashMap;

use crate::{
    catalog::{AttributeId, Catalog, Code},
    contracts::columns,
};

/// A column's codes as the data spells them.
pub(super) struct Listed {
    column: String,
    /// The data's spelling and the canonical id.
    ids: Arc<FxHashMap<String, String>>,
    /// All listed codes are numbers of this many digits with zeros in front.
    digits: Option<usize>,
}

/// Codes of genders become their ids.
pub(super) fn genders(catalog: &Catalog) -> Listed {
    let codes = catalog.genders.iter().filter_map(|gender| Some((gender.code.clone()?, gender.id.to_string())));
    Listed::new(columns::GENDER, codes)
}

/// Codes of regions stay what they are.
pub(super) fn regions(catalog: &Catalog) -> Listed {
    Listed::new(
        columns::REGION,
        catalog.regions.iter().map(|region| (region.code.to_string(), region.code.to_string())),
    )
}

/// Codes of an attribute become the ids of its choices.
pub(super) fn attribute(id: &AttributeId, codes: &[Code]) -> Listed {
    Listed::new(id.as_str(), codes.iter().map(|code| (code.code.clone(), code.choice.id.clone())))
}

impl Listed {
    fn new(column: &str, codes: impl Iterator<Item = (String, String)>) -> Self {
        let ids: FxHashMap<String, String> = codes.collect();
        let written: Vec<&String> = ids.keys().collect();
        let width = written.first().map(|code| code.len());
        let are_numbers = written.iter().all(|code| {
            Some(code.len()) == width && !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_digit())
        });
        let digits = width.filter(|_| are_numbers && written.iter().any(|code| code.starts_with('0')));
        Self { column: column.to_owned(), ids: Arc::new(ids), digits }
    }

    /// The canonical id of a code of the data.
    fn id(ids: &FxHashMap<String, String>, digits: Option<usize>, code: &str) -> Option<String> {
        let code = code.trim();
        ids.get(code).cloned().or_else(|| {
            // Where the catalog's codes are numbers such as 01, a column of numbers has 1.
            let digits = digits.filter(|digits| code.len() < *digits)?;
            ids.get(&format!("{code:0>digits$}")).filter(|_| !code.is_empty()).cloned()
        })
    }

    /// The column's ids; null for what is not listed.
    pub(super) fn known(&self) -> Expr {
        let (ids, digits) = (Arc::clone(&self.ids), self.digits);
        col(&self.column).map(
            move |codes| {
                let mut last: (Option<String>, Option<String>) = (None, None);
                let mut known = |code: &str| {
                    if last.0.as_deref() != Some(code) {
                        last = (Some(code.to_owned()), Self::id(&ids, digits, code));
                    }
                    last.1.clone()
                };
                let known: StringChunked = codes.str()?.iter().map(|code| code.and_then(&mut known)).collect();
                Ok(known.into_series().with_name(codes.name().clone()).into_column())
            },
            |_, field| Ok(Field::new(field.name().clone(), DataType::String)),
        )
    }

    /// Whether a code of the data is one of them.
    pub(super) fn has(&self, code: &str) -> bool {
        Self::id(&self.ids, self.digits, code).is_some()
    }
}

#[cfg(test)]
mod tests {
    use polars::df;

    use super::{super::collect_now, *};

    fn regions() -> Listed {
        Listed::new("region", ["01", "02", "13"].map(|code| (code.to_owned(), code.to_owned())).into_iter())
    }

    #[test]
    fn numbers_without_their_zeros_are_the_listed_codes() {
        let frame = df!["region" => [Some("1"), Some("02"), Some(" 13 "), Some("99"), None]].unwrap();
        let known = collect_now(frame.lazy().select([regions().known()])).unwrap();
        let known: Vec<Option<&str>> = known.column("region").unwrap().str().unwrap().iter().collect();
        assert_eq!(known, [Some("01"), Some("02"), Some("13"), None, None]);
    }
}
