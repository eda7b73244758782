//! A handful of people and events, small enough to check every column by eye.

use polars::prelude::*;
use segment_bot::{catalog::Catalog, features::Snapshot};

use super::{TestLake, rows};

/// Every measure, with and without window, filter and fan-out.
pub(crate) const CATALOG: &str = r#"
version = 1
time_zone = "Asia/Tokyo"
fallback_locale = "ja"
owner = "the data team"
age = { min = 15, max = 79 }

[users]
path = "users/*.csv"
id = "id"
age = "age"
gender = "sex"
region = "pref"
opted_out = "out"

[[events]]
name = "events"
path = "events/day=*/*.parquet"
user = "id"
time = "at"
kind = "kind"
category = "category"
amount = "yen"
extra = ["points"]

[[genders]]
id = "f"
code = "F"
ja = "女性"
en = "Women"

[[genders]]
id = "m"
code = "M"
ja = "男性"
en = "Men"

[[regions]]
code = "13"
id = "tokyo"
ja = "東京都"
en = "Tokyo"

[[products]]
id = "tea"
ja = "お茶"
en = "Tea"
kind = "buy"
categories = ["tea"]
horizon_days = 5

[[features]]
name = "events"
measure = "count"
windows_days = [2, 7]

[[features]]
name = "buys"
where = { kind = ["buy"] }
measure = "count"

[[features]]
name = "spend"
where = { kind = ["buy"] }
measure = "sum"
of = "amount"
windows_days = [7]

[[features]]
name = "basket"
where = { kind = ["buy"] }
measure = "mean"
of = "amount"

[[features]]
name = "least"
measure = "min"
of = "amount"

[[features]]
name = "most"
measure = "max"
of = "points"

[[features]]
name = "kinds_of"
measure = "distinct"
of = "category"
windows_days = [2, 7]

[[features]]
name = "recency"
measure = "days_since_last"

[[features]]
name = "tenure"
measure = "days_since_first"
windows_days = [7]

[[features]]
name = "days"
measure = "active_days"
windows_days = [2, 7]

[[features]]
name = "buy_share"
where = { kind = ["buy"] }
measure = "share"
windows_days = [7]

[[features]]
name = "of"
ja = "行動"
en = "events"
measure = "count"
windows_days = [2]
by = "category"
top = 1

[limits]
unusable_rows_share = 0.2
unknown_opt_out_share = 0.9
"#;

pub(crate) const USERS: &str = "id,age,sex,pref,out\nb,,X,99,\na,34,F,13,false\nc,200,M,13,1\n";

/// `(id, UTC time, kind, category, yen, points)`.
pub(crate) type Event =
    (Option<&'static str>, Option<&'static str>, &'static str, Option<&'static str>, Option<i64>, i32);

pub(crate) const EVENTS: [Event; 9] = [
    // The 9th in Tokyo, so it is in the window of two days that ends on the 10th.
    (Some("a"), Some("2026-03-08T15:00:00"), "view", Some("tea"), None, 1),
    (Some("a"), Some("2026-03-10T01:00:00"), "buy", Some("tea"), Some(300), 5),
    (Some("a"), Some("2026-03-10T02:00:00"), "buy", Some("rice"), Some(101), 2),
    // The 4th, the first day of seven.
    (Some("a"), Some("2026-03-04T10:00:00"), "buy", Some("rice"), None, 9),
    // Before every window.
    (Some("c"), Some("2026-03-03T10:00:00"), "view", None, None, -4),
    // The 11th in Tokyo: too late.
    (Some("c"), Some("2026-03-10T15:00:00"), "buy", Some("tea"), Some(7), 1),
    (Some("stranger"), Some("2026-03-10T01:00:00"), "view", Some("tea"), None, 1),
    (None, Some("2026-03-10T01:00:00"), "view", Some("tea"), None, 1),
    (Some("c"), Some("2026-03-04T16:00:00"), "view", Some("salt"), None, 0),
];

