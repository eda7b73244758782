//! What of the input matches nothing in the catalog, and whether it is so much that a snapshot would be of other people than
//! the operator means.

use std::collections::{BTreeMap, BTreeSet};

use super::{FeaturesError, partials::Index};
use crate::{
    catalog::{Catalog, EventsTable, KindColumn},
    lake::tables::{Misfit, MisfitKind},
};

/// How events without a kind are told.
const NO_KIND: &str = "(none)";

/// Kinds and categories of `table` that only the events or only the catalog knows, up to the end of the day `as_of`.
pub(super) fn of_events<'i>(
    catalog: &Catalog,
    table: &EventsTable,
    files: impl Iterator<Item = &'i Index>,
    as_of: i32,
) -> Vec<Misfit> {
    let Met { kinds, categories, events } = Met::of(files, as_of);
    let (named_kinds, named_categories) = named(catalog, table);
    if events == 0 || named_kinds.is_empty() {
        return Vec::new();
    }
    let listed: Vec<&str> = named_kinds.iter().copied().collect();
    let mut misfits = Vec::new();
    if let KindColumn::Column(column) = &table.kind {
        let unused = kinds.iter().filter(|(kind, _)| !named_kinds.contains(**kind));
        let unused = unused.map(|(kind, events)| ((*kind).to_owned(), *events)).collect();
        misfits.extend(Misfit::of_values((MisfitKind::UnusedKind, column), events, unused, &listed));
        let there: Vec<&str> = kinds.keys().copied().collect();
        misfits.extend(absent((MisfitKind::AbsentKind, column), events, &named_kinds, &there));
    }
    if let Some(column) = &table.category {
        let there: Vec<&str> = categories.into_iter().collect();
        misfits.extend(absent((MisfitKind::AbsentCategory, column), events, &named_categories, &there));
    }
    misfits
}

fn absent(what: (MisfitKind, &str), events: u64, named: &BTreeSet<&str>, there: &[&str]) -> Option<Misfit> {
    let missing = named.iter().filter(|name| there.binary_search(name).is_err());
    Misfit::of_values(what, events, missing.map(|name| ((*name).to_owned(), 0)).collect(), there)
}

/// What the events of some files are.
#[derive(Default)]
struct Met<'i> {
    kinds: BTreeMap<&'i str, u64>,
    categories: BTreeSet<&'i str>,
    events: u64,
}

impl<'i> Met<'i> {
    fn of(files: impl Iterator<Item = &'i Index>, as_of: i32) -> Self {
        let mut met = Self::default();
        for (_, cell, events) in files.flat_map(Index::events).filter(|(day, ..)| *day <= as_of) {
            *met.kinds.entry(cell.kind.as_deref().unwrap_or(NO_KIND)).or_default() += events;
            met.categories.extend(cell.category.as_deref());
            met.events += events;
        }
        met
    }
}

/// Kinds and categories that products and features name.
fn named<'c>(catalog: &'c Catalog, table: &EventsTable) -> (BTreeSet<&'c str>, BTreeSet<&'c str>) {
    let conversions = catalog.products.iter().map(|product| &product.conversion);
    let conversions: Vec<_> = conversions.filter(|conversion| conversion.table == table.name).collect();
    let features: Vec<_> = catalog.features.iter().filter(|decl| decl.table == table.name).collect();
    let kinds = conversions.iter().map(|conversion| &conversion.kind);
    let kinds = kinds.chain(features.iter().flat_map(|decl| &decl.kinds));
    let categories = conversions.iter().flat_map(|conversion| &conversion.categories);
    let categories = categories.chain(features.iter().flat_map(|decl| &decl.categories));
    (kinds.map(String::as_str).collect(), categories.map(String::as_str).collect())
}

/// Refuses what is more than the catalog allows.
pub(super) fn refuse_too_many(catalog: &Catalog, table: &str, misfits: &[Misfit]) -> Result<(), FeaturesError> {
    for misfit in misfits {
        if let Some(limit) = misfit.above(&catalog.limits) {
            let (table, misfit) = (table.to_owned(), Box::new(misfit.clone()));
            return Err(FeaturesError::TooManyMisfits { table, misfit, limit });
        }
    }
    Ok(())
}
