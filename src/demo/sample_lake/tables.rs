//! The two tables of the lake, as frames that are ready to write.

use std::io::Write;

use polars::prelude::{
    Column, DataFrame, DataType, IntoColumn, IntoSeries, NamedFrom, ParquetCompression, ParquetWriter, PolarsResult,
    Schema, Series, TimeUnit,
};
use rand::{Rng, RngExt};

use super::{
    behaviour::{Events, KINDS},
    categories,
    people::{Gender, Person},
};
use crate::digest::sha256_hex;

/// A writer that gives the same bytes on any number of threads.
pub(super) fn writer<W: Write>(to: W) -> ParquetWriter<W> {
    ParquetWriter::new(to).with_compression(ParquetCompression::Lz4Raw).set_parallel(false)
}

/// The users table; some of it is unknown, as in life.
pub(super) fn users(people: &[Person], rng: &mut impl Rng) -> PolarsResult<DataFrame> {
    let known: Vec<Known> = people.iter().map(|person| Known::draw(person, rng)).collect();
    let hash = |text: Option<&str>| text.map(sha256_hex);
    let emails: Vec<Option<&str>> = known.iter().map(|person| person.email.as_deref()).collect();
    let phones: Vec<Option<&str>> = known.iter().map(|person| person.phone.as_deref()).collect();
    let email_hashes: Vec<Option<String>> = emails.iter().map(|email| hash(*email)).collect();
    let phone_hashes: Vec<Option<String>> =
        phones.iter().map(|phone| hash(phone.map(international).as_deref())).collect();
    let ages = Series::new("age".into(), known.iter().map(|person| person.age).collect::<Vec<_>>());
    DataFrame::new(
        people.len(),
        vec![
            column("user_id", people.iter().map(|person| person.id).collect::<Vec<_>>()),
            ages.into_column(),
            column("gender", known.iter().map(|person| person.gender).collect::<Vec<_>>()),
            column("prefecture", known.iter().map(|person| person.prefecture.as_deref()).collect::<Vec<_>>()),
            column("opt_out", known.iter().map(|person| person.opt_out).collect::<Vec<_>>()),
            column("email", emails),
            column("phone", phones),
            column("email_sha256", email_hashes),
            column("phone_sha256", phone_hashes),
        ],
    )
}

fn column<T>(name: &str, values: T) -> Column
where
    Series: NamedFrom<T, [T::Item]>,
    T: IntoIterator,
{
    Series::new(name.into(), values).into_column()
}

/// What the users table knows of a person.
struct Known {
    age: Option<i16>,
    gender: Option<&'static str>,
    prefecture: Option<String>,
    opt_out: bool,
    email: Option<String>,
    phone: Option<String>,
}

impl Known {
    fn draw(person: &Person, rng: &mut impl Rng) -> Self {
        let mut with_chance = |chance: f32| rng.random::<f32>() < chance;
        let gender = match person.gender {
            Gender::Woman => "F",
            Gender::Man => "M",
            Gender::Other => "X",
        };
        Self {
            age: with_chance(0.96).then_some(i16::from(person.age)),
            gender: with_chance(0.95).then_some(gender),
            prefecture: with_chance(0.97).then(|| format!("{:02}", person.prefecture)),
            opt_out: with_chance(0.04),
            email: with_chance(0.9).then(|| format!("user{}@example.jp", person.id)),
            phone: with_chance(0.7).then(|| phone(person.id)),
        }
    }
}

/// A number that looks like a mobile phone's; none in Japan has a 0 after the hyphen.
fn phone(id: i64) -> String {
    let prefix = ["090", "080", "070"][usize::try_from(id / 10_000_000 % 3).expect("a remainder of 3")];
    format!("{prefix}-0{:03}-{:04}", id / 10_000 % 1_000, id % 10_000)
}

/// E.164 with its plus sign, the form that is hashed.
fn international(phone: &str) -> String {
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    format!("+81{}", digits.trim_start_matches('0'))
}

/// The columns of [`events`].
pub(super) fn events_schema() -> Schema {
    Schema::from_iter([
        ("user_id".into(), DataType::Int64),
        ("occurred_at".into(), DataType::Datetime(TimeUnit::Milliseconds, None)),
        ("kind".into(), DataType::String),
        ("category".into(), DataType::String),
        ("amount_yen".into(), DataType::Int64),
    ])
}

/// The events table; times have no zone and are the catalog's.
pub(super) fn events(events: Events) -> PolarsResult<DataFrame> {
    let rows = events.len();
    let kinds: Vec<&str> = events.kinds.iter().map(|&kind| KINDS[usize::from(kind)]).collect();
    let categories: Vec<&str> = events.categories.iter().map(|&code| categories::ALL[usize::from(code)].name).collect();
    let times = Series::new("occurred_at".into(), events.times);
    let times = times.i64()?.clone().into_datetime(TimeUnit::Milliseconds, None).into_series();
    DataFrame::new(
        rows,
        vec![
            column("user_id", events.users),
            times.into_column(),
            column("kind", kinds),
            column("category", categories),
            column("amount_yen", events.amounts),
        ],
    )
}
