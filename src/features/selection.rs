//! Which events a column counts: by kind and category, and by day.
//!
//! Windows end with the snapshot's day: `w` days are `(as_of - w, as_of]`.

use std::collections::BTreeSet;

use super::partials::Cell;
use crate::catalog::FeatureDecl;

/// Events of some kinds and categories.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Selection {
    /// Empty means every kind.
    kinds: BTreeSet<String>,
    /// `None` means every category and events without one.
    categories: Option<BTreeSet<String>>,
}

impl Selection {
    /// No kinds mean every kind, no categories every category.
    pub(super) fn new(kinds: &[String], categories: &[String]) -> Self {
        let categories = (!categories.is_empty()).then(|| categories.iter().cloned().collect());
        Self { kinds: kinds.iter().cloned().collect(), categories }
    }

    /// What `decl` counts; of a fanned-out feature only `category`.
    pub(super) fn of(decl: &FeatureDecl, category: Option<&str>) -> Self {
        let mut selection = Self::new(&decl.kinds, &decl.categories);
        if let Some(category) = category {
            let counts = selection.categories.as_ref().is_none_or(|categories| categories.contains(category));
            selection.categories = Some(counts.then(|| category.to_owned()).into_iter().collect());
        }
        selection
    }

    pub(super) fn contains(&self, cell: &Cell) -> bool {
        let kind = || cell.kind.as_ref().is_some_and(|kind| self.kinds.contains(kind));
        let category = |all: &BTreeSet<String>| cell.category.as_ref().is_some_and(|one| all.contains(one));
        (self.kinds.is_empty() || kind()) && self.categories.as_ref().is_none_or(category)
    }
}
