//! How much memory is allowed decides what is held at once, and no byte of what comes of it.

use std::{collections::BTreeSet, io::Write, num::NonZeroUsize};

use flate2::{Compression, write::GzEncoder};
use polars::prelude::*;
use segment_bot::{
    catalog::Catalog,
    features::Memory,
    lake::tables::{Users, UsersCounts},
};

use super::{
    TestLake, day,
    incremental::{AS_OF, put},
    reference::{catalog, put_people, random_events},
    small,
};

fn few(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn little_memory_and_much_give_the_same_bytes() {
    let catalog = catalog();
    let place = TestLake::new().await;
    put_people(&place);
    put(&place, &random_events(70, day(AS_OF)), |_| true);
    let within = async |memory: Memory, store: &str| {
        let store = super::folder(&place.folder.path().join(store)).await;
        let place = TestLake { folder: tempfile::tempdir().unwrap(), lake: place.lake.clone(), store };
        place.build_within(&catalog, AS_OF, memory).await.unwrap();
        let snapshot = place.snapshot(&catalog, AS_OF).await;
        snapshot.verify().await.unwrap();
        let mut manifest = serde_json::to_value(snapshot.manifest()).unwrap();
        manifest["inputs"].take();
        manifest
    };
    let much = within(Memory::default(), "much").await;
    let mut little = Memory::new(Memory::LEAST_BYTES).unwrap();
    (little.folders_together, little.events_together, little.people_together) = (few(1), few(3), few(7));
    assert_eq!(within(little, "little").await, much);
    let rows =
        |store: &str| std::fs::read_dir(place.folder.path().join(store).join("partials/events")).unwrap().count();
    assert_eq!(rows("little"), rows("much"));
    // What one bound has stored, a build within the other goes on with.
    assert_eq!(within(Memory::default(), "little").await, much);
}

#[tokio::test(flavor = "multi_thread")]
async fn packed_tables_are_read_like_others() {
    let as_it_is = TestLake::new().await;
    as_it_is.put_text("users/all.csv", small::USERS);
    as_it_is.put("events/day=2026-03-10/part.parquet", small::frame(&small::EVENTS));
    as_it_is.build(&small::catalog(), "2026-03-10").await.unwrap();

    let packed = TestLake::new().await;
    let catalog = Catalog::parse(&small::CATALOG.replace("users/*.csv", "users/*")).unwrap();
    let lines: Vec<&str> = small::USERS.lines().collect();
    for (index, line) in lines[1..].iter().enumerate() {
        let path = packed.folder.path().join(format!("lake/users/{index}.csv.gz"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut file = GzEncoder::new(std::fs::File::create(path).unwrap(), Compression::default());
        file.write_all(format!("{}\n{line}\n", lines[0]).as_bytes()).unwrap();
        file.finish().unwrap();
    }
    packed.put("events/day=2026-03-10/part.parquet", small::frame(&small::EVENTS));
    packed.build(&catalog, "2026-03-10").await.unwrap();
    let parts = async |place: &TestLake, catalog: &Catalog| {
        place.snapshot(catalog, "2026-03-10").await.manifest().parts.clone()
    };
    assert_eq!(parts(&packed, &catalog).await, parts(&as_it_is, &small::catalog()).await);
}

/// A row of `users`, as text.
type Row = (Option<String>, Option<i16>, &'static str, bool);

/// Some ids repeat with other values, some are missing.
fn rows() -> Vec<Row> {
    let row = |index: u32| {
        let number = index.wrapping_mul(2_654_435_761) % 1_500;
        let id = (!number.is_multiple_of(97)).then(|| number.to_string());
        (
            id,
            i16::try_from(20 + index % 60).ok(),
            if index.is_multiple_of(3) { "F" } else { "M" },
            index.is_multiple_of(11),
        )
    };
    (0..2_000).map(row).collect()
}

async fn people(rows: &[Row], catalog: &Catalog, (together, step): (usize, usize)) -> (DataFrame, UsersCounts) {
    let place = TestLake::new().await;
    for (file, rows) in rows.chunks(700).enumerate() {
        let line = |(id, age, sex, out): &Row| {
            format!("{},{},{sex},13,{out}\n", id.as_deref().unwrap_or_default(), age.unwrap_or_default())
        };
        let lines: String = rows.iter().map(line).collect();
        place.put_text(&format!("users/{file}.csv"), &format!("id,age,sex,pref,out\n{lines}"));
    }
    let users = Users::open(&place.lake, catalog, day("2026-03-10")).await.unwrap();
    let mut people = users.people(few(together)).await.unwrap();
    let mut all: Option<DataFrame> = None;
    loop {
        let some = people.next(step).unwrap();
        if some.height() == 0 {
            return (all.unwrap(), people.counts());
        }
        assert!(some.height() <= step);
        all = Some(all.map_or_else(|| some.clone(), |all| all.vstack(&some).unwrap()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_who_do_not_fit_together_are_the_same_people() {
    let (catalog, rows) = (small::catalog(), rows());
    let (held, counts) = people(&rows, &catalog, (2_000, 5_000)).await;
    let distinct: BTreeSet<&str> = rows.iter().filter_map(|row| row.0.as_deref()).collect();
    let ids: Vec<Option<&str>> = held.column("user_id").unwrap().str().unwrap().iter().collect();
    assert_eq!(ids, distinct.iter().map(|id| Some(*id)).collect::<Vec<_>>());
    assert_eq!(counts.rows, 2_000);
    assert_eq!(counts.null_id + counts.duplicate_id, 2_000 - distinct.len() as u64);
    assert!(counts.null_id > 0 && counts.duplicate_id > counts.null_id, "{counts:?}");
    for sizes in [(1_999, 300), (500, 450), (100, 7)] {
        let (divided, divided_counts) = people(&rows, &catalog, sizes).await;
        assert!(divided.equals_missing(&held), "{sizes:?}");
        assert_eq!(divided_counts, counts, "{sizes:?}");
    }
}
