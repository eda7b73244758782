//! Parquet files that are torn or have changed bytes: refused in words, or as many rows as there were. Never a panic, never
//! fewer rows. Where a page has a checksum, no value differs.

use std::{cell::Cell, path::Path};

use chrono::NaiveDate;
use polars::prelude::*;
use proptest::{prelude::*, test_runner::TestRunner};
use segment_bot::{
    catalog::Catalog,
    lake::{
        LakeError, Store,
        tables::{Events, Users, event_files},
    },
};

use super::in_folder;

const PEOPLE: u32 = 60;
const CATALOG: &str = r#"
version = 1
time_zone = "Asia/Tokyo"
fallback_locale = "ja"
owner = "data team"
age = { min = 15, max = 79 }
[users]
path = "users.parquet"
id = "id"
age = "age"
gender = "sex"
opted_out = "out"
[[genders]]
id = "f"
code = "F"
ja = "女性"
en = "Women"
[[events]]
name = "orders"
path = "orders.parquet"
user = "id"
time = "at"
kind_is = "purchase"
category = "shelf"
amount = "paid"
[[products]]
id = "tea"
ja = "お茶"
en = "Tea"
kind = "purchase"
horizon_days = 28
"#;

fn users() -> DataFrame {
    let people = || 0..PEOPLE;
    df![
        "id" => people().map(|n| format!("u{n}")).collect::<Vec<_>>(),
        "age" => people().map(|n| (n % 7 > 0).then_some(20 + n % 50)).collect::<Vec<_>>(),
        "sex" => people().map(|n| if n % 2 == 0 { "F" } else { "M" }).collect::<Vec<_>>(),
        "out" => people().map(|n| n % 11 == 0).collect::<Vec<_>>(),
        "unused" => people().map(|n| f64::from(n) / 3.0).collect::<Vec<_>>(),
    ]
    .unwrap()
}

fn orders() -> DataFrame {
    let rows = || 0..2 * PEOPLE;
    df![
        "id" => rows().map(|n| format!("u{}", n / 2)).collect::<Vec<_>>(),
        "shelf" => rows().map(|n| (n % 9 > 0).then(|| format!("s{}", n % 4))).collect::<Vec<_>>(),
        "paid" => rows().map(|n| i64::from(n) * 100).collect::<Vec<_>>(),
        "at" => rows().map(|n| NaiveDate::from_ymd_opt(2026, 3, 1 + n % 28).unwrap()).collect::<Vec<_>>(),
    ]
    .unwrap()
}

fn parquet(mut frame: DataFrame, compression: ParquetCompression) -> Vec<u8> {
    let mut bytes = Vec::new();
    let writer = ParquetWriter::new(&mut bytes).with_compression(compression).with_row_group_size(Some(25));
    writer.finish(&mut frame).unwrap();
    bytes
}

/// Where the footer begins: its length stands before the last four bytes.
fn footer_of(bytes: &[u8]) -> usize {
    let length: [u8; 4] = bytes[bytes.len() - 8..bytes.len() - 4].try_into().unwrap();
    bytes.len() - 8 - u32::from_le_bytes(length) as usize
}

/// Rows of both tables, or why they cannot be read.
async fn rows(lake: &Store, catalog: &Catalog) -> Result<(u64, u64), LakeError> {
    let day = NaiveDate::from_ymd_opt(2026, 4, 1).unwrap();
    let together = std::num::NonZeroUsize::new(1_000).unwrap();
    let users = Users::open(lake, catalog, day).await?;
    let id = users.id;
    let mut people = users.people(together).await?;
    while tokio::task::block_in_place(|| people.next(together.get()))?.height() > 0 {}
    let table = &catalog.events[0];
    let files = event_files(lake, catalog, table, day).await?;
    let events = Events::open(lake, catalog, table, (id, &[]), &files).await?;
    let mut read = 0;
    tokio::task::block_in_place(|| {
        events.for_each_batch::<LakeError>(together, |frame| {
            read += frame.height() as u64;
            Ok(())
        })
    })?;
    Ok((people.counts().rows, read))
}

