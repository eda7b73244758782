//! The sample lake: the same bytes every time, the columns of its catalog, a signal of the right strength.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use chrono::NaiveDate;
use polars::prelude::{DataFrame, IntoLazy, LazyFrame, PlRefPath, ScanArgsParquet, col, lit};
use segment_bot::{
    catalog::Catalog,
    demo::sample_lake::{SampleError, SampleOptions, is_complete, write},
    digest::sha256_hex,
};

fn options(users: u64, days: u16, seed: u64) -> SampleOptions {
    SampleOptions { users, days, visits: 1, seed, last_day: NaiveDate::from_ymd_opt(2026, 11, 22).unwrap() }
}

/// The hash of every file, by its path below the lake.
fn hashes(lake: &Path) -> BTreeMap<String, String> {
    let mut hashes = BTreeMap::new();
    let mut folders = vec![lake.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(lake).unwrap().display().to_string();
                hashes.insert(name, sha256_hex(fs::read(path).unwrap()));
            }
        }
    }
    hashes
}

fn written(options: &SampleOptions) -> BTreeMap<String, String> {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), options, &|_, _| {}).unwrap();
    hashes(folder.path())
}

fn read(lake: &Path, glob: &str) -> DataFrame {
    let path = lake.join(glob).display().to_string();
    LazyFrame::scan_parquet(PlRefPath::new(&path), ScanArgsParquet::default()).unwrap().collect().unwrap()
}

#[test]
fn the_same_options_give_the_same_bytes_and_another_seed_does_not() {
    let first = written(&options(2000, 3, 1));
    assert_eq!(first, written(&options(2000, 3, 1)));
    let other = written(&options(2000, 3, 2));
    assert_eq!(first.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    let same: Vec<_> = first.iter().filter(|(name, hash)| other[*name] == **hash).map(|(name, _)| name).collect();
    assert_eq!(same, ["catalog.toml"]);
}

#[test]
fn the_number_of_threads_does_not_matter() {
    // More people than fit one block.
    let options = options(140_000, 2, 1);
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| written(&options))
    };
    assert_eq!(on(1), on(3));
}

#[test]
fn it_has_the_columns_of_its_catalog() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path();
    write(lake, &options(5000, 2, 1), &|_, _| {}).unwrap();
    Catalog::load(&lake.join("catalog.toml")).unwrap();
    let columns = |frame: &DataFrame| {
        let columns = frame.schema().iter().map(|(name, kind)| format!("{name}: {kind}")).collect::<Vec<_>>();
        columns.join(", ")
    };
    let users = read(lake, "users/*.parquet");
    insta::assert_snapshot!(columns(&users), @"user_id: i64, age: i16, gender: str, prefecture: str, opt_out: bool, email: str, phone: str, email_sha256: str, phone_sha256: str");
    assert_eq!(users.height(), 5000);
    insta::assert_snapshot!(columns(&read(lake, "events/day=2026-11-21/*.parquet")),
        @"user_id: i64, occurred_at: datetime[ms], kind: str, category: str, amount_yen: i64, day: date");
}

#[test]
fn identifiers_are_hashed_as_platforms_hash_them() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &options(50, 1, 3), &|_, _| {}).unwrap();
    let users = read(folder.path(), "users/*.parquet");
    let text = |column: &str, row| users.column(column).unwrap().str().unwrap().get(row).map(str::to_owned);
    let hash = |text: Option<String>| text.map(sha256_hex);
    for row in 0..50 {
        assert_eq!(text("email_sha256", row), hash(text("email", row)));
        let e164 = text("phone", row).map(|phone| phone.replacen('0', "+81", 1).replace('-', ""));
        assert_eq!(text("phone_sha256", row), hash(e164));
    }
    let first = (0..50).find_map(|row| text("email", row).zip(text("phone", row))).unwrap();
    insta::assert_debug_snapshot!(first, @r#"
    (
        "user1000002@example.jp",
        "090-0100-0002",
    )
    "#);
}

#[test]
fn a_half_written_lake_is_not_complete() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(100, 2, 1);
    assert!(!is_complete(folder.path(), &options));
    write(folder.path(), &options, &|_, _| {}).unwrap();
    assert!(is_complete(folder.path(), &options));
    assert!(!is_complete(folder.path(), &SampleOptions { seed: 2, ..options }));
    fs::remove_file(folder.path().join("_sample.json")).unwrap();
    assert!(!is_complete(folder.path(), &options));
}

#[test]
fn only_a_sample_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &options(100, 3, 1), &|_, _| {}).unwrap();
    write(folder.path(), &options(100, 2, 1), &|_, _| {}).unwrap();
    assert!(!folder.path().join("events/day=2026-11-20").exists());

    let theirs = tempfile::tempdir().unwrap();
    fs::create_dir(theirs.path().join("events")).unwrap();
    let error = write(theirs.path(), &options(100, 2, 1), &|_, _| {}).unwrap_err();
    assert!(matches!(error, SampleError::InTheWay { .. }));
    assert!(theirs.path().join("events").exists());
}

/// Who bought in the first and in the last 28 days.
fn buyers(events: &DataFrame, product: &str) -> (BTreeSet<i64>, BTreeSet<i64>) {
    let bought = col("kind").eq(lit("purchase")).and(col("category").eq(lit(product)));
    let middle = lit(NaiveDate::from_ymd_opt(2026, 10, 26).unwrap().and_hms_opt(0, 0, 0).unwrap());
    let ids = |when| {
        let rows = events.clone().lazy().filter(bought.clone().and(when)).collect().unwrap();
        rows.column("user_id").unwrap().i64().unwrap().iter().flatten().collect()
    };
    (ids(col("occurred_at").lt(middle.clone())), ids(col("occurred_at").gt_eq(middle)))
}

#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn share(part: u64, of: u64) -> f64 {
    part as f64 / of as f64
}

#[test]
fn the_signal_is_planted_and_kimono_is_rare() {
    let folder = tempfile::tempdir().unwrap();
    let users = 40_000;
    let summary = write(folder.path(), &options(users, 56, 1), &|_, _| {}).unwrap();
    let per_day = share(summary.events, users * 56);
    assert!((0.5..0.8).contains(&per_day), "{per_day} events a day");

    let events = read(folder.path(), "events/day=*/*.parquet");
    for product in ["skincare", "supplement", "coffee"] {
        let (early, late) = buyers(&events, product);
        let rate = share(late.len() as u64, users);
        assert!((0.01..0.035).contains(&rate), "{product}: {rate} convert");
        let again = share(early.intersection(&late).count() as u64, early.len() as u64);
        assert!((3.0..12.0).contains(&(again / rate)), "{product}: {again} of earlier buyers convert, {rate} of all");
    }
    let (_, kimono) = buyers(&events, "kimono");
    assert!(kimono.len() < 40, "{} rent a kimono", kimono.len());
}
