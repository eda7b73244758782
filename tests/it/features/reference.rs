//! The same features in plain loops, compared with the real ones on a random log of events.

use std::collections::BTreeSet;

use chrono::{Datelike as _, Days, NaiveDate};
use polars::prelude::*;
use rand::{RngExt, SeedableRng};
use segment_bot::catalog::{Catalog, FeatureDecl, Measure};

use super::{TestLake, day, rows};

const CATALOG: &str = include_str!("../../../src/demo/catalog.toml");
const KINDS: [&str; 5] = ["impression", "click", "view", "cart", "purchase"];
const CATEGORIES: [&str; 6] = ["skincare", "supplement", "coffee", "kimono", "rice", "salt"];
const PEOPLE: u32 = 40;
const MORE: &str = r#"
[[features]]
name = "least"
measure = "min"
of = "amount"
windows_days = [9]

[[features]]
name = "most"
measure = "max"
of = "amount"

[[features]]
name = "amounts"
measure = "distinct"
of = "amount"
windows_days = [14]

[[features]]
name = "weekdays"
measure = "weekday_share"
windows_days = [30]

[[features]]
name = "views_trend"
where = { kind = ["view"] }
measure = "trend"
windows_days = [14]

[[features]]
name = "bought_recency"
where = { kind = ["purchase"], category = ["skincare", "coffee"] }
measure = "days_since_last"
by = "category"
top = 2
"#;

pub(crate) struct Event {
    user: u32,
    pub(crate) day: NaiveDate,
    kind: &'static str,
    category: Option<&'static str>,
    amount: Option<i64>,
}

/// Events of some strangers too, and some later than `last`.
pub(crate) fn random_events(seed: u64, last: NaiveDate) -> Vec<Event> {
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    (0..3_000)
        .map(|_| Event {
            user: random.random_range(0..PEOPLE + 2),
            day: last + Days::new(3) - Days::new(random.random_range(0..100)),
            kind: KINDS[random.random_range(0..KINDS.len())],
            category: CATEGORIES.get(random.random_range(0..CATEGORIES.len() + 1)).copied(),
            amount: random.random_bool(0.7).then(|| random.random_range(-5..500)),
        })
        .collect()
}

fn id(user: u32) -> String {
    format!("u{user:03}")
}

/// The demo's features and some that it has no use for.
pub(crate) fn catalog() -> Catalog {
    Catalog::parse(&CATALOG.replace("[limits]", &format!("{MORE}\n[limits]"))).unwrap()
}

pub(crate) fn put_people(place: &TestLake) {
    let people: Vec<u32> = (0..PEOPLE).collect();
    place.put(
        "users/part.parquet",
        df!(
            "user_id" => people.iter().map(|user| id(*user)).collect::<Vec<_>>(),
            "age" => people.clone(), "gender" => vec!["F"; people.len()],
            "prefecture" => vec!["13"; people.len()], "opt_out" => vec![false; people.len()],
        )
        .unwrap(),
    );
}

pub(crate) fn events_frame(events: &[&Event]) -> DataFrame {
    let columns = df!(
        "user_id" => events.iter().map(|event| id(event.user)).collect::<Vec<_>>(),
        "occurred_at" => events.iter().map(|event| event.day).collect::<Vec<_>>(),
        "kind" => events.iter().map(|event| event.kind).collect::<Vec<_>>(),
        "category" => events.iter().map(|event| event.category).collect::<Vec<_>>(),
        "amount_yen" => events.iter().map(|event| event.amount).collect::<Vec<_>>(),
    );
    columns.unwrap()
}

/// The mean number of days from one day to the next.
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn gap(days: &BTreeSet<NaiveDate>) -> Option<f64> {
    let (first, last) = (days.first()?, days.last()?);
    (days.len() > 1).then(|| (*last - *first).num_days() as f64 / (days.len() - 1) as f64)
}

