//! Stored partial aggregates are only a shortcut: with them or without, on whatever way the input came, the snapshot has
//! the same bytes; and nothing of them is taken when the input is another.

use std::{
    collections::BTreeMap,
    fs,
    sync::atomic::{AtomicI64, Ordering},
    time::SystemTime,
};

use chrono::{Days, NaiveDate};
use segment_bot::{
    catalog::Catalog,
    features::{self, FeaturesError},
    progress::{Report, Silent},
};

use super::{
    TestLake, day,
    reference::{Event, catalog, events_frame, put_people, random_events},
};

pub(crate) const AS_OF: &str = "2026-06-30";

fn of_days(events: &[Event], pick: impl Fn(NaiveDate) -> bool) -> BTreeMap<NaiveDate, Vec<&Event>> {
    let mut days: BTreeMap<NaiveDate, Vec<&Event>> = BTreeMap::new();
    for event in events.iter().filter(|event| pick(event.day)) {
        days.entry(event.day).or_default().push(event);
    }
    days
}

/// Every day's events in a folder of their own.
pub(crate) fn put(place: &TestLake, events: &[Event], pick: impl Fn(NaiveDate) -> bool) {
    for (day, events) in of_days(events, pick) {
        place.put(&format!("events/day={day}/part.parquet"), events_frame(&events));
    }
}

/// The names of the stored objects below `folder`, without their ending, each once.
fn stored(place: &TestLake, folder: &str) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(place.folder.path().join("store").join(folder))
        .map(|entries| entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect())
        .unwrap_or_default();
    names.retain(|name| name.rsplit_once('.').is_some_and(|(_, ending)| ending == "json"));
    names.sort();
    names
}

pub(crate) async fn built(place: &TestLake, catalog: &Catalog) -> String {
    features::build_again(&place.lake, &place.store, catalog, day(AS_OF), &Silent).await.unwrap();
    let snapshot = place.snapshot(catalog, AS_OF).await;
    snapshot.verify().await.unwrap();
    snapshot.sha256().to_owned()
}

