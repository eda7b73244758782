//! Which feature columns a snapshot has, in which order, and how each is computed.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::{
    FeaturesError, SnapshotColumn, columns,
    measures::{self, Over, Value},
    partials::Columns,
    ranking::Ranking,
    selection::Selection,
    tally::Tallies,
};
use crate::{
    catalog::{Catalog, EventsTable, FeatureDecl},
    contracts::columns::converted_on,
};

/// One column of a declared feature.
#[derive(Debug, Clone)]
pub(super) struct FeatureColumn<'c> {
    pub(super) decl: &'c FeatureDecl,
    pub(super) window_days: Option<u16>,
    pub(super) category: Option<String>,
    own: bool,
}

impl FeatureColumn<'_> {
    pub(super) fn described(&self) -> SnapshotColumn {
        columns::feature(self.decl, self.window_days, self.category.as_deref(), self.own)
    }
}

/// Every feature column: as declared, then by window, then by category; categories that only `carried` rankings chose
/// come last.
pub(super) fn feature_columns<'c>(
    catalog: &'c Catalog,
    own: &Ranking,
    carried: &[Ranking],
) -> Result<Vec<FeatureColumn<'c>>, FeaturesError> {
    let mut columns = Vec::new();
    for decl in catalog.features.iter().chain(&catalog.rhythm) {
        let categories = categories(decl, own, carried);
        for window_days in decl.windows() {
            columns.extend(categories.iter().map(|(category, own)| FeatureColumn {
                decl,
                window_days,
                category: category.clone(),
                own: *own,
            }));
        }
    }
    let mut names = BTreeSet::new();
    for column in &columns {
        let name = column.described().name;
        if !names.insert(name.clone()) {
            return Err(FeaturesError::SameColumn { column: name });
        }
    }
    Ok(columns)
}

/// The categories of a fanned-out feature and whether they are the snapshot's own; one `None` for any other feature.
fn categories(decl: &FeatureDecl, own: &Ranking, carried: &[Ranking]) -> Vec<(Option<String>, bool)> {
    if decl.by_category_top.is_none() {
        return vec![(None, true)];
    }
    let chosen = |ranking: &Ranking| ranking.get(&decl.name).cloned().unwrap_or_default();
    let own = chosen(own);
    let mut categories: Vec<(Option<String>, bool)> = own.iter().map(|c| (Some(c.clone()), true)).collect();
    let mut seen: BTreeSet<String> = own.into_iter().collect();
    for category in carried.iter().flat_map(chosen) {
        if seen.insert(category.clone()) {
            categories.push((Some(category), false));
        }
    }
    categories
}

/// How the columns of one events table come from its partial aggregates.
#[derive(Debug)]
pub(super) struct TablePlan {
    /// The snapshot's day, in days since 1970-01-01.
    pub(super) as_of: i32,
    /// What the partial aggregates hold.
    pub(super) columns: Columns,
    pub(super) tallies: Tallies,
    /// The snapshot's columns.
    pub(super) values: Vec<(String, Value)>,
}

impl TablePlan {
    /// The plan for every column that comes from `table`.
    pub(super) fn new(catalog: &Catalog, table: &EventsTable, features: &[FeatureColumn], as_of: NaiveDate) -> Self {
        let columns = Columns::of(catalog, table);
        let (mut tallies, mut values) = (Tallies::default(), Vec::new());
        for product in catalog.products.iter().filter(|product| product.conversion.table == table.name) {
            let conversion = &product.conversion;
            let selection = Selection::new(std::slice::from_ref(&conversion.kind), &conversion.categories);
            let over = Over { tallies: &mut tallies, columns: &columns, selection, window_days: None };
            values.push((converted_on(&product.id), measures::last_day(over)));
        }
        for feature in features.iter().filter(|feature| feature.decl.table == table.name) {
            let selection = Selection::of(feature.decl, feature.category.as_deref());
            let over = Over { tallies: &mut tallies, columns: &columns, selection, window_days: feature.window_days };
            values.push((feature.described().name, measures::measure(feature.decl, over)));
        }
        tallies.lay_out();
        Self { as_of: as_of.to_epoch_days(), columns, tallies, values }
    }
}
