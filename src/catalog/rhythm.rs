//! When people come back: features that nobody has to declare, for each product and for all that a table has. They follow from
//! the first day, the last day and the number of days, which a snapshot counts anyway.

use super::{EventsTable, FeatureDecl, Measure, Names, Product};

const WINDOWS: [u16; 3] = [28, 90, 180];
const TREND: [u16; 1] = [28];

/// What a rhythm is of.
struct Of<'o> {
    table: &'o EventsTable,
    /// `None` for everything in the table.
    product: Option<&'o Product>,
}

/// The rhythm of every product, and of every table.
pub(super) fn features(products: &[Product], events: &[EventsTable]) -> Vec<FeatureDecl> {
    let of_products = products.iter().filter_map(|product| {
        let table = events.iter().find(|table| table.name == product.conversion.table)?;
        Some(Of { table, product: Some(product) })
    });
    let of_tables = events.iter().map(|table| Of { table, product: None });
    of_products.chain(of_tables).flat_map(|of| of.features()).collect()
}

impl Of<'_> {
    fn features(&self) -> Vec<FeatureDecl> {
        let mut features = vec![
            self.feature("days", ("日数", "days with {a}"), Measure::ActiveDays, &WINDOWS),
            self.feature("days_ever", ("日数", "days with {a}"), Measure::ActiveDays, &[]),
            self.feature("first", ("最初からの日数", "days since the first {one}"), Measure::DaysSinceFirst, &[]),
            self.feature("last", ("最後からの日数", "days since the last {one}"), Measure::DaysSinceLast, &[]),
            self.feature("gap", ("間隔の平均（日）", "usual days between {one}s"), Measure::MeanGapDays, &[]),
            self.feature("overdue", ("いつもの間隔に対する経過", "how overdue {a} is"), Measure::Overdue, &[]),
            self.feature("trend", ("日数の増減", "change in days with {a}"), Measure::Trend, &TREND),
            self.feature("rate", ("1日あたりの頻度", "how often there is {a}"), Measure::Rate, &[]),
        ];
        if self.product.is_some() {
            let words = ("活動した日のうちの割合", "share of active days with {a}");
            features.push(self.feature("share", words, Measure::ActiveDaysShare, &[]));
        }
        features
    }

    /// A stop in the name keeps it apart from all that can be declared.
    fn feature(&self, stem: &str, (ja, en): (&str, &str), measure: Measure, windows_days: &[u16]) -> FeatureDecl {
        let (name, names) = match self.product {
            Some(Product { id, names, .. }) => (
                format!("{id}.{stem}"),
                Names::new(
                    format!("「{}」のコンバージョン：{ja}", names.ja),
                    format!("{en} a conversion of {}", names.en),
                ),
            ),
            None => (
                format!("any.{}.{stem}", self.table.name),
                Names::new(format!("{}の行動：{ja}", self.table.name), said(&self.table.name, en, "an", "event")),
            ),
        };
        let conversion = self.product.map(|product| &product.conversion);
        FeatureDecl {
            name,
            names,
            product: self.product.map(|product| product.id.clone()),
            table: self.table.name.clone(),
            kinds: conversion.map(|conversion| conversion.kind.clone()).into_iter().collect(),
            categories: conversion.map(|conversion| conversion.categories.clone()).unwrap_or_default(),
            measure,
            of: None,
            windows_days: windows_days.to_vec(),
            by_category_top: None,
        }
    }
}

/// `Tea: days since the last conversion`.
fn said(of: &str, words: &str, article: &str, one: &str) -> String {
    format!("{of}: {}", words.replace("{a}", &format!("{article} {one}")).replace("{one}", one))
}