pub(crate) fn catalog() -> Catalog {
    Catalog::parse(CATALOG).unwrap()
}

pub(crate) fn frame(events: &[Event]) -> DataFrame {
    let text = |pick: fn(&Event) -> Option<&'static str>| events.iter().map(pick).collect::<Vec<_>>();
    let times: Vec<Option<i64>> = events
        .iter()
        .map(|event| {
            let time: chrono::NaiveDateTime = event.1?.parse().unwrap();
            Some(time.and_utc().timestamp_micros())
        })
        .collect();
    let times = Series::new("at".into(), times)
        .cast(&DataType::Datetime(TimeUnit::Microseconds, TimeZone::opt_try_new(Some("UTC")).unwrap()))
        .unwrap();
    df!(
        "id" => text(|event| event.0),
        "kind" => text(|event| Some(event.2)),
        "category" => text(|event| event.3),
        "yen" => events.iter().map(|event| event.4).collect::<Vec<_>>(),
        "points" => events.iter().map(|event| event.5).collect::<Vec<_>>(),
    )
    .unwrap()
    .hstack(&[times.into_column()])
    .unwrap()
}

/// One line a column: its name and the values of everybody.
fn by_column(rows: &DataFrame) -> String {
    let line = |column: &Column| {
        let values: Vec<String> = column.as_materialized_series().iter().map(|value| value.to_string()).collect();
        format!("{} ({}): {}\n", column.name(), column.dtype(), values.join(" "))
    };
    rows.columns().iter().map(line).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_measure_by_eye() {
    let place = TestLake::new().await;
    place.put_text("users/all.csv", USERS);
    place.put("events/day=2026-03-10/part.parquet", frame(&EVENTS));
    let built = place.build(&catalog(), "2026-03-10").await.unwrap();
    assert_eq!(built, [super::day("2026-03-05"), super::day("2026-03-10")]);
    let snapshot = place.snapshot(&catalog(), "2026-03-10").await;
    insta::assert_snapshot!(by_column(&rows(&snapshot).await), @r#"
    user_id (str): "a" "b" "c"
    age (i16): 34 null null
    gender (str): "f" null "m"
    region (str): "13" null "13"
    opted_out (bool): false true true
    has_events (bool): true false true
    converted_on:tea (date): 2026-03-10 null null
    events_2d (i32): 3 0 0
    events_7d (i32): 4 0 1
    buys (i32): 3 0 0
    spend_7d (i64): 401 0 0
    basket (f64): 200.5 null null
    least (i64): 101 null null
    most (i64): 9 null 0
    kinds_of_2d (i32): 2 0 0
    kinds_of_7d (i32): 2 0 1
    recency (i32): 0 null 5
    tenure_7d (i32): 6 null 5
    days_2d (i32): 2 0 0
    days_7d (i32): 3 0 1
    buy_share_7d (f64): 0.75 null 0.0
    of_2d:tea (i32): 2 0 0
    of_2d:rice (i32): 1 0 0
    tea.days_28d (i32): 1 0 0
    tea.days_90d (i32): 1 0 0
    tea.days_180d (i32): 1 0 0
    tea.days_ever (i32): 1 0 0
    tea.first (i32): 0 null null
    tea.last (i32): 0 null null
    tea.gap (f64): null null null
    tea.overdue (f64): null null null
    tea.trend_28d (i32): 1 0 0
    tea.rate (f64): 0.021667 null null
    tea.share (f64): 0.333333 null 0.0
    any.events.days_28d (i32): 3 0 2
    any.events.days_90d (i32): 3 0 2
    any.events.days_180d (i32): 3 0 2
    any.events.days_ever (i32): 3 0 2
    any.events.first (i32): 6 null 7
    any.events.last (i32): 0 null 5
    any.events.gap (f64): 3.0 null 2.0
    any.events.overdue (f64): 0.0 null 2.5
    any.events.trend_28d (i32): 3 0 2
    any.events.rate (f64): 0.05 null 0.034328
    "#);
    let carried: Vec<_> = snapshot.manifest().columns.iter().filter(|column| !column.own).collect();
    assert_eq!(carried.len(), 1);
    insta::assert_snapshot!(carried[0].words.ja, @"行動（直近2日・rice）");
    let [users, events] = &snapshot.manifest().tables[..] else { panic!("one entry a table") };
    assert_eq!((users.rows, &users.rejected), (3, &[].into()));
    assert_eq!((events.rows, &events.rejected), (9, &[("null_user".to_owned(), 1)].into()));
    assert_eq!(events.outside, [("after_as_of".to_owned(), 1), ("unknown_user".to_owned(), 1)].into());
}

/// The bytes of a snapshot's parts.
async fn bytes(place: &TestLake) -> Vec<Vec<u8>> {
    let snapshot = place.snapshot(&catalog(), "2026-03-10").await;
    snapshot.verify().await.unwrap();
    snapshot.local_parts().await.unwrap().into_iter().map(|path| std::fs::read(path).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn later_events_and_the_order_of_files_change_no_byte() {
    let whole = TestLake::new().await;
    whole.put_text("users/all.csv", USERS);
    whole.put("events/day=2026-03-10/part.parquet", frame(&EVENTS));
    whole.build(&catalog(), "2026-03-10").await.unwrap();

    let split = TestLake::new().await;
    split.put_text("users/1.csv", "pref,sex,out,id,age\n13,M,1,c,200\n");
    split.put_text("users/2.csv", "id,age,sex,pref,out\na,34,F,13,false\nb,,X,99,\n");
    let earlier: Vec<Event> = EVENTS.into_iter().filter(|event| event.1 != Some("2026-03-10T15:00:00")).collect();
    split.put("events/day=2026-03-01/a.parquet", frame(&earlier[..3]));
    split.put("events/day=2026-03-10/z.parquet", frame(&earlier[3..]));
    split.build(&catalog(), "2026-03-10").await.unwrap();
    assert!(bytes(&whole).await == bytes(&split).await);

    let before = split.snapshot(&catalog(), "2026-03-10").await;
    split.put(
        "events/day=2026-03-11/late.parquet",
        frame(&[(Some("a"), Some("2026-03-11T01:00:00"), "buy", Some("tea"), Some(1), 1)]),
    );
    assert_eq!(split.build(&catalog(), "2026-03-10").await.unwrap(), [], "nothing of the day changed");
    assert_eq!(split.snapshot(&catalog(), "2026-03-10").await.sha256(), before.sha256());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_listed_twice_counts_once_and_opted_out_wins() {
    let place = TestLake::new().await;
    place.put_text("users/1.csv", "id,age,sex,pref,out\na,20,F,13,false\n,30,F,13,false\nb,,,,\nc,,,,\n");
    place.put_text("users/2.csv", "id,age,sex,pref,out\na,40,M,13,true\n");
    place.put("events/day=2026-03-10/part.parquet", frame(&EVENTS));
    place.build(&catalog(), "2026-03-10").await.unwrap();
    let snapshot = place.snapshot(&catalog(), "2026-03-10").await;
    let rows = rows(&snapshot).await;
    assert_eq!((rows.height(), rows.column("age").unwrap().i16().unwrap().get(0)), (3, Some(40)));
    let users = &snapshot.manifest().tables[0];
    assert_eq!(users.rejected, [("duplicate_id".to_owned(), 1), ("null_id".to_owned(), 1)].into());
}

/// The message when the events are `events` and the users are `users`.
async fn refusal(users: &str, events: DataFrame) -> String {
    let place = TestLake::new().await;
    place.put_text("users/all.csv", users);
    place.put("events/day=2026-03-10/part.parquet", events);
    place.build(&catalog(), "2026-03-10").await.unwrap_err().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_tables_are_named_with_what_would_be_right() {
    let without = |column: &str| frame(&EVENTS).drop(column).unwrap();
    insta::assert_snapshot!(refusal(USERS, without("kind")).await, @"table `events`, events/day=2026-03-10/part.parquet: there is no column `kind` (text or an integer); the columns are id, category, yen, points, at");
    let mut typed = frame(&EVENTS);
    typed.with_column(Column::new("at".into(), [20_260_310; 9])).unwrap();
    insta::assert_snapshot!(refusal(USERS, typed).await, @"table `events`, events/day=2026-03-10/part.parquet: column `at` is a whole number, but must be a date or a date-time; the columns are id, kind, category, yen, points, at");
    insta::assert_snapshot!(refusal(&USERS.replace("34", "young"), frame(&EVENTS)).await, @"table `users`, users/all.csv, line 3: column `age` has `young`, but must be an integer");
    let mut dated = frame(&EVENTS[..3]);
    let days = Int32Chunked::from_slice("id".into(), &[1; 3]).into_date().into_column();
    dated.with_column(days).unwrap();
    insta::assert_snapshot!(refusal(USERS, dated).await, @"table `events`, events/day=2026-03-10/part.parquet: column `id` is a date, but must be text, as the id in `users`; the columns are id, kind, category, yen, points, at");
    insta::assert_snapshot!(refusal(&USERS.replace("\na,", "\nx,").replace("\nc,", "\ny,"), frame(&EVENTS)).await, @"table `events`: none of its 3 rows belongs to anybody in `users`; check the id columns `id` and `id`");
    let anonymous = frame(&[EVENTS[7], EVENTS[7], EVENTS[0], EVENTS[1]]);
    insta::assert_snapshot!(refusal(USERS, anonymous).await, @"table `events`: 2 of 4 rows cannot be used (null_user: 2), more than the catalog's unusable_rows_share = 0.2; the previous snapshot stays in force");
    let nameless = USERS.replace("\nb,", "\n,");
    insta::assert_snapshot!(refusal(&nameless, frame(&EVENTS)).await, @"table `users`: 1 of 3 rows cannot be used (null_id: 1), more than the catalog's unusable_rows_share = 0.2; the previous snapshot stays in force");
    let place = TestLake::new().await;
    insta::assert_snapshot!(place.build(&catalog(), "2026-03-10").await.unwrap_err().to_string().replace(&place.folder.path().display().to_string(), ""), @"table `users`: no file matches `users/*.csv` in file:///lake; check the table's `path` in the catalog");
    place.put_text("users/all.csv", USERS);
    place.put_text("events/day=2026-03-10/part.parquet", "no parquet");
    insta::assert_snapshot!(place.build(&catalog(), "2026-03-10").await.unwrap_err(), @"table `events`: cannot read events/day=2026-03-10/part.parquet: the file is no Parquet; name it by what it is, or write it again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_is_not_there_says_what_to_run() {
    let place = TestLake::new().await;
    let open = async |day: &str| Snapshot::open(&place.store, &catalog(), super::day(day)).await;
    insta::assert_snapshot!(Snapshot::newest(&place.store, &catalog()).await.unwrap_err(), @"there is no snapshot yet; run `segment-bot features build`");
    place.put_text("users/all.csv", USERS);
    place.put("events/day=2026-03-10/part.parquet", frame(&EVENTS));
    place.build(&catalog(), "2026-03-10").await.unwrap();
    insta::assert_snapshot!(open("2026-03-11").await.unwrap_err(), @"there is no snapshot of 2026-03-11 (the newest is of 2026-03-10); run `segment-bot features build --as-of 2026-03-11`");
    let other = Catalog::parse(&CATALOG.replace("windows_days = [2, 7]", "windows_days = [2]")).unwrap();
    insta::assert_snapshot!(Snapshot::newest(&place.store, &other).await.unwrap_err(), @"the snapshot of 2026-03-10 was built from other definitions than the catalog's; run `segment-bot features build --as-of 2026-03-10`");
    assert_eq!(Snapshot::newest(&place.store, &catalog()).await.unwrap().as_of(), super::day("2026-03-10"));
}
