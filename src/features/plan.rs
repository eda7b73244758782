//! Which feature columns a snapshot has, in which order, and how each is computed.

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::*;

use super::{
    FeaturesError, SnapshotColumn, columns,
    expressions::{self, Measured},
    ranking::Ranking,
    selection::{Moment, Selection, Vocabulary},
};
use crate::catalog::{Catalog, EventsTable, FeatureDecl};

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
    for decl in &catalog.features {
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

/// How the columns of one events table are computed: partial results by person, by person and day, and by person and
/// value; then one value a column. Partial results that several columns need are computed once.
#[derive(Debug, Default)]
pub(super) struct TablePlan {
    pub(super) vocabulary: Vocabulary,
    pub(super) by_person: BTreeMap<String, Expr>,
    pub(super) by_day: Staged,
    /// By the column whose different values are counted.
    pub(super) by_value: BTreeMap<String, Staged>,
    /// Canonical columns of the events that measures are taken over.
    pub(super) measured: BTreeSet<String>,
    /// The snapshot's columns, from the partial results.
    pub(super) values: Vec<Expr>,
}

/// Two steps: by person and something, then by person.
#[derive(Debug, Default)]
pub(super) struct Staged {
    pub(super) first: BTreeMap<String, Expr>,
    pub(super) second: BTreeMap<String, Expr>,
}

impl TablePlan {
    /// The plan for every column that comes from `table`.
    pub(super) fn new(catalog: &Catalog, table: &EventsTable, columns: &[FeatureColumn], moment: Moment) -> Self {
        let columns: Vec<&FeatureColumn> = columns.iter().filter(|column| column.decl.table == table.name).collect();
        let products = || catalog.products.iter().filter(|product| product.conversion.table == table.name);
        let mut plan = Self { vocabulary: vocabulary(catalog, table, &columns), ..Self::default() };
        for product in products() {
            let conversion = &product.conversion;
            let selection = plan.vocabulary.select(std::slice::from_ref(&conversion.kind), &conversion.categories);
            plan.add(expressions::last_day(&selection, moment), &columns::conversion_column(&product.id));
        }
        for column in columns {
            let selection = plan.selection(column);
            plan.measured.extend(expressions::measured_column(column.decl));
            plan.add(expressions::measure(column.decl, &selection, moment), &column.described().name);
        }
        plan
    }

    fn selection(&self, column: &FeatureColumn) -> Selection {
        let decl = column.decl;
        let selection = self.vocabulary.select(&decl.kinds, &decl.categories);
        let selection = match &column.category {
            Some(category) => selection.and_category(&self.vocabulary, category),
            None => selection,
        };
        selection.within(column.window_days)
    }

    fn add(&mut self, measured: Measured, name: &str) {
        let Measured { by_person, by_day, by_value, value } = measured;
        self.by_person.extend(by_person);
        self.by_day.first.extend(by_day.first);
        self.by_day.second.extend(by_day.second);
        for (column, staged) in by_value {
            let known = self.by_value.entry(column).or_default();
            known.first.extend(staged.first);
            known.second.extend(staged.second);
        }
        self.values.push(value.alias(name));
    }
}

/// Every kind and category that some selection names.
fn vocabulary(catalog: &Catalog, table: &EventsTable, columns: &[&FeatureColumn]) -> Vocabulary {
    let (mut kinds, mut categories) = (BTreeSet::new(), BTreeSet::new());
    for product in catalog.products.iter().filter(|product| product.conversion.table == table.name) {
        kinds.insert(product.conversion.kind.clone());
        categories.extend(product.conversion.categories.iter().cloned());
    }
    for column in columns {
        kinds.extend(column.decl.kinds.iter().cloned());
        categories.extend(column.decl.categories.iter().cloned());
        categories.extend(column.category.clone());
    }
    Vocabulary::new(kinds, categories)
}
