//! Which categories a fanned-out feature spreads over: the commonest on a snapshot's own events.

use std::{cmp::Reverse, collections::BTreeMap};

use super::{partials::Index, selection::Selection};
use crate::catalog::FeatureDecl;

/// By feature name, the commonest categories first.
pub(super) type Ranking = BTreeMap<String, Vec<String>>;

/// Ranks the categories of every fanned-out feature among `decls`, which are of one table, over its events up to
/// `as_of` (days since 1970-01-01). What counts is the feature's events in its longest window; equal counts are in the
/// order of the category's text.
pub(super) fn rank(decls: &[&FeatureDecl], table: &[&Index], as_of: i32) -> Ranking {
    let fanned = decls.iter().filter_map(|decl| Some((decl, decl.by_category_top?)));
    let ranked = fanned.map(|(decl, top)| {
        let counts = events_by_category(decl, table, as_of);
        let mut ranked: Vec<(Reverse<u64>, &str)> =
            counts.into_iter().map(|(name, count)| (Reverse(count), name)).collect();
        ranked.sort_unstable();
        ranked.truncate(top.into());
        (decl.name.clone(), ranked.into_iter().map(|(_, category)| category.to_owned()).collect())
    });
    ranked.collect()
}

fn events_by_category<'i>(decl: &FeatureDecl, table: &[&'i Index], as_of: i32) -> BTreeMap<&'i str, u64> {
    // No window is all of history, so it is the longest.
    let before = decl.windows_days.iter().max().map(|days| as_of - i32::from(*days));
    let selection = Selection::of(decl, None);
    let mut counts = BTreeMap::new();
    for (day, cell, events) in table.iter().flat_map(|index| index.events()) {
        let Some(category) = cell.category.as_deref() else { continue };
        if day <= as_of && before.is_none_or(|before| day > before) && selection.contains(cell) {
            *counts.entry(category).or_default() += events;
        }
    }
    counts
}
