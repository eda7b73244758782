//! What each feature says, in words, for the people who read a model's factors or take over a snapshot.

use serde::Serialize;

use super::columns::feature_column;
use crate::{
    catalog::{AgeColumn, AttributeValues, Catalog, FeatureDecl, Measure, Names},
    contracts::columns::{AGE, GENDER, REGION},
};

/// A feature in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Meaning {
    /// As the catalog declares it; for what is known of a person `age`, `gender`, `region` or an attribute's id.
    pub name: String,
    /// Its columns in a snapshot; `<category>` stands for the categories that the snapshot's ranking chooses.
    pub columns: Vec<String>,
    pub words: Names,
    pub unit: Names,
    /// What it means when a person has no value.
    pub null: Names,
}

/// Every feature of the catalog: what is known of a person, then what is declared.
pub fn meanings(catalog: &Catalog) -> Vec<Meaning> {
    let declared = catalog.features.iter().chain(&catalog.rhythm).map(|decl| declared(catalog, decl));
    profile(catalog).into_iter().chain(declared).collect()
}

/// Only the columns that the users table has.
fn profile(catalog: &Catalog) -> Vec<Meaning> {
    let one = |name: &str, words, unit, null| Meaning {
        name: name.to_owned(),
        columns: vec![name.to_owned()],
        words,
        unit,
        null,
    };
    let users = &catalog.users;
    let age = users.age.as_ref().map(|age| {
        let words = match age {
            AgeColumn::Years(_) => Names::new("年齢", "age"),
            AgeColumn::BirthDate(_) => {
                Names::new("生年月日から数えた、その日の年齢", "age on the snapshot's day, from the day of birth")
            }
        };
        one(
            AGE,
            words,
            Names::new("歳", "years"),
            Names::new("不明、または0〜130歳の外", "unknown, or outside 0 to 130"),
        )
    });
    let code = Names::new("カタログのコード", "the catalog's code");
    let unlisted = Names::new("不明、またはカタログにないコード", "unknown, or a code that the catalog does not list");
    let gender =
        users.gender.as_ref().map(|_| one(GENDER, Names::new("性別", "gender"), code.clone(), unlisted.clone()));
    let region =
        users.region.as_ref().map(|_| one(REGION, Names::new("地域", "region"), code.clone(), unlisted.clone()));
    let attributes = catalog.attributes.iter().filter(|attribute| attribute.is_feature).map(|attribute| {
        let (unit, null) = match attribute.values {
            AttributeValues::Codes(_) => (code.clone(), unlisted.clone()),
            AttributeValues::Numbers(_) => (Names::new("表のとおり", "as in the table"), Names::new("不明", "unknown")),
        };
        one(attribute.id.as_str(), attribute.names.clone(), unit, null)
    });
    [age, gender, region].into_iter().flatten().chain(attributes).collect()
}

fn declared(catalog: &Catalog, decl: &FeatureDecl) -> Meaning {
    let category = decl.by_category_top.map(|_| "<category>");
    Meaning {
        name: decl.name.clone(),
        columns: decl.windows().into_iter().map(|days| feature_column(&decl.name, days, category)).collect(),
        words: words(decl),
        unit: unit(catalog, decl),
        null: null(decl.measure),
    }
}

/// The declared name, what is measured, and over which events.
fn words(decl: &FeatureDecl) -> Names {
    let Names { ja: what_ja, en: what_en } = measured(decl);
    let Names { ja, en } = &decl.names;
    Names::new(
        format!("{ja}：{what_ja}（{}）", scope(decl, &SCOPE_JA).join("、")),
        format!("{en}: {what_en} ({})", scope(decl, &SCOPE_EN).join("; ")),
    )
}

fn measured(decl: &FeatureDecl) -> Names {
    let of = decl.of.as_deref().unwrap_or_default();
    let of_column = |ja: &str, en: &str| Names::new(format!("`{of}`の{ja}"), format!("{en} `{of}`"));
    match decl.measure {
        Measure::Count => Names::new("イベントの数", "number of events"),
        Measure::Sum => of_column("合計", "sum of"),
        Measure::Mean => of_column("平均", "mean of"),
        Measure::Min => of_column("最小値", "smallest"),
        Measure::Max => of_column("最大値", "largest"),
        Measure::Distinct => of_column("異なる値の数", "number of different values of"),
        Measure::DaysSinceLast => Names::new("最後のイベントからの日数", "days since the last event"),
        Measure::DaysSinceFirst => Names::new("最初のイベントからの日数", "days since the first event"),
        Measure::ActiveDays => Names::new("イベントのあった日の数", "days with an event"),
        Measure::Share => Names::new("表の全イベントに占める割合", "share of all events of the table"),
        Measure::MeanGapDays => Names::new("イベントのあった日の間隔の平均", "mean gap between days with an event"),
        Measure::Overdue => Names::new(
            "最後のイベントからの日数を、間隔の平均で割った値",
            "days since the last event over the mean gap between days with one",
        ),
        Measure::Trend => Names::new(
            "イベントのあった日の数と、その前の同じ長さの期間との差",
            "days with an event, less those in as many days before",
        ),
        Measure::WeekdayShare => Names::new(
            "イベントのあった日のうち平日の割合",
            "share of the days with an event that are Monday to Friday",
        ),
        Measure::ActiveDaysShare => Names::new(
            "表のイベントがあった日のうち、該当する日の割合",
            "share of the days with any event of the table",
        ),
        Measure::Rate => Names::new(
            "（イベントのあった日数 + 0.3）÷（最初からの日数 + 60）",
            "(days with an event + 0.3) / (days since the first + 60)",
        ),
    }
}

