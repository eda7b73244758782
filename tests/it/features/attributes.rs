//! Further columns of `users`: in the snapshot, in the model, and in what can be asked for.

use std::{fmt::Write as _, sync::Arc};

use polars::prelude::*;
use segment_bot::{
    catalog::Catalog,
    features::Snapshot,
    model::Reuse,
    pipeline::{
        Estimator, Suppress,
        build_segment::{Ask, BuildContext, Built, compute},
    },
    progress::Silent,
    segment::{Conditions, Draft, Estimate},
};

use super::{TestLake, day, rows};

const CATALOG: &str = r#"
version = 1
time_zone = "UTC"
fallback_locale = "en"
owner = "the data team"
age = { min = 15, max = 79 }

[users]
path = "users/*"
id = "id"

[[events]]
name = "events"
path = "events/*.csv"
user = "id"
time = "at"
kind = "kind"

[[attributes]]
id = "rank"
column = "member_rank"
ja = "会員ランク"
en = "membership rank"
condition = true
choices = [
    { id = "gold", code = "G", ja = "ゴールド", en = "Gold" },
    { id = "silver", code = "S", ja = "シルバー", en = "Silver" },
]

[[attributes]]
id = "income"
ja = "世帯年収"
en = "household income"
condition = true
feature = false
choices = [
    { id = "low", below = 4, ja = "400万円未満", en = "below 4M" },
    { id = "high", from = 6.5, ja = "650万円以上", en = "6.5M and more" },
]

[[attributes]]
id = "household"
ja = "世帯人数"
en = "household size"

[[products]]
id = "tea"
ja = "お茶"
en = "Tea"
kind = "buy"
horizon_days = 10
min_conversions = 20

[[features]]
name = "views"
where = { kind = ["view"] }
measure = "count"
windows_days = [10]

[limits]
smallest_segment = 10
"#;

const LAST: &str = "2026-03-31";
const PEOPLE: u32 = 900;

/// The code in the data: gold, silver, one that nobody listed, none.
fn rank(id: u32) -> &'static str {
    ["G", "S", "G ", "B", "", "S", "S", "S", "S"][id as usize % 9]
}

/// In millions; a third is not known.
fn income(id: u32) -> Option<f64> {
    (!id.is_multiple_of(3)).then(|| f64::from(id % 20) / 2.0)
}

/// Two files: text that says everything, and Parquet in which incomes are decimals and household sizes are whole numbers.
fn put(place: &TestLake) {
    let mut csv = "id,member_rank,income,household\n".to_owned();
    for id in 0..PEOPLE / 2 {
        let income = income(id).map(|income| income.to_string()).unwrap_or_default();
        writeln!(csv, "{id},{},{income},{}", rank(id), 1 + id % 5).unwrap();
    }
    place.put_text("users/first.csv", &csv);
    let ids: Vec<i64> = (PEOPLE / 2..PEOPLE).map(i64::from).collect();
    let later = || PEOPLE / 2..PEOPLE;
    let frame = df!(
        "id" => ids,
        "member_rank" => later().map(rank).collect::<Vec<_>>(),
        "income" => later().map(income).collect::<Vec<_>>(),
        "household" => later().map(|id| 1 + id % 5).collect::<Vec<_>>(),
    );
    let frame = frame.unwrap().lazy().with_column(col("income").cast(DataType::Decimal(10, 1))).collect().unwrap();
    place.put("users/second.parquet", frame);
    let mut events = "id,at,kind\n".to_owned();
    for id in 0..PEOPLE {
        writeln!(events, "{id},2026-02-{:02}T10:00:00Z,view", 1 + id % 20).unwrap();
        // The best members buy, whatever they looked at.
        if rank(id).starts_with('G') && id % 4 > 0 {
            writeln!(events, "{id},2026-03-{:02}T10:00:00Z,buy", 22 + id % 9).unwrap();
        }
    }
    place.put_text("events/all.csv", &events);
}

fn conditions(catalog: &Catalog, text: &str) -> Conditions {
    Draft::from_text(catalog, text).unwrap().check(catalog).unwrap()
}

async fn built(place: &TestLake, catalog: &Catalog, conditions: Conditions) -> Built {
    let ask = Ask {
        request: "one".to_owned(),
        conditions,
        as_of: Some(day(LAST)),
        seed: 1,
        suppress: Suppress::Current,
        replays: None,
    };
    let context = BuildContext { catalog, store: &place.store };
    compute(context, &ask, Reuse::Never, &Silent).await.unwrap()
}

async fn estimated(place: &TestLake, catalog: &Catalog, conditions: Conditions) -> Estimate {
    let estimator = Estimator::new(Arc::new(catalog.clone()), place.store.clone());
    estimator.estimate(vec![conditions]).await.unwrap().estimates[0]
}

