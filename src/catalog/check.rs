//! The written catalog becomes a checked one; every refusal names the line and the fix.

mod attributes;
mod features;
mod products;
mod wording;

use std::{collections::HashSet, ops::Range, path::PathBuf};

use chrono_tz::Tz;
use toml::Spanned;

use super::{
    AgeBounds, AgeColumn, Area, Catalog, CsvStyle, EventsTable, Gender, GenderId, KindColumn, Limits, Names, Region,
    RegionCode, UsersTable, defaults,
    raw::{RawCatalog, RawCsv, RawEvents, RawLimits, RawUsers},
};

/// Why a catalog cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    #[error("cannot read the catalog {}: {source}. Set SEGMENT_CATALOG to the operator's catalog.toml", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{}:{problem}", path.display())]
    Invalid { path: PathBuf, problem: CatalogProblem },
}

/// A mistake in the catalog, where it stands, and what would work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{line}: {message}")]
pub struct CatalogProblem {
    /// Counted from 1.
    pub line: usize,
    pub message: String,
}

impl Catalog {
    /// Checks the text of a catalog.
    pub fn parse(text: &str) -> Result<Self, CatalogProblem> {
        let raw: RawCatalog = toml::from_str(text).map_err(|error| CatalogProblem {
            line: line_at(text, error.span().map_or(0, |span| span.start)),
            message: wording::in_words(error.message()),
        })?;
        Checker { text }.catalog(raw)
    }
}

fn line_at(text: &str, offset: usize) -> usize {
    text.as_bytes().iter().take(offset).filter(|&&byte| byte == b'\n').count() + 1
}

struct Checker<'a> {
    text: &'a str,
}

