//! People who joined within the horizon teach the model nothing, and accounts that never did anything are not picked.

use segment_bot::{
    catalog::Catalog,
    pipeline::{
        Suppress,
        build_segment::{Ask, BuildContext, Built, compute},
    },
    progress::Silent,
    segment::Draft,
};

use super::{TestLake, day, rows};

const CATALOG: &str = r#"
version = 1
time_zone = "UTC"
fallback_locale = "en"
owner = "the data team"
age = { min = 15, max = 79 }

[users]
path = "users/*.csv"
id = "id"
age = "age"

[[events]]
name = "events"
path = "events/*.csv"
user = "id"
time = "at"
kind = "kind"

[[products]]
id = "tea"
ja = "お茶"
en = "Tea"
kind = "buy"
horizon_days = 10
exclude_converted = "never"
min_conversions = 20

[[features]]
name = "views"
where = { kind = ["view"] }
measure = "count"
windows_days = [10]

[[features]]
name = "recency"
measure = "days_since_last"

[limits]
smallest_segment = 10
unknown_people_share = 1.0
"#;

const LAST: &str = "2026-03-31";

/// 600 people who were there before, of whom the keen buy in the horizon; 300 who joined in it, nearly all to buy at once; and
/// 300 accounts without any event.
fn put(place: &TestLake) {
    let (mut users, mut events) = (vec!["id,age,joined".to_owned()], vec!["id,at,kind".to_owned()]);
    for id in 0..600_u32 {
        users.push(format!("{id},{},2026-01-05", 20 + id % 40));
        // Who looks more buys more often, but not always.
        let views = id % 7;
        for view in 0..=views {
            for month in [2, 3] {
                events.push(format!("{id},2026-{month:02}-{:02}T10:00:00Z,view", 10 + view));
            }
        }
        if id.wrapping_mul(2_654_435_761) >> 16 & 15 < views {
            events.push(format!("{id},2026-03-{:02}T11:00:00Z,buy", 23 + id % 8));
        }
    }
    for id in 600..900_u32 {
        users.push(format!("{id},{},2026-03-{:02}", 20 + id % 40, 23 + id % 8));
        if id % 10 != 0 {
            events.push(format!("{id},2026-03-{:02}T12:00:00Z,buy", 23 + id % 8));
        }
    }
    for id in 900..1_200_u32 {
        users.push(format!("{id},{},2026-01-05", 20 + id % 40));
    }
    place.put_text("users/all.csv", &(users.join("\n") + "\n"));
    place.put_text("events/all.csv", &(events.join("\n") + "\n"));
}

async fn segment(place: &TestLake, catalog: &Catalog) -> Built {
    place.build(catalog, LAST).await.unwrap();
    let ask = Ask {
        request: "one".to_owned(),
        conditions: Draft::from_text(catalog, "product=tea size=200").unwrap().check(catalog).unwrap(),
        as_of: Some(day(LAST)),
        seed: 1,
        suppress: Suppress::Current,
        replays: None,
    };
    let context = BuildContext { catalog, store: &place.store };
    compute(context, &ask, segment_bot::model::Reuse::Never, &Silent).await.unwrap()
}

fn picked(built: &Built) -> Vec<u32> {
    let files = built.files();
    let csv = std::fs::read_to_string(&files[0].1).unwrap();
    csv.lines().skip(1).map(|line| line.split(',').nth(1).unwrap().parse().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_have_joined_later_is_not_learned_from_and_who_never_did_anything_comes_last() {
    let catalog = Catalog::parse(CATALOG).unwrap();
    let place = TestLake::new().await;
    put(&place);
    let built = segment(&place, &catalog).await;
    let quality = built.summary.quality;
    assert_eq!(quality.without_events, 600, "300 who joined and 300 who never did anything");
    assert!((0.6..0.9).contains(&quality.auc), "those who joined would make it better than it is: {}", quality.auc);
    let dead = picked(&built).into_iter().filter(|id| *id >= 900).count();
    assert_eq!(dead, 0, "accounts without any event are picked");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_column_of_registration_who_joined_later_is_not_in_the_earlier_snapshot() {
    let text = CATALOG.replace("age = \"age\"\n", "age = \"age\"\nregistered = \"joined\"\n");
    let catalog = Catalog::parse(&text).unwrap();
    let place = TestLake::new().await;
    put(&place);
    let built = segment(&place, &catalog).await;
    let quality = built.summary.quality;
    assert_eq!(quality.without_events, 0);
    let earlier = place.snapshot(&catalog, "2026-03-21").await;
    assert_eq!(rows(&earlier).await.height(), 900);
    let users = &earlier.manifest().tables[0];
    assert_eq!((users.rows, &users.outside), (1_200, &[("registered_later".to_owned(), 300)].into()));
    assert_eq!(rows(&place.snapshot(&catalog, LAST).await).await.height(), 1_200);
    let dead = picked(&built).into_iter().filter(|id| *id >= 900).count();
    assert_eq!(dead, 0, "accounts that never did anything are known not to buy");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_says_who_did_anything_up_to_its_day() {
    let catalog = Catalog::parse(CATALOG).unwrap();
    let place = TestLake::new().await;
    put(&place);
    place.build(&catalog, LAST).await.unwrap();
    let count = async |day: &str| {
        let rows = rows(&place.snapshot(&catalog, day).await).await;
        rows.column("has_events").unwrap().bool().unwrap().sum().unwrap()
    };
    assert_eq!((count("2026-03-21").await, count(LAST).await), (600, 870));
}
