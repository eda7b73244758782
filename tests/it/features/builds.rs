//! Builds that are killed, that run at once, or that come to nothing: what is in force stays whole.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, SystemTime},
};

use segment_bot::features::{self, FeaturesError, Snapshot};

use super::{
    TestLake, day, folder,
    incremental::{AS_OF, built, put},
    reference::{catalog, events_frame, put_people, random_events},
    small,
};
use crate::support::sample::{LAST_DAY, Sample, make};

fn build(sample: &Sample, store: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_segment-bot"))
        .env_clear()
        .env("SEGMENT_LAKE", format!("file://{}", sample.folder.path().display()))
        .env("SEGMENT_STORE", format!("file://{}", store.display()))
        .env("SEGMENT_CATALOG", sample.folder.path().join("catalog.toml"))
        .args(["features", "build", "--as-of", &LAST_DAY.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The hash of every snapshot, each of which is whole.
async fn whole(store: &Path) -> Vec<String> {
    let store = folder(store).await;
    let mut hashes = Vec::new();
    for day in Snapshot::days(&store).await.unwrap() {
        hashes.push(Snapshot::verified(&store, day).await.unwrap().sha256().to_owned());
    }
    hashes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_build_leaves_nothing_half_done_and_the_next_one_finishes() {
    let sample = make(3_000).await;
    let expected = whole(sample.folder.path()).await;
    let store = tempfile::tempdir().unwrap();
    let mut killed = 0;
    for wait in (0..40).map(|step| Duration::from_millis(100 + 100 * step)) {
        let mut child = build(&sample, store.path());
        std::thread::sleep(wait);
        let ended = child.try_wait().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let found = whole(store.path()).await;
        assert!(found.iter().all(|hash| expected.contains(hash)), "only whole snapshots are visible");
        if ended.is_some() {
            break;
        }
        killed += 1;
    }
    assert!(killed > 1, "a build takes longer than it takes to kill it");
    assert!(build(&sample, store.path()).wait().unwrap().success());
    assert_eq!(whole(store.path()).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_builds_of_the_same_day_at_once_do_not_collide() {
    let sample = make(1_000).await;
    let store = tempfile::tempdir().unwrap();
    let both = [build(&sample, store.path()), build(&sample, store.path())];
    for mut one in both {
        assert!(one.wait().unwrap().success());
    }
    assert_eq!(whole(store.path()).await, whole(sample.folder.path()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn input_that_cannot_be_used_leaves_the_snapshot_before_in_force() {
    let catalog = small::catalog();
    let place = TestLake::new().await;
    place.put_text("users/all.csv", small::USERS);
    place.put("events/day=2026-03-10/part.parquet", small::frame(&small::EVENTS));
    place.build(&catalog, "2026-03-10").await.unwrap();
    let before = place.snapshot(&catalog, "2026-03-10").await;
    let anonymous = [small::EVENTS[7]; 9];
    place.put("events/day=2026-03-11/part.parquet", small::frame(&anonymous));
    let refused = place.build(&catalog, "2026-03-11").await;
    assert!(matches!(refused, Err(FeaturesError::TooManyUnusable { .. })), "{refused:?}");
    let newest = Snapshot::newest(&place.store, &catalog).await.unwrap();
    newest.verify().await.unwrap();
    assert_eq!((newest.as_of(), newest.sha256()), (day("2026-03-10"), before.sha256()));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_no_snapshot_names_go_after_a_day() {
    let catalog = catalog();
    let events = random_events(80, day(AS_OF));
    let place = TestLake::new().await;
    put_people(&place);
    put(&place, &events, |_| true);
    let first = built(&place, &catalog).await;
    let replaced = place.snapshot(&catalog, AS_OF).await;
    place.put("events/day=2026-05-20/part.parquet", events_frame(&events.iter().take(5).collect::<Vec<_>>()));
    assert_ne!(built(&place, &catalog).await, first);
    let killed = place.folder.path().join("store/snapshots/as_of=2026-06-15/part-00000-0123456789abcdef.parquet");
    fs::create_dir_all(killed.parent().unwrap()).unwrap();
    fs::write(&killed, "half").unwrap();

    let files = || {
        let parts = fs::read_dir(place.folder.path().join("store/snapshots").join(format!("as_of={AS_OF}"))).unwrap();
        parts.count() + usize::from(killed.exists())
    };
    let now = SystemTime::now();
    let retire = async |now| features::retire(&place.lake, &place.store, &catalog, 5, now).await.unwrap();
    assert_eq!((retire(now).await, files()), (vec![], 5), "a request may still read what was replaced");
    replaced.verify().await.unwrap();
    assert_eq!(
        (retire(now + Duration::from_hours(25)).await, files()),
        (vec![], 3),
        "the manifest, a part and the cube"
    );
    place.snapshot(&catalog, AS_OF).await.verify().await.unwrap();
    assert!(replaced.verify().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_with_a_value_an_event_is_no_category() {
    let catalog = small::catalog();
    let place = TestLake::new().await;
    place.put_text("users/all.csv", small::USERS);
    let events = vec![small::EVENTS[0]; 20_001];
    let mut events = small::frame(&events);
    let values: Vec<String> = (0..events.height()).map(|row| row.to_string()).collect();
    events.with_column(polars::prelude::Column::new("category".into(), values)).unwrap();
    place.put("events/day=2026-03-10/part.parquet", events.head(Some(20_000)));
    place.build(&catalog, "2026-03-10").await.unwrap();
    place.put("events/day=2026-03-10/part.parquet", events);
    insta::assert_snapshot!(place.build(&catalog, "2026-03-10").await.unwrap_err(), @"table `events` has more than 20000 different pairs of kind and category in one folder; name a coarser column as `category` and list this one in `extra`");
}
