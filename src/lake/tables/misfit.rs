//! Values that match nothing: codes that the catalog does not list, ages that nobody has, flags that are neither.

use std::{
    collections::BTreeMap,
    fmt::{self, Display},
};

use polars::prelude::*;
use serde::{Deserialize, Serialize};

use super::{codes, collect_now, spelling::looks_like, users::AGE_MAX};
use crate::{
    catalog::{AgeColumn, Attribute, AttributeValues, Catalog, Code, Limits},
    contracts::columns,
    lake::LakeError,
};

/// Values that are told by name.
const EXAMPLES: usize = 3;
/// Canonical columns of the groups that are counted.
const IMPOSSIBLE: &str = "impossible";
const NEITHER: &str = "neither";
const PEOPLE: &str = "people";

/// What is wrong with some values of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MisfitKind {
    /// The catalog does not list the gender's code.
    Gender,
    /// The catalog does not list the region's code.
    Region,
    /// The catalog does not list the attribute's code.
    Attribute,
    /// Nobody is that old.
    Age,
    /// Neither opted out nor not.
    OptOut,
    /// Events of people whom `users` does not have.
    UnknownUser,
    /// Events of a kind that neither a product nor a feature names.
    UnusedKind,
    /// A kind that the catalog names and no event has.
    AbsentKind,
    /// A category that the catalog names and no event has.
    AbsentCategory,
}

/// Values of one column that match nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Misfit {
    pub kind: MisfitKind,
    /// As the table calls it.
    pub column: String,
    /// Rows with such a value.
    pub rows: u64,
    /// Rows with any value.
    pub of: u64,
    /// The most frequent values, the most frequent first.
    pub examples: Vec<Example>,
}

/// A value that matches nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    pub value: String,
    pub rows: u64,
    /// What it differs from in spelling only.
    pub looks_like: Option<String>,
}

/// Which part of a table may match nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// The catalog's key in `[limits]`.
    pub key: &'static str,
    pub share_max: f64,
    /// What to do about more.
    pub remedy: &'static str,
}

impl Misfit {
    /// Of the values that were `found` with their rows, those that are `listed` being left out already; `None` without any.
    pub fn of_values(
        (kind, column): (MisfitKind, &str),
        of: u64,
        found: BTreeMap<String, u64>,
        listed: &[&str],
    ) -> Option<Self> {
        let rows: u64 = found.values().sum();
        let mut found: Vec<(String, u64)> = found.into_iter().collect();
        found.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let looks_like = |value: &str| looks_like(value, listed.iter().copied()).map(str::to_owned);
        let examples = found.into_iter().take(EXAMPLES);
        let examples: Vec<Example> =
            examples.map(|(value, rows)| Example { looks_like: looks_like(&value), value, rows }).collect();
        (!examples.is_empty()).then(|| Self { kind, column: column.to_owned(), rows, of, examples })
    }

    /// Whether some value differs from a known one in spelling only, so that it is surely a mistake.
    pub fn is_misspelt(&self) -> bool {
        self.examples.iter().any(|example| example.looks_like.is_some())
    }

    /// Which part of all rows it is.
    #[expect(clippy::cast_precision_loss, reason = "a share of rows, compared with a rounded limit")]
    pub fn share(&self) -> f64 {
        if self.of == 0 { 0.0 } else { self.rows as f64 / self.of as f64 }
    }

    /// The limit that it is above, so that no snapshot may be built from the table.
    pub fn above(&self, limits: &Limits) -> Option<Limit> {
        Limit::of(self.kind, limits).filter(|limit| self.share() > limit.share_max)
    }
}

impl Limit {
    /// The limit of such misfits; `None` for what is said and never refused.
    fn of(kind: MisfitKind, limits: &Limits) -> Option<Self> {
        let (key, share_max, remedy) = match kind {
            MisfitKind::Gender | MisfitKind::Region | MisfitKind::Attribute => (
                "unlisted_codes_share",
                limits.unlisted_codes_share,
                "list these codes in the catalog as the table has them",
            ),
            MisfitKind::Age => {
                ("impossible_ages_share", limits.impossible_ages_share, "name the right column of ages or birth dates")
            }
            MisfitKind::OptOut => {
                ("unknown_opt_out_share", limits.unknown_opt_out_share, "fill the column with yes or no for everybody")
            }
            MisfitKind::UnknownUser => (
                "unknown_people_share",
                limits.unknown_people_share,
                "look whether both tables write ids alike and whether `users` is whole",
            ),
            MisfitKind::UnusedKind | MisfitKind::AbsentKind | MisfitKind::AbsentCategory => return None,
        };
        Some(Self { key, share_max, remedy })
    }
}

impl Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, column, rows, of, examples } = self;
        match kind {
            MisfitKind::Gender => {
                write!(
                    f,
                    "{rows} of {of} people with a gender have a code in `{column}` that the catalog does not list"
                )?;
            }
            MisfitKind::Region => {
                write!(
                    f,
                    "{rows} of {of} people with a region have a code in `{column}` that the catalog does not list"
                )?;
            }
            MisfitKind::Attribute => {
                write!(
                    f,
                    "{rows} of {of} people with a value in `{column}` have a code there that the catalog does not list"
                )?;
            }
            MisfitKind::Age => {
                write!(f, "{rows} of {of} people have an impossible age by `{column}` (possible are 0 to {AGE_MAX})")?;
            }
            MisfitKind::OptOut => {
                write!(f, "{rows} of {of} people have neither yes nor no in `{column}` and count as opted out")?;
            }
            MisfitKind::UnknownUser => {
                write!(f, "{rows} of {of} events are of people whom `users` does not have (column `{column}`)")?;
            }
            MisfitKind::UnusedKind => {
                write!(
                    f,
                    "{rows} of {of} events are of kinds that no product and no feature names (column `{column}`)"
                )?;
            }
            MisfitKind::AbsentKind => write!(f, "no event is of a kind that the catalog names (column `{column}`)")?,
            MisfitKind::AbsentCategory => {
                write!(f, "no event has a category that the catalog names (column `{column}`)")?;
            }
        }
        let mut before = ": ";
        for Example { value, rows, looks_like } in examples {
            write!(f, "{before}`{value}`")?;
            match kind {
                MisfitKind::AbsentKind | MisfitKind::AbsentCategory => {
                    looks_like.iter().try_for_each(|like| write!(f, " (the table has `{like}`)"))?;
                }
                _ => {
                    write!(f, " {rows} times")?;
                    looks_like.iter().try_for_each(|like| write!(f, " (looks like the catalog's `{like}`)"))?;
                }
            }
            before = ", ";
        }
        Ok(())
    }
}