impl Checker<'_> {
    fn fail<T>(&self, span: Range<usize>, message: impl Into<String>) -> Result<T, CatalogProblem> {
        Err(CatalogProblem { line: line_at(self.text, span.start), message: message.into() })
    }

    fn catalog(&self, raw: RawCatalog) -> Result<Catalog, CatalogProblem> {
        if *raw.version.get_ref() != 1 {
            return self.fail(raw.version.span(), "this program reads catalogs of `version = 1`");
        }
        let time_zone = self.zone(&raw.time_zone)?;
        let age = self.age(&raw.age)?;
        let users = self.users(raw.users)?;
        let events = self.events(raw.events)?;
        let regions = self.regions(&raw.regions)?;
        let areas = self.areas(&raw.areas, &regions)?;
        self.unique("gender", raw.genders.iter().map(|gender| &gender.id))?;
        let genders = raw
            .genders
            .into_iter()
            .map(|gender| Gender {
                id: GenderId::new(gender.id.into_inner().to_lowercase()),
                code: gender.code,
                names: Names::new(gender.ja, gender.en),
            })
            .collect();
        let (products, forbidden) = self.products(raw.products, &events)?;
        let features =
            if raw.features.is_empty() { defaults::features(&events) } else { self.features(raw.features, &events)? };
        let attributes = self.attributes(raw.attributes, &features)?;
        let rhythm = super::rhythm::features(&products, &events);
        self.forbidden_exist(&forbidden, (&features, &rhythm), &attributes)?;
        Ok(Catalog {
            time_zone,
            fallback_locale: raw.fallback_locale,
            owner: raw.owner,
            users,
            events,
            age,
            genders,
            areas,
            regions,
            attributes,
            products,
            features,
            rhythm,
            limits: self.limits(raw.limits)?,
            warm: raw.warm.checked().or_else(|(span, wrong)| self.fail(span, wrong))?,
            sha256: crate::digest::sha256_hex(self.text),
        })
    }

    fn age(&self, raw: &Spanned<super::raw::RawAge>) -> Result<AgeBounds, CatalogProblem> {
        let age = raw.get_ref();
        if age.min >= age.max || age.step == 0 {
            return self.fail(
                raw.span(),
                "`[age]` needs min < max and a step of at least 1, such as min = 15, max = 79, step = 5",
            );
        }
        // Two select menus of at most 100 options each.
        if (age.max - age.min) / age.step > 98 {
            return self.fail(raw.span(), "`[age]` gives more than 99 steps, and a Slack menu holds 100; raise `step`");
        }
        Ok(AgeBounds { min: age.min, max: age.max, step: age.step })
    }

    fn limits(&self, raw: Option<Spanned<RawLimits>>) -> Result<Limits, CatalogProblem> {
        let Some(raw) = raw else { return Ok(RawLimits::default().into()) };
        let span = raw.span();
        let limits: Limits = raw.into_inner().into();
        let shares = [
            ("unusable_rows_share", limits.unusable_rows_share),
            ("unlisted_codes_share", limits.unlisted_codes_share),
            ("unknown_people_share", limits.unknown_people_share),
            ("impossible_ages_share", limits.impossible_ages_share),
            ("unknown_opt_out_share", limits.unknown_opt_out_share),
            ("unknown_suppressed_share", limits.unknown_suppressed_share),
        ];
        if let Some((name, share)) = shares.into_iter().find(|(_, share)| !(0.0..=1.0).contains(share)) {
            return self
                .fail(span, format!("`{name}` in `[limits]` is {share}, but must be from 0 to 1, such as 0.05"));
        }
        if limits.smallest_segment > limits.largest_segment {
            return self
                .fail(span, "`smallest_segment` in `[limits]` is above `largest_segment`, so nothing could be asked");
        }
        // A signature lives no longer than a week.
        if !(1..=7).contains(&limits.link_days) {
            return self.fail(span, "`link_days` in `[limits]` is 1 to 7");
        }
        Ok(limits)
    }

    fn users(&self, raw: RawUsers) -> Result<UsersTable, CatalogProblem> {
        self.relative(&raw.path)?;
        let age = match (raw.age, raw.birth_date) {
            (Some(_), Some(birth)) => return self.fail(birth.span(), "give `age` or `birth_date`, not both"),
            (Some(years), None) => Some(AgeColumn::Years(years)),
            (None, birth) => birth.map(|column| AgeColumn::BirthDate(column.into_inner())),
        };
        Ok(UsersTable {
            path: raw.path.into_inner(),
            id: raw.id,
            age,
            gender: raw.gender,
            region: raw.region,
            opted_out: raw.opted_out,
            registered: raw.registered,
            dumps: raw.dumps,
            csv: self.csv(raw.csv)?,
        })
    }

    fn csv(&self, raw: RawCsv) -> Result<CsvStyle, CatalogProblem> {
        let separator = match &raw.separator {
            None => None,
            Some(written) => match CsvStyle::separator_of(written.get_ref()) {
                None => {
                    let what = written.get_ref();
                    return self.fail(
                        written.span(),
                        format!("`{what}` is no separator; write one character such as \";\", or \"tab\""),
                    );
                }
                known => known,
            },
        };
        Ok(CsvStyle { separator, null: raw.null })
    }

    fn zone(&self, written: &Spanned<String>) -> Result<Tz, CatalogProblem> {
        let name = written.get_ref();
        name.parse()
            .or_else(|_| self.fail(written.span(), format!("`{name}` is no time zone; write one like `Asia/Tokyo`")))
    }

    fn events(&self, raw: Vec<RawEvents>) -> Result<Vec<EventsTable>, CatalogProblem> {
        if raw.is_empty() {
            return self.fail(
                0..0,
                "at least one `[[events]]` table is needed: there is nothing to learn from without events",
            );
        }
        self.unique("events table", raw.iter().map(|table| &table.name))?;
        raw.into_iter()
            .map(|table| {
                self.relative(&table.path)?;
                self.name_shape(&table.name)?;
                let kind = match (table.kind, table.kind_is) {
                    (Some(column), None) => KindColumn::Column(column),
                    (None, Some(constant)) => KindColumn::Constant(constant),
                    _ => {
                        return self.fail(
                            table.name.span(),
                            "an events table has either `kind` (a column) or `kind_is` (one kind for every row)",
                        );
                    }
                };
                Ok(EventsTable {
                    name: table.name.into_inner(),
                    path: table.path.into_inner(),
                    user: table.user,
                    time: table.time,
                    time_zone: table.time_zone.as_ref().map(|zone| self.zone(zone)).transpose()?,
                    kind,
                    category: table.category,
                    amount: table.amount,
                    amount_decimals: table.amount_decimals,
                    amount_unit: table.amount_unit,
                    extra: table.extra,
                    csv: self.csv(table.csv)?,
                })
            })
            .collect()
    }

    fn regions(&self, raw: &[super::raw::RawRegion]) -> Result<Vec<Region>, CatalogProblem> {
        self.unique("region code", raw.iter().map(|region| &region.code))?;
        self.unique("region id", raw.iter().map(|region| &region.id))?;
        Ok(raw
            .iter()
            .map(|region| Region {
                code: RegionCode::new(region.code.get_ref()),
                id: region.id.get_ref().to_lowercase(),
                names: Names::new(&region.ja, &region.en),
            })
            .collect())
    }

    fn areas(&self, raw: &[super::raw::RawArea], regions: &[Region]) -> Result<Vec<Area>, CatalogProblem> {
        self.unique("area", raw.iter().map(|area| &area.id))?;
        // A Slack group of checkboxes holds ten.
        if let Some(eleventh) = raw.get(10) {
            return self.fail(eleventh.id.span(), "at most 10 areas fit the form; merge some");
        }
        let mut placed = HashSet::new();
        for code in raw.iter().flat_map(|area| &area.regions) {
            if !regions.iter().any(|region| region.code.as_str() == code.get_ref()) {
                return self.fail(code.span(), format!("no `[[regions]]` entry has the code `{}`", code.get_ref()));
            }
            if !placed.insert(code.get_ref()) {
                return self.fail(code.span(), format!("region `{}` is already in another area", code.get_ref()));
            }
        }
        Ok(raw
            .iter()
            .map(|area| Area {
                id: area.id.get_ref().to_lowercase(),
                names: Names::new(&area.ja, &area.en),
                regions: area.regions.iter().map(|code| RegionCode::new(code.get_ref())).collect(),
            })
            .collect())
    }

    fn table<'t>(
        &self,
        named: Option<&Spanned<String>>,
        owner: &Spanned<String>,
        events: &'t [EventsTable],
    ) -> Result<&'t EventsTable, CatalogProblem> {
        match (named, events) {
            (None, [only]) => Ok(only),
            (None, _) => self.fail(
                owner.span(),
                format!("`{}` needs `table`, because there are several events tables", owner.get_ref()),
            ),
            (Some(name), _) => match events.iter().find(|table| table.name == *name.get_ref()) {
                Some(table) => Ok(table),
                None => self.fail(name.span(), format!("no `[[events]]` table has the name `{}`", name.get_ref())),
            },
        }
    }

    fn unique<'s>(&self, what: &str, ids: impl Iterator<Item = &'s Spanned<String>>) -> Result<(), CatalogProblem> {
        let mut seen = HashSet::new();
        for id in ids {
            if !seen.insert(id.get_ref().to_lowercase()) {
                return self.fail(id.span(), format!("the {what} `{}` is declared twice; rename one", id.get_ref()));
            }
        }
        Ok(())
    }

    fn name_shape(&self, name: &Spanned<String>) -> Result<(), CatalogProblem> {
        let text = name.get_ref();
        let plain =
            text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-');
        if text.is_empty() || text.len() > 60 || !plain {
            return self.fail(name.span(), format!("`{text}` must be 1 to 60 of a-z, 0-9, _ and -"));
        }
        Ok(())
    }

    fn relative(&self, path: &Spanned<String>) -> Result<(), CatalogProblem> {
        let text = path.get_ref();
        if text.is_empty() || text.starts_with('/') || text.contains("://") || text.split('/').any(|part| part == "..")
        {
            return self.fail(
                path.span(),
                "a table's path is below the lake's root, such as users/*.parquet; SEGMENT_LAKE names the root",
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"
version = 1
time_zone = "Asia/Tokyo"
fallback_locale = "ja"
owner = "data team"
age = { min = 15, max = 79 }

[users]
path = "users.parquet"
id = "user_id"

[[events]]
name = "events"
path = "events/*.parquet"
user = "user_id"
time = "at"
kind_is = "purchase"
category = "category"

[[products]]
id = "tea"
ja = "お茶"
en = "Tea"
kind = "purchase"
categories = ["tea"]
horizon_days = 28
"#;

    fn problem(from: &str, to: &str) -> String {
        assert!(SMALL.contains(from), "the test replaces text that is there");
        Catalog::parse(&SMALL.replacen(from, to, 1)).unwrap_err().to_string()
    }

    #[test]
    fn a_small_catalog_gets_defaults() {
        let catalog = Catalog::parse(SMALL).unwrap();
        assert_eq!(catalog.products[0].min_conversions, 50);
        assert_eq!(catalog.limits.hidden_cell, 10);
        assert!(catalog.features.iter().any(|feature| feature.by_category_top == Some(20)));
    }

    #[test]
    fn mistakes_name_the_line_and_the_fix() {
        insta::assert_snapshot!(problem("Asia/Tokyo", "Tokyo"), @"3: `Tokyo` is no time zone; write one like `Asia/Tokyo`");
        insta::assert_snapshot!(problem("horizon_days = 28", "horizon_days = 0"), @"26: `horizon_days` is 1 to 366: how long after a snapshot a conversion counts");
        insta::assert_snapshot!(problem("\n[users]", "\nlimits = { unusable_rows_share = 5 }\n[users]"), @"8: `unusable_rows_share` in `[limits]` is 5, but must be from 0 to 1, such as 0.05");
        insta::assert_snapshot!(problem("\n[users]", "\nlimits = { smallest_segment = 5, largest_segment = 4 }\n[users]"), @"8: `smallest_segment` in `[limits]` is above `largest_segment`, so nothing could be asked");
        insta::assert_snapshot!(problem("\n[users]", "\nlimits = { link_days = 0 }\n[users]"), @"8: `link_days` in `[limits]` is 1 to 7");
        insta::assert_snapshot!(problem("max = 79", "max = 9"), @"6: `[age]` needs min < max and a step of at least 1, such as min = 15, max = 79, step = 5");
        insta::assert_snapshot!(problem("users.parquet", "../users.parquet"), @"9: a table's path is below the lake's root, such as users/*.parquet; SEGMENT_LAKE names the root");
        insta::assert_snapshot!(problem("id = \"tea\"", "id = \"Green Tea\""), @"21: `Green Tea` must be 1 to 60 of a-z, 0-9, _ and -");
        insta::assert_snapshot!(problem("category = \"category\"\n", ""), @"20: events table `events` has no category column to filter by");
    }

    #[test]
    fn what_is_no_catalog_is_said_in_words() {
        insta::assert_snapshot!(problem("horizon_days", "horizon_day"), @"26: there is no key `horizon_day` here; did you mean `horizon_days`? It may be id, ja, en, search, table, kind, categories, horizon_days, min_conversions, exclude_converted, control_percent, priority, forbidden_features, allowed_channels");
        insta::assert_snapshot!(problem("owner = \"data team\"\n", ""), @"1: the key `owner` is missing");
        insta::assert_snapshot!(problem("path = \"users.parquet\"", "path = 5"), @"9: this is the number 5, but must be text in quotation marks");
        insta::assert_snapshot!(problem("id = \"user_id\"", "id = [\"user_id\"]"), @"10: this is a list in brackets, but must be text in quotation marks");
        insta::assert_snapshot!(problem("horizon_days = 28", "horizon_days = \"28\""), @r#"26: this is the text "28", but must be a whole number from 0 to 65535"#);
        insta::assert_snapshot!(problem("horizon_days = 28", "horizon_days = 70000"), @"26: this is the number 70000, but must be a whole number from 0 to 65535");
        insta::assert_snapshot!(problem("horizon_days = 28", "horizon_days = 2.5"), @"26: this is the fraction 2.5, but must be a whole number from 0 to 65535");
        insta::assert_snapshot!(problem("max = 79", "max = 300"), @"6: this is the number 300, but must be a whole number from 0 to 255");
        insta::assert_snapshot!(problem("fallback_locale = \"ja\"", "fallback_locale = \"fr\""), @"4: `fr` is no value of this key; it may be ja, en");
        insta::assert_snapshot!(problem("owner = \"data team\"", "owner = data team"), @"5: this is no valid TOML; check quotation marks, brackets, commas and `=` on this line and the one before");
        insta::assert_snapshot!(problem("owner = \"data team\"", "owner = \"data team"), @"5: this is no valid TOML; check quotation marks, brackets, commas and `=` on this line and the one before");
        insta::assert_snapshot!(problem("owner = \"data team\"", "owner = \"a\"\nowner = \"b\""), @"6: this key or table stands here for the second time; remove one");
    }
}
