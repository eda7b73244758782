//! What a batch says about its input: what was left out, and what probably is not as the catalog means it.

use std::{cmp::Reverse, collections::BTreeMap};

use super::Aggregated;
use crate::{
    catalog::{Catalog, Product},
    features::TableRows,
};

/// Values that are named; more are only counted.
const NAMED: usize = 3;

/// Products of a table whose conversions do not occur up to `as_of` (days since 1970-01-01), and which kinds or categories
/// do.
pub(super) fn unsold(catalog: &Catalog, events: &Aggregated<'_>, as_of: i32) -> Vec<String> {
    let cells = || {
        let all = events.partials.iter().flat_map(|stored| stored.index.events());
        all.filter(move |(day, ..)| *day <= as_of)
    };
    let of_table = catalog.products.iter().filter(|product| product.conversion.table == events.table.name);
    let note = |product: &Product| {
        let conversion = &product.conversion;
        let of_kind = |kind: &Option<String>| kind.as_deref() == Some(conversion.kind.as_str());
        if !cells().any(|(_, cell, _)| of_kind(&cell.kind)) {
            let kinds = commonest(cells().map(|(_, cell, events)| (cell.kind.as_deref(), events)));
            let kind = &conversion.kind;
            return Some(format!(
                "no event has the kind `{kind}` that is a conversion of product `{}`; the commonest kinds are {kinds}",
                product.id
            ));
        }
        let of_product = |category: &Option<String>| {
            conversion.categories.is_empty()
                || category.as_ref().is_some_and(|category| conversion.categories.contains(category))
        };
        let sold = cells().any(|(_, cell, _)| of_kind(&cell.kind) && of_product(&cell.category));
        (!sold).then(|| {
            let of_kind = cells().filter(|(_, cell, _)| of_kind(&cell.kind));
            let categories = commonest(of_kind.map(|(_, cell, events)| (cell.category.as_deref(), events)));
            format!(
                "no event of the kind `{}` has a category of product `{}` ({}); the commonest categories are {categories}",
                conversion.kind,
                product.id,
                conversion.categories.join(", ")
            )
        })
    };
    of_table.filter_map(note).collect()
}

fn commonest<'c>(counted: impl Iterator<Item = (Option<&'c str>, u64)>) -> String {
    let mut counts: BTreeMap<Option<&str>, u64> = BTreeMap::new();
    counted.for_each(|(value, events)| *counts.entry(value).or_default() += events);
    let mut counts: Vec<(Option<&str>, u64)> = counts.into_iter().collect();
    counts.sort_by_key(|(value, events)| (Reverse(*events), *value));
    let named = counts.iter().take(NAMED).map(|(value, events)| match value {
        Some(value) => format!("`{value}` ({events} events)"),
        None => format!("none at all ({events} events)"),
    });
    let named: Vec<String> = named.collect();
    if named.is_empty() { "not there: the table has no events".to_owned() } else { named.join(", ") }
}

impl TableRows {
    /// What is worth knowing about the table, one sentence each.
    pub fn sentences(&self) -> Vec<String> {
        let Self { table, rows, rejected, outside, amounts, notes, misfits, .. } = self;
        let list = |counts: &BTreeMap<String, u64>| {
            let counts: Vec<String> =
                counts.iter().map(|(why, count)| format!("{}: {count}", why.replace('_', " "))).collect();
            counts.join(", ")
        };
        let mut sentences = Vec::new();
        if !rejected.is_empty() {
            sentences.push(format!("{table}: of {rows} rows these could not be used: {}", list(rejected)));
        }
        if !outside.is_empty() {
            sentences.push(format!("{table}: of {rows} rows these do not count here: {}", list(outside)));
        }
        if !amounts.is_empty() {
            sentences.push(format!(
                "{table}: amounts that could not be used, so that their events have none: {}",
                list(amounts)
            ));
        }
        sentences.extend(misfits.iter().map(|misfit| format!("{table}: {misfit}")));
        sentences.extend(notes.iter().map(|note| format!("{table}: {note}")));
        sentences
    }
}