/// What of people's codes, ages and flags matches nothing. `frame` has the columns as the table has them; `years` is the age.
/// Blocks.
pub(super) fn of_people(frame: &LazyFrame, catalog: &Catalog, years: Option<Expr>) -> Result<Vec<Misfit>, LakeError> {
    let mut misfits = of_profiles(frame, catalog, years)?;
    for attribute in &catalog.attributes {
        if let AttributeValues::Codes(codes) = &attribute.values {
            misfits.extend(of_attribute(frame, attribute, codes)?);
        }
    }
    Ok(misfits)
}

/// Codes of an attribute that the catalog does not list.
fn of_attribute(frame: &LazyFrame, attribute: &Attribute, codes: &[Code]) -> Result<Option<Misfit>, LakeError> {
    let id = attribute.id.as_str();
    let groups = frame.clone().group_by([col(id)]).agg([len().cast(DataType::UInt64).alias(PEOPLE)]);
    let groups = collect_now(groups)?;
    let people: Vec<u64> = groups.column(PEOPLE)?.u64()?.iter().flatten().collect();
    let (all, unlisted) = unlisted(groups.column(id)?, &people, &codes::attribute(&attribute.id, codes))?;
    let listed: Vec<&str> = codes.iter().map(|code| code.code.as_str()).collect();
    Ok(Misfit::of_values((MisfitKind::Attribute, &attribute.column), all, unlisted, &listed))
}

/// How many people have a code, and by code those whose code is not listed.
fn unlisted(codes: &Column, people: &[u64], known: &codes::Listed) -> PolarsResult<(u64, BTreeMap<String, u64>)> {
    let (mut all, mut unlisted) = (0, BTreeMap::<String, u64>::new());
    for (code, people) in codes.str()?.iter().zip(people) {
        let Some(code) = code.filter(|code| !code.trim().is_empty()) else { continue };
        all += people;
        if !known.has(code) {
            *unlisted.entry(code.to_owned()).or_default() += people;
        }
    }
    Ok((all, unlisted))
}

fn of_profiles(frame: &LazyFrame, catalog: &Catalog, years: Option<Expr>) -> Result<Vec<Misfit>, LakeError> {
    let table = &catalog.users;
    let mut keys = Vec::new();
    keys.extend(table.gender.as_ref().map(|_| col(columns::GENDER)));
    keys.extend(table.region.as_ref().map(|_| col(columns::REGION)));
    keys.extend(years.map(|years| {
        let impossible = years.clone().lt(lit(0)).or(years.clone().gt(lit(AGE_MAX)));
        when(impossible).then(years).otherwise(lit(NULL)).cast(DataType::Int64).alias(IMPOSSIBLE)
    }));
    keys.extend(table.opted_out.as_ref().map(|_| col(columns::OPTED_OUT).is_null().alias(NEITHER)));
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let groups = collect_now(frame.clone().group_by(keys).agg([len().cast(DataType::UInt64).alias(PEOPLE)]))?;
    let people: Vec<u64> = groups.column(PEOPLE)?.u64()?.iter().flatten().collect();
    let all: u64 = people.iter().sum();
    let mut misfits = Vec::new();
    let genders: Vec<&str> = catalog.genders.iter().filter_map(|gender| gender.code.as_deref()).collect();
    let regions: Vec<&str> = catalog.regions.iter().map(|region| region.code.as_str()).collect();
    for (kind, name, column, listed, known) in [
        (MisfitKind::Gender, columns::GENDER, &table.gender, &genders, codes::genders(catalog)),
        (MisfitKind::Region, columns::REGION, &table.region, &regions, codes::regions(catalog)),
    ] {
        let Some(column) = column else { continue };
        let (having, unlisted) = unlisted(groups.column(name)?, &people, &known)?;
        misfits.extend(Misfit::of_values((kind, column), having, unlisted, listed));
    }
    if let Some(AgeColumn::Years(column) | AgeColumn::BirthDate(column)) = &table.age {
        let mut impossible = BTreeMap::<String, u64>::new();
        for (years, people) in groups.column(IMPOSSIBLE)?.i64()?.iter().zip(&people) {
            let Some(years) = years else { continue };
            *impossible.entry(years.to_string()).or_default() += people;
        }
        misfits.extend(Misfit::of_values((MisfitKind::Age, column), all, impossible, &[]));
    }
    if let Some(column) = &table.opted_out {
        let neither = groups.column(NEITHER)?.bool()?.iter().zip(&people);
        let rows: u64 = neither.filter(|(neither, _)| *neither == Some(true)).map(|(_, people)| people).sum();
        let misfit = Misfit { kind: MisfitKind::OptOut, column: column.clone(), rows, of: all, examples: Vec::new() };
        misfits.extend(Some(misfit).filter(|misfit| misfit.rows > 0));
    }
    Ok(misfits)
}
