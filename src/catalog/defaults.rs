//! The features of a company that declares none.

use super::{EventsTable, FeatureDecl, Measure, Names};

/// What a company gets that declares no features: frequency, recency, money and taste, per table.
pub(super) fn features(events: &[EventsTable]) -> Vec<FeatureDecl> {
    let mut features = Vec::new();
    for table in events {
        let mut add =
            |stem: &str, (ja, en): (&str, &str), measure, of: Option<&str>, windows: &[u16], top: Option<u16>| {
                features.push(FeatureDecl {
                    name: format!("{}_{stem}", table.name),
                    product: None,
                    names: Names::new(ja, en),
                    table: table.name.clone(),
                    kinds: Vec::new(),
                    categories: Vec::new(),
                    measure,
                    of: of.map(str::to_owned),
                    windows_days: windows.to_vec(),
                    by_category_top: top,
                });
            };
        add("count", ("行動回数", "events"), Measure::Count, None, &[7, 30, 90], None);
        add("active_days", ("行動日数", "active days"), Measure::ActiveDays, None, &[30, 90], None);
        add("recency", ("最後の行動からの日数", "days since the last event"), Measure::DaysSinceLast, None, &[], None);
        add("tenure", ("最初の行動からの日数", "days since the first event"), Measure::DaysSinceFirst, None, &[], None);
        if table.amount.is_some() {
            add("amount", ("金額", "amount"), Measure::Sum, Some("amount"), &[30, 90], None);
            add("amount_mean", ("平均金額", "mean amount"), Measure::Mean, Some("amount"), &[90], None);
        }
        if table.category.is_some() {
            add(
                "categories",
                ("カテゴリー数", "different categories"),
                Measure::Distinct,
                Some("category"),
                &[90],
                None,
            );
            add("category_count", ("行動回数", "events"), Measure::Count, None, &[30, 90], Some(20));
            add(
                "category_recency",
                ("最後の行動からの日数", "days since the last event"),
                Measure::DaysSinceLast,
                None,
                &[],
                Some(20),
            );
        }
    }
    features
}
