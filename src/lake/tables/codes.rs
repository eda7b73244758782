//! Codes of gender and region: which of the data's the catalog lists, and how many people have others.

use std::{cmp::Reverse, collections::BTreeMap, sync::Arc};

use polars::prelude::*;
use rustc_hash::FxHashMap;
use unicode_normalization::UnicodeNormalization;

use super::collect_now;
use crate::{catalog::Catalog, lake::LakeError};

/// Unlisted codes that are named; more are only counted.
const NAMED: usize = 3;

/// How the codes of a column that the catalog does not list are spread.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnlistedCodes {
    /// `gender` or `region`.
    pub column: &'static str,
    /// People with a code.
    pub people: u64,
    /// Of these, those whose code is not listed.
    pub unlisted: u64,
    /// The commonest of them: the code, how many people have it, and which listed code it may be meant to be.
    pub commonest: Vec<(String, u64, Option<String>)>,
}

impl UnlistedCodes {
    /// Share of the people with a code whose code is not listed, 0.0..=1.0.
    #[expect(clippy::cast_precision_loss, reason = "people are fewer than 2^53")]
    pub fn share(&self) -> f64 {
        if self.people == 0 { 0.0 } else { self.unlisted as f64 / self.people as f64 }
    }
}

impl std::fmt::Display for UnlistedCodes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { column, people, unlisted, commonest } = self;
        let named: Vec<String> = commonest
            .iter()
            .map(|(code, count, meant)| match meant {
                Some(meant) => format!("`{code}` ({count}; the catalog has `{meant}`)"),
                None => format!("`{code}` ({count})"),
            })
            .collect();
        write!(
            f,
            "{unlisted} of {people} people have a {column} code that the catalog does not list: {}",
            named.join(", ")
        )
    }
}

/// What the counts of a table's codes are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Codes {
    /// Columns with people whose code is not listed.
    pub unlisted: Vec<UnlistedCodes>,
}

/// A column's codes as the data spells them.
pub(super) struct Listed {
    column: &'static str,
    /// The data's spelling and the canonical id.
    ids: Arc<FxHashMap<String, String>>,
    /// Codes as the catalog writes them.
    written: Vec<String>,
    /// All listed codes are numbers of this many digits with zeros in front.
    digits: Option<usize>,
}

impl Codes {
    pub(super) fn genders(catalog: &Catalog) -> Listed {
        let codes = catalog.genders.iter().filter_map(|gender| Some((gender.code.clone()?, gender.id.to_string())));
        Listed::new("gender", codes)
    }

    pub(super) fn regions(catalog: &Catalog) -> Listed {
        Listed::new("region", catalog.regions.iter().map(|region| (region.code.to_string(), region.code.to_string())))
    }

    /// Counts the codes of a table whose `gender` and `region` are as the data has them. Blocks.
    pub(super) fn count(raw: &LazyFrame, catalog: &Catalog) -> Result<Self, LakeError> {
        let mut unlisted = Vec::new();
        let listed = [
            catalog.users.gender.is_some().then(|| Self::genders(catalog)),
            catalog.users.region.is_some().then(|| Self::regions(catalog)),
        ];
        for listed in listed.into_iter().flatten() {
            let found = listed.count(raw)?;
            if found.unlisted > 0 {
                unlisted.push(found);
            }
        }
        Ok(Self { unlisted })
    }
}

impl Listed {
    fn new(column: &'static str, codes: impl Iterator<Item = (String, String)>) -> Self {
        let ids: FxHashMap<String, String> = codes.collect();
        let mut written: Vec<String> = ids.keys().cloned().collect();
        written.sort();
        let width = written.first().map(String::len);
        let are_numbers = written.iter().all(|code| {
            Some(code.len()) == width && !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_digit())
        });
        let digits = width.filter(|_| are_numbers && written.iter().any(|code| code.starts_with('0')));
        Self { column, ids: Arc::new(ids), written, digits }
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
        col(self.column).map(
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

    fn count(&self, raw: &LazyFrame) -> Result<UnlistedCodes, LakeError> {
        let counts = raw.clone().group_by([col(self.column)]).agg([len().cast(DataType::UInt64).alias("people")]);
        let counts = collect_now(counts)?;
        let by_code: BTreeMap<&str, u64> = counts
            .column(self.column)?
            .str()?
            .iter()
            .zip(counts.column("people")?.u64()?.iter())
            .filter_map(|(code, people)| Some((code?, people?)))
            .collect();
        let people = by_code.values().sum();
        let mut unlisted: Vec<(&str, u64)> =
            by_code.into_iter().filter(|(code, _)| Self::id(&self.ids, self.digits, code).is_none()).collect();
        unlisted.sort_by_key(|(code, people)| (Reverse(*people), *code));
        let commonest = unlisted.iter().take(NAMED);
        let commonest = commonest.map(|(code, people)| ((*code).to_owned(), *people, self.meant(code))).collect();
        let unlisted = unlisted.iter().map(|(_, people)| people).sum();
        Ok(UnlistedCodes { column: self.column, people, unlisted, commonest })
    }

    /// The listed code that differs only by case, width, spaces, leading zeros or a decimal point.
    fn meant(&self, code: &str) -> Option<String> {
        let plain = folded(code);
        self.written.iter().find(|written| folded(written) == plain).cloned()
    }
}

fn folded(code: &str) -> String {
    let text: String = code.nfkc().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect();
    let number = text.strip_suffix(".0").unwrap_or(&text);
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { format!("{:0>1}", number.trim_start_matches('0')) } else { text }
}

#[cfg(test)]
mod tests {
    use polars::df;

    use super::*;

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

    #[test]
    fn unlisted_codes_are_counted_and_what_they_may_mean_is_said() {
        let frame = df!["region" => [Some("１３"), Some("１３"), Some("1.0"), Some("x"), Some("01"), None]].unwrap();
        let found = regions().count(&frame.lazy()).unwrap();
        insta::assert_snapshot!(found, @"4 of 5 people have a region code that the catalog does not list: `１３` (2; the catalog has `13`), `1.0` (1; the catalog has `01`), `x` (1)");
        assert!((found.share() - 0.8).abs() < 1e-12);
    }
}
