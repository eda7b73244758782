//! Codes, kinds and people that match nothing are counted and said, and too many of them stop the build.

use segment_bot::{
    catalog::Catalog,
    features::{FeaturesError, Snapshot, TableRows},
};

use super::{
    TestLake,
    small::{CATALOG, EVENTS, Event, USERS, frame},
};

const HEADER: &str = "id,age,sex,pref,out\n";

/// The message of the refusal, or each misfit of the snapshot in a line of its own.
async fn said(catalog: &Catalog, users: &str, events: &[Event]) -> Result<String, FeaturesError> {
    let place = TestLake::new().await;
    place.put_text("users/all.csv", users);
    place.put("events/day=2026-03-10/part.parquet", frame(events));
    place.build(catalog, "2026-03-10").await?;
    let snapshot = place.snapshot(catalog, "2026-03-10").await;
    let lines = snapshot.manifest().misfits().map(|(table, misfit)| format!("{table}: {misfit}"));
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

fn catalog(limits: &str) -> Catalog {
    Catalog::parse(&format!("{CATALOG}{limits}")).unwrap()
}

/// `a`, `b`, `c` as in the events, and what else is in a row.
fn users(rest: [&str; 4]) -> String {
    let rows = ["a", "b", "c", "d"].iter().zip(rest);
    rows.fold(HEADER.to_owned(), |text, (id, rest)| text + &format!("{id},{rest}\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_matches_nothing_is_in_the_manifest_with_its_commonest_values() {
    let some = users(["34,F,13,0", "34,f,13,0", "999,M,１３,", "-2,F,99,0"]);
    insta::assert_snapshot!(said(&catalog(""), &some, &EVENTS).await.unwrap(), @"
    users: 1 of 4 people with a gender have a code in `sex` that the catalog does not list: `f` 1 times (looks like the catalog's `F`)
    users: 2 of 4 people with a region have a code in `pref` that the catalog does not list: `99` 1 times, `１３` 1 times (looks like the catalog's `13`)
    users: 2 of 4 people have an impossible age by `age` (possible are 0 to 130): `-2` 1 times, `999` 1 times
    users: 1 of 4 people have neither yes nor no in `out` and count as opted out
    events: 1 of 7 events are of people whom `users` does not have (column `id`)
    events: 4 of 7 events are of kinds that no product and no feature names (column `kind`): `view` 4 times
    ");
    insta::assert_snapshot!(said(&catalog(""), &users(["34,F,13,0"; 4]), &EVENTS[1..2]).await.unwrap(), @"");
}

#[tokio::test(flavor = "multi_thread")]
async fn genders_that_the_catalog_spells_otherwise_stop_the_build_and_leave_the_snapshot_before() {
    let lower = users(["34,f,13,0", "34,m,13,0", "34,f,13,0", "34,F,13,0"]);
    insta::assert_snapshot!(said(&catalog(""), &lower, &EVENTS).await.unwrap_err(), @"table `users`: 3 of 4 people with a gender have a code in `sex` that the catalog does not list: `f` 2 times (looks like the catalog's `F`), `m` 1 times (looks like the catalog's `M`); that is more than the catalog's unlisted_codes_share = 0.5, so the previous snapshot stays in force. Mend it (list these codes in the catalog as the table has them), or raise unlisted_codes_share under [limits] if the data is right");
    said(&catalog("unlisted_codes_share = 0.75"), &lower, &EVENTS).await.unwrap();

    let place = TestLake::new().await;
    place.put_text("users/all.csv", USERS);
    place.put("events/day=2026-03-10/part.parquet", frame(&EVENTS));
    place.build(&catalog(""), "2026-03-10").await.unwrap();
    let before = place.snapshot(&catalog(""), "2026-03-10").await;
    place.put_text("users/all.csv", &lower);
    place.build(&catalog(""), "2026-03-10").await.unwrap_err();
    assert_eq!(Snapshot::newest(&place.store, &catalog("")).await.unwrap().sha256(), before.sha256());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_misfit_has_a_limit_of_its_own() {
    let refusal = async |limits: &str, users: &str, events: &[Event]| {
        said(&catalog(limits), users, events).await.unwrap_err().to_string()
    };
    let old = users(["340,F,13,0", "341,F,13,0", "340,F,13,0", "34,F,13,0"]);
    insta::assert_snapshot!(refusal("", &old, &EVENTS).await, @"table `users`: 3 of 4 people have an impossible age by `age` (possible are 0 to 130): `340` 2 times, `341` 1 times; that is more than the catalog's impossible_ages_share = 0.5, so the previous snapshot stays in force. Mend it (name the right column of ages or birth dates), or raise impossible_ages_share under [limits] if the data is right");
    let silent = CATALOG.replace("unknown_opt_out_share = 0.9\n", "");
    let neither = users(["34,F,13,", "34,F,13,", "34,F,13,", "34,F,13,0"]);
    insta::assert_snapshot!(said(&Catalog::parse(&silent).unwrap(), &neither, &EVENTS).await.unwrap_err(), @"table `users`: 3 of 4 people have neither yes nor no in `out` and count as opted out; that is more than the catalog's unknown_opt_out_share = 0.5, so the previous snapshot stays in force. Mend it (fill the column with yes or no for everybody), or raise unknown_opt_out_share under [limits] if the data is right");
    let strangers = [EVENTS[1], EVENTS[6], EVENTS[6]];
    insta::assert_snapshot!(refusal("", USERS, &strangers).await, @"table `events`: 2 of 3 events are of people whom `users` does not have (column `id`); that is more than the catalog's unknown_people_share = 0.5, so the previous snapshot stays in force. Mend it (look whether both tables write ids alike and whether `users` is whole), or raise unknown_people_share under [limits] if the data is right");
    let elsewhere = users(["34,F,Tokyo,0", "34,F,Tokyo,0", "34,F,13.0,0", "34,F,13,0"]);
    insta::assert_snapshot!(refusal("", &elsewhere, &EVENTS).await, @"table `users`: 3 of 4 people with a region have a code in `pref` that the catalog does not list: `Tokyo` 2 times, `13.0` 1 times (looks like the catalog's `13`); that is more than the catalog's unlisted_codes_share = 0.5, so the previous snapshot stays in force. Mend it (list these codes in the catalog as the table has them), or raise unlisted_codes_share under [limits] if the data is right");
}

#[tokio::test(flavor = "multi_thread")]
async fn region_codes_that_were_stored_as_numbers_are_the_catalogs() {
    let text = CATALOG.replace("code = \"13\"", "code = \"01\"");
    let catalog = Catalog::parse(&text).unwrap();
    let place = TestLake::new().await;
    place.put_text("users/all.csv", &users(["34,F,1,0", "34,F,01,0", "34,F,001,0", "34,F,,0"]));
    place.put("events/day=2026-03-10/part.parquet", frame(&EVENTS));
    place.build(&catalog, "2026-03-10").await.unwrap();
    let rows = super::rows(&place.snapshot(&catalog, "2026-03-10").await).await;
    let regions: Vec<_> = rows.column("region").unwrap().str().unwrap().iter().collect();
    assert_eq!(regions, [Some("01"), Some("01"), None, None]);
}

#[test]
fn manifests_from_before_misfits_were_counted_can_be_read() {
    let old = r#"{ "table": "users", "rows": 3, "rejected": {}, "outside": {}, "first_day": null }"#;
    let rows: TableRows = serde_json::from_str(old).unwrap();
    assert!(rows.misfits.is_empty());
}