/// In place of the file before, which a query that gave up may still have mapped into memory.
fn write(folder: &Path, name: &str, bytes: &[u8]) {
    let (written, path) = (folder.join("written"), folder.join("store").join(name));
    std::fs::write(&written, bytes).unwrap();
    std::fs::rename(written, path).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn torn_and_changed_files_lose_no_row_in_silence() {
    let (folder, store) = in_folder().await;
    std::fs::create_dir_all(folder.path().join("store")).unwrap();
    let catalog = Catalog::parse(CATALOG).unwrap();
    for compression in [ParquetCompression::Uncompressed, ParquetCompression::Snappy, ParquetCompression::Zstd(None)] {
        let sound = [("users.parquet", users()), ("orders.parquet", orders())]
            .map(|(name, frame)| (name, parquet(frame, compression)));
        for (name, bytes) in &sound {
            write(folder.path(), name, bytes);
        }
        let all = (u64::from(PEOPLE), u64::from(2 * PEOPLE));
        assert_eq!(rows(&store, &catalog).await.unwrap(), all);

        let place = (any::<bool>(), any::<prop::sample::Index>(), any::<u8>());
        let change = (0..2_usize, prop::collection::vec(place, 1..5), any::<bool>());
        let mut runner =
            TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) });
        let (refused, read) = (Cell::new(0), Cell::new(0));
        let handle = tokio::runtime::Handle::current();
        tokio::task::block_in_place(|| {
            runner.run(&change, |(which, changes, torn)| {
                let (name, whole) = &sound[which];
                let mut bytes = whole.clone();
                let footer = footer_of(&bytes);
                for (in_footer, place, byte) in &changes {
                    let at = if *in_footer { footer + place.index(bytes.len() - footer) } else { place.index(footer) };
                    bytes[at] = *byte;
                }
                if torn {
                    bytes.truncate(changes[0].1.index(bytes.len()));
                }
                write(folder.path(), name, &bytes);
                match handle.block_on(rows(&store, &catalog)) {
                    Ok(found) => {
                        prop_assert_eq!(found, all);
                        read.set(read.get() + 1);
                    }
                    Err(error) => {
                        let said = error.to_string();
                        prop_assert!(!said.contains("olars") && !said.contains("OutOfSpec"), "{}", said);
                        refused.set(refused.get() + 1);
                    }
                }
                write(folder.path(), name, whole);
                Ok(())
            })
        })
        .unwrap();
        let (refused, read) = (refused.get(), read.get());
        assert!(refused > 20 && read > 0, "{refused} refused, {read} read");
    }
}

/// Everybody's id, age, gender and opt-out, sorted by id.
async fn people(lake: &Store, catalog: &Catalog) -> Result<DataFrame, LakeError> {
    let day = NaiveDate::from_ymd_opt(2026, 4, 1).unwrap();
    let together = std::num::NonZeroUsize::new(1_000).unwrap();
    let mut people = Users::open(lake, catalog, day).await?.people(together).await?;
    tokio::task::block_in_place(|| people.next(together.get()))
}

#[tokio::test(flavor = "multi_thread")]
async fn where_pages_have_checksums_no_changed_value_is_read() {
    let (folder, store) = in_folder().await;
    std::fs::create_dir_all(folder.path().join("store")).unwrap();
    let catalog = Catalog::parse(CATALOG).unwrap();
    // Written by pyarrow with `write_page_checksum`: 20 people with the columns of `users`.
    let whole = include_bytes!("../../data/users_with_checksums.parquet").to_vec();
    write(folder.path(), "users.parquet", &whole);
    let right = people(&store, &catalog).await.unwrap();
    assert_eq!(right.height(), 20);
    let mut refused = 0;
    for at in 4..footer_of(&whole) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        write(folder.path(), "users.parquet", &bytes);
        match people(&store, &catalog).await {
            Ok(found) => assert!(found.equals_missing(&right), "the byte at {at}"),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 200, "{refused} refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn extension_types_are_what_they_are_stored_as_and_folders_alone_say_the_day() {
    let (folder, store) = in_folder().await;
    std::fs::create_dir_all(folder.path().join("store")).unwrap();
    let extended = |frame: &DataFrame, column: &str, name: &str| {
        let plain = frame.column(column).unwrap().as_materialized_series().clone();
        let typ = extension::get_extension_type_or_generic(name, plain.dtype(), None);
        plain.into_extension(typ).into_column()
    };
    let mut people = users();
    for (column, name) in [("sex", "arrow.json"), ("unused", "example.of.ours")] {
        let column = extended(&people, column, name);
        people.with_column(column).unwrap();
    }
    write(folder.path(), "users.parquet", &parquet(people, ParquetCompression::Snappy));
    for day in ["2026/03/01", "2026/03/02"] {
        std::fs::create_dir_all(folder.path().join("store/e").join(day)).unwrap();
        let no_day = orders().drop("at").unwrap();
        write(folder.path(), &format!("e/{day}/part.parquet"), &parquet(no_day, ParquetCompression::Snappy));
    }
    let text = CATALOG.replace("path = \"orders.parquet\"", "path = \"e/*/*/*/*.parquet\"");
    let catalog = Catalog::parse(&text.replace("time = \"at\"", "time = \"day\"")).unwrap();
    assert_eq!(rows(&store, &catalog).await.unwrap(), (u64::from(PEOPLE), u64::from(4 * PEOPLE)));
    let error = rows(&store, &Catalog::parse(&text).unwrap()).await.unwrap_err().to_string();
    assert!(error.contains("there is no column `at`"), "a name that is no day's may be a mistake: {error}");
}
