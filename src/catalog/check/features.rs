//! Declared features: each measure gets the column it needs, from a table that has it.

use toml::Spanned;

use super::{CatalogProblem, Checker};
use crate::catalog::{EventsTable, FeatureDecl, Measure, Names, raw::RawFeature};

/// Categories of one feature, each a column a window.
const TOP_MAX: u16 = 200;

impl Checker<'_> {
    pub(super) fn features(
        &self,
        raw: Vec<RawFeature>,
        events: &[EventsTable],
    ) -> Result<Vec<FeatureDecl>, CatalogProblem> {
        self.unique("feature", raw.iter().map(|feature| &feature.name))?;
        raw.into_iter().map(|feature| self.feature(feature, events)).collect()
    }

    fn feature(&self, raw: RawFeature, events: &[EventsTable]) -> Result<FeatureDecl, CatalogProblem> {
        self.name_shape(&raw.name)?;
        let table = self.table(raw.table.as_ref(), &raw.name, events)?;
        self.measured_column(&raw, table)?;
        for window in &raw.windows_days {
            if !(1..=3660).contains(window.get_ref()) {
                return self.fail(window.span(), "a window is 1 to 3660 days");
            }
        }
        if *raw.measure.get_ref() == Measure::Trend && raw.windows_days.is_empty() {
            return self
                .fail(raw.measure.span(), "a trend compares a window with the one before; give it `windows_days`");
        }
        let by_category_top = match &raw.by {
            None => None,
            Some(by) if by.get_ref() == "category" && table.category.is_some() => {
                let top = raw.top.unwrap_or(20);
                if !(1..=TOP_MAX).contains(&top) {
                    return self.fail(by.span(), format!("`top` is 1 to {TOP_MAX} categories"));
                }
                Some(top)
            }
            Some(by) => {
                return self.fail(by.span(), "`by` can only be \"category\", of a table that has a category column");
            }
        };
        let needs_category = !raw.filter.category.is_empty();
        if needs_category && table.category.is_none() {
            return self
                .fail(raw.name.span(), format!("events table `{}` has no category column to filter by", table.name));
        }
        let name = raw.name.into_inner();
        let spoken = name.replace('_', " ");
        Ok(FeatureDecl {
            names: Names { ja: raw.ja.unwrap_or_else(|| spoken.clone()), en: raw.en.unwrap_or(spoken) },
            name,
            product: None,
            table: table.name.clone(),
            kinds: raw.filter.kind,
            categories: raw.filter.category,
            measure: raw.measure.into_inner(),
            of: raw.of.map(Spanned::into_inner),
            windows_days: raw.windows_days.into_iter().map(Spanned::into_inner).collect(),
            by_category_top,
        })
    }

    /// `of` is there exactly when the measure needs a column, and names one that the table has.
    fn measured_column(&self, raw: &RawFeature, table: &EventsTable) -> Result<(), CatalogProblem> {
        let needs_column = matches!(
            raw.measure.get_ref(),
            Measure::Sum | Measure::Mean | Measure::Min | Measure::Max | Measure::Distinct
        );
        match (&raw.of, needs_column) {
            (None, false) => Ok(()),
            (None, true) => self.fail(
                raw.measure.span(),
                "this measure needs `of`, the column it is taken over, such as of = \"amount\"",
            ),
            (Some(of), false) => self.fail(of.span(), "this measure counts events and takes no `of`"),
            (Some(of), true) => {
                let known = match of.get_ref().as_str() {
                    "amount" => table.amount.is_some(),
                    "category" => table.category.is_some() && *raw.measure.get_ref() == Measure::Distinct,
                    other => table.extra.iter().any(|column| column == other),
                };
                if known {
                    return Ok(());
                }
                self.fail(
                    of.span(),
                    format!("events table `{}` has no `{}` for this measure; use amount, category (distinct only) or a column listed in its `extra`", table.name, of.get_ref()),
                )
            }
        }
    }
}