#[tokio::test(flavor = "multi_thread")]
async fn attributes_are_columns_whatever_the_file_and_unknown_codes_are_counted() {
    let (catalog, place) = (Catalog::parse(CATALOG).unwrap(), TestLake::new().await);
    put(&place);
    place.build(&catalog, LAST).await.unwrap();
    let snapshot: Snapshot = place.snapshot(&catalog, LAST).await;
    let rows = rows(&snapshot).await;
    let ids = rows.column("user_id").unwrap().str().unwrap().clone();
    let (ranks, incomes) = (rows.column("rank").unwrap().str().unwrap(), rows.column("income").unwrap().f64().unwrap());
    let sizes = rows.column("household").unwrap().f64().unwrap();
    assert_eq!(rows.height(), PEOPLE as usize);
    for (at, id) in ids.iter().flatten().enumerate() {
        let id: u32 = id.parse().unwrap();
        let wanted = match rank(id).trim() {
            "G" => Some("gold"),
            "S" => Some("silver"),
            _ => None,
        };
        assert_eq!(
            (ranks.get(at), incomes.get(at), sizes.get(at)),
            (wanted, income(id), Some(f64::from(1 + id % 5))),
            "{id}"
        );
    }
    let misfits: Vec<String> =
        snapshot.manifest().misfits().map(|(table, misfit)| format!("{table}: {misfit}")).collect();
    insta::assert_snapshot!(misfits.join("\n"), @"users: 100 of 800 people with a value in `member_rank` have a code there that the catalog does not list: `B` 100 times");
}

#[tokio::test(flavor = "multi_thread")]
async fn models_learn_from_attributes_unless_the_catalog_or_the_product_says_otherwise() {
    let (catalog, place) = (Catalog::parse(CATALOG).unwrap(), TestLake::new().await);
    put(&place);
    place.build(&catalog, LAST).await.unwrap();
    let everybody = built(&place, &catalog, conditions(&catalog, "product=tea size=400")).await;
    let factors: Vec<&str> = everybody.summary.factors.iter().map(|factor| factor.feature.en.as_str()).collect();
    assert_eq!(factors[0], "membership rank", "who buys is decided by it alone: {factors:?}");
    assert!(!factors.contains(&"household income"), "`feature = false`");
    let text = CATALOG.replace("kind = \"buy\"\n", "kind = \"buy\"\nforbidden_features = [\"rank\"]\n");
    let forbidding = Catalog::parse(&text).unwrap();
    let without = built(&place, &forbidding, conditions(&catalog, "product=tea size=400")).await;
    assert!(without.summary.factors.iter().all(|factor| factor.feature.en != "membership rank"));
    let (without, everybody) = (without.summary.quality.auc, everybody.summary.quality.auc);
    assert!(without < everybody - 0.2, "{without} without the rank, {everybody} with it");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_asked_for_by_attributes_as_they_are_typed_and_counted_as_they_are_picked() {
    let (catalog, place) = (Catalog::parse(CATALOG).unwrap(), TestLake::new().await);
    put(&place);
    place.build(&catalog, LAST).await.unwrap();
    for (text, asked, meets) in [
        ("rank=ゴールド", "rank=gold", &(|id| rank(id).trim() == "G") as &dyn Fn(u32) -> bool),
        ("rank=S,Gold", "rank=gold,silver", &|id| matches!(rank(id).trim(), "G" | "S")),
        ("income=６５０万円以上", "income=high", &|id| income(id).is_some_and(|income| income >= 6.5)),
        ("INCOME＝low rank=silver", "income=low rank=silver", &|id| {
            rank(id) == "S" && income(id).is_some_and(|income| income < 4.0)
        }),
    ] {
        let conditions = conditions(&catalog, &format!("product=tea size=10 {text}"));
        assert_eq!(conditions.to_string(), format!("product=tea {asked} size=10 converted=never control=0%"));
        assert_eq!(self::conditions(&catalog, &conditions.to_string()), conditions, "said again");
        let wanted = (0..PEOPLE).filter(|id| meets(*id)).count() as u64;
        let estimate = estimated(&place, &catalog, conditions.clone()).await;
        let picked = built(&place, &catalog, conditions).await;
        assert_eq!((estimate.matching, picked.summary.waterfall.matching), (wanted, wanted), "{text}");
        let csv = std::fs::read_to_string(&picked.files()[0].1).unwrap();
        let ids = csv.lines().skip(1).map(|line| line.split(',').nth(1).unwrap().parse::<u32>().unwrap());
        assert!(ids.into_iter().all(meets), "{text}");
    }
}

#[test]
fn what_an_attribute_does_not_have_is_refused_with_what_it_has() {
    let catalog = Catalog::parse(CATALOG).unwrap();
    let refused = |text: &str| match Draft::from_text(&catalog, text) {
        Err(problem) => problem.to_string(),
        Ok(draft) => draft.check(&catalog).unwrap_err()[0].to_string(),
    };
    insta::assert_snapshot!(refused("product=tea size=10 rank=golt"), @"`golt` is no rank I know. Accepted: gold, silver. Did you mean `gold`?");
    insta::assert_snapshot!(refused("product=tea size=10 rang=gold"), @"`rang` is not one of my words. I know: name, product, gender, age, region, size, converted, without, control, rank, income. Did you mean `rank`?");
    insta::assert_snapshot!(refused("product=tea size=10 household=3"), @"`household` is not one of my words. I know: name, product, gender, age, region, size, converted, without, control, rank, income.");
    insta::assert_snapshot!(refused("product=tea size=10 rank=gold silver"), @"`rank=gold silver` can be read in two ways: `rank=gold,silver` or `rank=gold`. Write the one you mean.");
    insta::assert_snapshot!(refused("rank=gold product=tea size=10 rank=silver"), @"`rank` is given twice.");
}