pub(crate) async fn from_scratch(events: &[Event], catalog: &Catalog) -> String {
    let place = TestLake::new().await;
    put_people(&place);
    put(&place, events, |_| true);
    built(&place, catalog).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_day_a_late_one_and_a_corrected_one_give_what_a_build_from_scratch_gives() {
    let catalog = catalog();
    for seed in 10..13 {
        let events = random_events(seed, day(AS_OF));
        let (late, corrected) = (day("2026-06-11"), day("2026-05-20"));
        let place = TestLake::new().await;
        put_people(&place);
        put(&place, &events, |day| day != late && day <= super::day("2026-06-29"));
        place.put(
            &format!("events/day={corrected}/part.parquet"),
            events_frame(&events.iter().take(5).collect::<Vec<_>>()),
        );
        place.build(&catalog, "2026-06-29").await.unwrap();
        let before = stored(&place, "partials/events");

        put(&place, &events, |day| day == late || day == corrected || day > super::day("2026-06-29"));
        assert_eq!(built(&place, &catalog).await, from_scratch(&events, &catalog).await, "seed {seed}");
        let after = stored(&place, "partials/events");
        let read = after.iter().filter(|name| !before.contains(name)).count();
        assert_eq!(read, 3, "the new day, the late one and the corrected one; later ones are in folders of their own");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn how_events_are_spread_over_files_changes_no_byte() {
    let catalog = catalog();
    let events = random_events(20, day(AS_OF));
    let scratch = from_scratch(&events, &catalog).await;
    let place = TestLake::new().await;
    put_people(&place);
    for (index, events) in events.chunks(701).enumerate() {
        let events: Vec<&Event> = events.iter().rev().collect();
        place.put(&format!("events/day=2026-03-0{}/part-{index}.parquet", index % 2 + 1), events_frame(&events));
    }
    assert_eq!(built(&place, &catalog).await, scratch);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_after_the_day_change_nothing() {
    let catalog = catalog();
    for seed in 30..33 {
        let events = random_events(seed, day(AS_OF));
        let scratch = from_scratch(&events, &catalog).await;
        let until =
            random_events(seed, day(AS_OF)).into_iter().filter(|event| event.day <= day(AS_OF)).collect::<Vec<_>>();
        assert!(until.len() < events.len());
        assert_eq!(from_scratch(&until, &catalog).await, scratch, "seed {seed}");
        let mut more = random_events(seed, day(AS_OF));
        let later = random_events(seed + 100, day(AS_OF) + Days::new(101));
        more.extend(later.into_iter().filter(|event| event.day > day(AS_OF)));
        assert_eq!(from_scratch(&more, &catalog).await, scratch, "seed {seed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_partials_are_named_and_deleting_them_helps() {
    let catalog = catalog();
    let events = random_events(40, day(AS_OF));
    let place = TestLake::new().await;
    put_people(&place);
    put(&place, &events, |_| true);
    let whole = built(&place, &catalog).await;
    let folder = place.folder.path().join("store/partials/events");
    let rows = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let name = rows.filter(|name| name.rsplit_once('.').is_some_and(|(_, ending)| ending == "rows")).min().unwrap();
    let path = folder.join(&name);
    let mut bytes = fs::read(&path).unwrap();
    bytes[0] ^= 1;
    fs::write(&path, bytes).unwrap();
    let again = features::build_again(&place.lake, &place.store, &catalog, day(AS_OF), &Silent).await;
    let message = again.unwrap_err().to_string();
    assert_eq!(
        message,
        format!(
            "the stored object `partials/events/{name}` is damaged: its bytes are not what was written; delete it and run `segment-bot features build` again"
        )
    );
    fs::remove_file(&path).unwrap();
    assert_eq!(built(&place, &catalog).await, whole);
}

/// Asks to stop once it was asked so often.
struct StopAfter(AtomicI64);

impl Report for StopAfter {
    fn stage(&self, _: &'static str) {}

    fn advance(&self, _: u64, _: u64) {}

    fn stopped(&self) -> bool {
        self.0.fetch_sub(1, Ordering::Relaxed) <= 0
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_build_leaves_no_snapshot_and_goes_on_where_it_was() {
    let catalog = catalog();
    let events = random_events(50, day(AS_OF));
    let place = TestLake::new().await;
    put_people(&place);
    put(&place, &events, |_| true);
    let stopped =
        features::build(&place.lake, &place.store, &catalog, day(AS_OF), &StopAfter(AtomicI64::new(20))).await;
    assert!(matches!(stopped, Err(FeaturesError::Stopped)), "{stopped:?}");
    let begun = stored(&place, "partials/events").len();
    assert!((1..50).contains(&begun), "{begun}");
    assert_eq!(features::Snapshot::days(&place.store).await.unwrap(), []);
    assert_eq!(built(&place, &catalog).await, from_scratch(&events, &catalog).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_longer_needed_goes_and_nothing_else() {
    let catalog = catalog();
    let events = random_events(60, day(AS_OF));
    let place = TestLake::new().await;
    put_people(&place);
    put(&place, &events, |_| true);
    for as_of in ["2026-06-20", "2026-06-28", "2026-06-29", AS_OF] {
        place.build(&catalog, as_of).await.unwrap();
    }
    let whole = place.snapshot(&catalog, AS_OF).await;
    let days = features::Snapshot::days(&place.store).await.unwrap();
    let partials = stored(&place, "partials/events");
    let gone = features::retire(&place.lake, &place.store, &catalog, 2, SystemTime::now()).await.unwrap();
    // 28 and 56 days before the newest are what its models learn from and are judged on.
    let kept = ["2026-05-05", "2026-06-02", "2026-06-29", AS_OF].map(day);
    assert_eq!(features::Snapshot::days(&place.store).await.unwrap(), kept);
    assert_eq!(gone, days.into_iter().filter(|day| !kept.contains(day)).collect::<Vec<_>>());
    assert!(!place.folder.path().join("store/snapshots/as_of=2026-06-20").exists());
    assert_eq!(stored(&place, "partials/events"), partials);
    whole.verify().await.unwrap();

    let corrected = events.iter().take(5).collect::<Vec<_>>();
    place.put("events/day=2026-05-20/part.parquet", events_frame(&corrected));
    place.build(&catalog, AS_OF).await.unwrap();
    features::retire(&place.lake, &place.store, &catalog, 2, SystemTime::now()).await.unwrap();
    let after = stored(&place, "partials/events");
    assert_eq!(after.len(), partials.len(), "the corrected day's new partials replace the old");
    assert_eq!(after.iter().filter(|name| !partials.contains(name)).count(), 1);
}
