//! Who the people are: what the users table says of them, and what moves them.

use chrono::{Datelike, NaiveDate};
use rand::{Rng, RngExt, distr::Distribution};
use rand_distr::StandardNormal;

use super::categories::{self, CATEGORIES};

/// The id of the first person.
const FIRST_ID: i64 = 1_000_001;
/// Contacts a day of the person in the middle; the mean is about 2.7 times that.
const CONTACTS_A_DAY: f32 = 0.1;
/// Nobody has more contacts a day on average.
const CONTACTS_A_DAY_MAX: f32 = 2.0;

/// People of each prefecture in thousands, from Hokkaido to Okinawa (census of 2020).
const PREFECTURES_THOUSANDS: [u32; 47] = [
    5225, 1238, 1211, 2302, 960, 1068, 1833, 2867, 1933, 1939, 7345, 6284, 14048, 9237, 2201, 1035, 1133, 767, 810,
    2048, 1979, 3633, 7542, 1770, 1414, 2578, 8838, 5465, 1324, 923, 553, 671, 1888, 2800, 1342, 720, 950, 1335, 692,
    5135, 811, 1312, 1738, 1124, 1070, 1588, 1467,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gender {
    Woman,
    Man,
    Other,
}

/// A person; age, gender and prefecture are the true ones, whether or not the users table knows them.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) id: i64,
    pub(super) age: u8,
    pub(super) gender: Gender,
    /// JIS X 0401, from 1.
    pub(super) prefecture: u8,
    /// Contacts a day, visits and advertisements alike.
    pub(super) contacts: f32,
    /// How readily the person buys; 1.0 is usual.
    pub(super) readiness: f32,
    /// Day number before which nothing happens.
    pub(super) joined: i32,
    /// Cumulative shares of interest in the categories; the last is 1.0.
    pub(super) interests: [f32; CATEGORIES],
}

impl Person {
    /// Draws the `index`-th person.
    pub(super) fn draw(index: u64, last_day: NaiveDate, rng: &mut impl Rng) -> Self {
        let mut person = Self {
            id: FIRST_ID + i64::try_from(index).expect("fewer than 2^63 people"),
            age: draw_age(rng),
            gender: draw_gender(rng),
            prefecture: draw_prefecture(rng),
            contacts: (CONTACTS_A_DAY * (1.5 * normal(rng)).exp()).min(CONTACTS_A_DAY_MAX),
            readiness: (0.7 * normal(rng) - 0.245).exp(),
            joined: draw_joined(last_day, rng),
            interests: [0.0; CATEGORIES],
        };
        person.interests = draw_interests(&person, rng);
        person
    }
}

fn draw_age(rng: &mut impl Rng) -> u8 {
    let middle: f32 = rng.random::<f32>() + rng.random::<f32>();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0.0..=2.0 becomes 15 to 84")]
    let age = 15 + (middle * 35.0) as u8;
    age.min(84)
}

fn draw_gender(rng: &mut impl Rng) -> Gender {
    match rng.random::<f32>() {
        share if share < 0.58 => Gender::Woman,
        share if share < 0.985 => Gender::Man,
        _ => Gender::Other,
    }
}

fn draw_prefecture(rng: &mut impl Rng) -> u8 {
    let mut left = rng.random_range(0..PREFECTURES_THOUSANDS.iter().sum::<u32>());
    let passed = PREFECTURES_THOUSANDS.iter().take_while(|&&people| {
        let passes = left >= people;
        left = left.saturating_sub(if passes { people } else { 0 });
        passes
    });
    u8::try_from(passed.count() + 1).expect("47 prefectures")
}

/// Three in ten joined in the last half year.
fn draw_joined(last_day: NaiveDate, rng: &mut impl Rng) -> i32 {
    let days_ago = if rng.random::<f32>() < 0.3 { rng.random_range(0..180) } else { i32::MAX / 2 };
    last_day.num_days_from_ce() - days_ago
}

fn draw_interests(person: &Person, rng: &mut impl Rng) -> [f32; CATEGORIES] {
    let mut total = 0.0;
    let cumulative: [f32; CATEGORIES] = std::array::from_fn(|code| {
        let category = &categories::ALL[code];
        let interest = category.popularity + categories::appeal(code, person) + category.spread * normal(rng);
        total += interest.exp();
        total
    });
    cumulative.map(|sum| sum / total)
}

fn normal(rng: &mut impl Rng) -> f32 {
    StandardNormal.sample(rng)
}