/// How one language says over which events a feature is taken.
struct Scope {
    table: fn(&str) -> String,
    kinds: fn(&[String]) -> String,
    categories: fn(&[String]) -> String,
    each: fn(u16) -> String,
    windows: fn(&[String]) -> String,
    ever: &'static str,
}

const SCOPE_JA: Scope = Scope {
    table: |table| format!("表 {table}"),
    kinds: |kinds| format!("種別 {}", kinds.join("・")),
    categories: |categories| format!("カテゴリー {}", categories.join("・")),
    each: |top| format!("上位{top}カテゴリーごと"),
    windows: |days| format!("直近{}日", days.join("・")),
    ever: "全期間",
};

const SCOPE_EN: Scope = Scope {
    table: |table| format!("table {table}"),
    kinds: |kinds| format!("kind {}", kinds.join(" or ")),
    categories: |categories| format!("category {}", categories.join(" or ")),
    each: |top| format!("for each of the {top} commonest categories"),
    windows: |days| format!("last {} days", days.join(", ")),
    ever: "all of history",
};

fn scope(decl: &FeatureDecl, say: &Scope) -> Vec<String> {
    let listed = |items: &[String], words: fn(&[String]) -> String| (!items.is_empty()).then(|| words(items));
    let windows: Vec<String> = decl.windows_days.iter().map(ToString::to_string).collect();
    [
        Some((say.table)(&decl.table)),
        listed(&decl.kinds, say.kinds),
        listed(&decl.categories, say.categories),
        decl.by_category_top.map(say.each),
        Some(listed(&windows, say.windows).unwrap_or_else(|| say.ever.to_owned())),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn unit(catalog: &Catalog, decl: &FeatureDecl) -> Names {
    match decl.measure {
        Measure::Count => Names::new("件", "events"),
        Measure::Distinct => Names::new("種類", "values"),
        Measure::DaysSinceLast
        | Measure::DaysSinceFirst
        | Measure::ActiveDays
        | Measure::MeanGapDays
        | Measure::Trend => Names::new("日", "days"),
        Measure::Share | Measure::WeekdayShare | Measure::ActiveDaysShare => Names::new("0〜1", "0 to 1"),
        Measure::Overdue => Names::new("倍", "times the mean gap"),
        Measure::Rate => Names::new("1日あたりの日数", "days a day"),
        Measure::Sum | Measure::Mean | Measure::Min | Measure::Max => {
            let decimals = catalog.events_table(&decl.table).map_or(0, |table| table.amount_decimals);
            let of = decl.of.as_deref().unwrap_or_default();
            if of == "amount" && decimals > 0 {
                let parts = 10_u64.pow(decimals.into());
                Names::new(format!("`amount`の{parts}分の1"), format!("1/{parts} of `amount`"))
            } else {
                Names::new(format!("`{of}`の単位"), format!("as in `{of}`"))
            }
        }
    }
}

fn null(measure: Measure) -> Names {
    match measure {
        Measure::Count | Measure::Sum | Measure::Distinct | Measure::ActiveDays | Measure::Trend => {
            Names::new("欠損なし（イベントがなければ0）", "never; 0 without such events")
        }
        Measure::Mean | Measure::Min | Measure::Max => {
            Names::new("値のあるイベントがない", "no such event with a value")
        }
        Measure::DaysSinceLast | Measure::DaysSinceFirst | Measure::WeekdayShare | Measure::Rate => {
            Names::new("該当するイベントがない", "no such event")
        }
        Measure::MeanGapDays | Measure::Overdue => {
            Names::new("該当するイベントのあった日が2日未満", "fewer than two days with such an event")
        }
        Measure::Share | Measure::ActiveDaysShare => {
            Names::new("期間中に表のイベントがない", "no event of the table in that time")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CATALOG: &str = include_str!("../demo/catalog.toml");

    #[test]
    fn every_column_of_a_catalog_is_in_words() {
        let more = r#"
[[features]]
name = "mean_basket"
measure = "mean"
of = "amount"
where = { kind = ["purchase"], category = ["rice", "coffee"] }
windows_days = [14]

[limits]"#;
        let text = CATALOG
            .replace("[limits]", more)
            .replace("amount = \"amount_yen\"", "amount = \"amount_yen\"\namount_decimals = 2");
        let meanings = meanings(&Catalog::parse(&text).unwrap());
        let said = |name: &str| {
            let Meaning { columns, words, unit, null, .. } = meanings.iter().find(|one| one.name == name).unwrap();
            let lines = [words, unit, null].map(|names| format!("{} | {}", names.ja, names.en));
            format!("{}\n{}", columns.join(" "), lines.join("\n"))
        };
        insta::assert_snapshot!(said("mean_basket"), @r"
        mean_basket_14d
        mean basket：`amount`の平均（表 events、種別 purchase、カテゴリー rice・coffee、直近14日） | mean basket: mean of `amount` (table events; kind purchase; category rice or coffee; last 14 days)
        `amount`の100分の1 | 1/100 of `amount`
        値のあるイベントがない | no such event with a value
        ");
        insta::assert_snapshot!(said("region"), @r"
        region
        地域 | region
        カタログのコード | the catalog's code
        不明、またはカタログにないコード | unknown, or a code that the catalog does not list
        ");
        let fanned = CATALOG.matches("by = \"category\"").count();
        assert_eq!(meanings.iter().filter(|one| one.columns[0].ends_with(":<category>")).count(), fanned);
        assert!(fanned > 0);
    }
}