/// The value of a feature for one person, in plain loops.
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn value(
    decl: &FeatureDecl,
    window: Option<u16>,
    category: Option<&str>,
    mine: &[&Event],
    as_of: NaiveDate,
) -> Option<f64> {
    let in_window: Vec<&&Event> = mine
        .iter()
        .filter(|event| event.day <= as_of && window.is_none_or(|days| event.day > as_of - Days::new(days.into())))
        .collect();
    let has =
        |list: &[String], text: Option<&str>| list.is_empty() || list.iter().any(|item| Some(item.as_str()) == text);
    let chosen: Vec<&&&Event> = in_window
        .iter()
        .filter(|event| has(&decl.kinds, Some(event.kind)) && has(&decl.categories, event.category))
        .filter(|event| category.is_none() || event.category == category)
        .collect();
    let amounts: Vec<i64> = chosen.iter().filter_map(|event| event.amount).collect();
    let since = |day: &NaiveDate| (as_of - *day).num_days() as f64;
    let days = || chosen.iter().map(|event| event.day);
    match decl.measure {
        Measure::Count => Some(chosen.len() as f64),
        Measure::Sum => Some(amounts.iter().sum::<i64>() as f64),
        Measure::Mean => (!amounts.is_empty()).then(|| amounts.iter().sum::<i64>() as f64 / amounts.len() as f64),
        Measure::Min => amounts.iter().min().map(|amount| *amount as f64),
        Measure::Max => amounts.iter().max().map(|amount| *amount as f64),
        Measure::Distinct if decl.of.as_deref() == Some("amount") => {
            Some(amounts.iter().collect::<BTreeSet<_>>().len() as f64)
        }
        Measure::Distinct => {
            Some(chosen.iter().filter_map(|event| event.category).collect::<BTreeSet<_>>().len() as f64)
        }
        Measure::DaysSinceLast => days().max().as_ref().map(since),
        Measure::DaysSinceFirst => days().min().as_ref().map(since),
        Measure::ActiveDays => Some(days().collect::<BTreeSet<_>>().len() as f64),
        Measure::MeanGapDays => gap(&days().collect()),
        Measure::Overdue => Some(since(&days().max()?) / gap(&days().collect())?),
        Measure::Trend => {
            let window = Days::new(window.unwrap().into());
            let days: BTreeSet<NaiveDate> = mine
                .iter()
                .filter(|event| event.day <= as_of && event.day > as_of - window - window)
                .filter(|event| has(&decl.kinds, Some(event.kind)) && has(&decl.categories, event.category))
                .map(|event| event.day)
                .collect();
            let (now, before): (Vec<_>, Vec<_>) = days.into_iter().partition(|day| *day > as_of - window);
            Some(now.len() as f64 - before.len() as f64)
        }
        Measure::WeekdayShare => {
            let days: BTreeSet<NaiveDate> = days().collect();
            let weekdays = days.iter().filter(|day| day.weekday().number_from_monday() <= 5).count();
            (!days.is_empty()).then(|| weekdays as f64 / days.len() as f64)
        }
        Measure::ActiveDaysShare => {
            let all: BTreeSet<NaiveDate> = in_window.iter().map(|event| event.day).collect();
            (!all.is_empty()).then(|| days().collect::<BTreeSet<_>>().len() as f64 / all.len() as f64)
        }
        Measure::Rate => {
            let count = days().collect::<BTreeSet<_>>().len() as f64;
            days().min().map(|first| (count + 0.3) / (since(&first) + 60.0))
        }
        Measure::Share => (!in_window.is_empty()).then(|| chosen.len() as f64 / in_window.len() as f64),
    }
}

/// The window and category that a column's name says.
fn meaning<'n>(decl: &FeatureDecl, column: &'n str) -> (Option<u16>, Option<&'n str>) {
    let rest = &column[decl.name.len()..];
    let (window, category) = rest.split_once(':').map_or((rest, None), |(window, category)| (window, Some(category)));
    (window.strip_prefix('_').map(|days| days.strip_suffix('d').unwrap().parse().unwrap()), category)
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_loops_give_the_same_values() {
    let catalog = catalog();
    let as_of = day("2026-06-30");
    for seed in 0..3 {
        let place = TestLake::new().await;
        let events = random_events(seed, as_of);
        put_people(&place);
        place.put("events/day=2026-01-01/part.parquet", events_frame(&events.iter().collect::<Vec<_>>()));
        place.build(&catalog, "2026-06-30").await.unwrap();
        let snapshot = place.snapshot(&catalog, "2026-06-30").await;
        let rows = rows(&snapshot).await;
        assert_eq!(rows.height(), PEOPLE as usize);
        let mut compared = 0;
        for described in &snapshot.manifest().columns {
            let mut decls = catalog.features.iter().chain(&catalog.rhythm);
            let Some(decl) = decls.find(|decl| decl.name == described.feature) else { continue };
            let (window, category) = meaning(decl, &described.name);
            let column = rows.column(&described.name).unwrap().cast(&DataType::Float64).unwrap();
            for (user, found) in (0..PEOPLE).zip(column.f64().unwrap().iter()) {
                let mine: Vec<&Event> = events.iter().filter(|event| event.user == user).collect();
                let wanted = value(decl, window, category, &mine, as_of);
                let is_near =
                    found.zip(wanted).is_some_and(|(found, wanted)| (found - wanted).abs() < 1e-12 * wanted.abs());
                assert!(
                    found == wanted || (decl.measure == Measure::Overdue && is_near),
                    "{} of {user}, seed {seed}: {found:?} instead of {wanted:?}",
                    described.name
                );
                compared += 1;
            }
        }
        assert!(compared >= 40 * PEOPLE, "{compared}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_categories_than_a_word_has_bits_are_told_apart() {
    let (catalog, as_of) = (catalog(), day("2026-06-30"));
    let place = TestLake::new().await;
    let view = |n: u64| Event {
        user: 7,
        day: as_of - Days::new(n % 50),
        kind: "view",
        category: Some(Box::leak(format!("category {}", n % 150).into_boxed_str())),
        amount: None,
    };
    let events: Vec<Event> = (0..600).map(view).collect();
    put_people(&place);
    place.put("events/day=2026-01-01/part.parquet", events_frame(&events.iter().collect::<Vec<_>>()));
    place.build(&catalog, "2026-06-30").await.unwrap();
    let rows = rows(&place.snapshot(&catalog, "2026-06-30").await).await;
    assert_eq!(rows.column("view_categories_60d").unwrap().i32().unwrap().get(7), Some(150));
}
