//! What people do on a day: see advertisements, click, look, fill the cart, buy.
//!
//! The same lasting traits (activity, interests, readiness) drive what can be seen early and what is bought late, and moods that last
//! four weeks make the recent past tell more than the distant one. That is the whole signal; the rest is chance.

use chrono::{Datelike, NaiveDate, Weekday};
use rand::{Rng, RngExt};

use super::{
    categories::{self, CATEGORIES},
    people::Person,
    random::{mix, unit},
};

/// Days that a mood lasts.
const MOOD_DAYS: u64 = 28;
/// How much a mood raises or lowers activity; the mean is 1.
const MOODS: [f32; 8] = [0.2, 0.5, 0.75, 0.95, 1.1, 1.25, 1.45, 1.8];
/// Share of contacts that are advertisements elsewhere, without a visit.
const ADS_ONLY: f32 = 0.35;
/// Share of visits for what the person has in mind these weeks.
const IN_MIND: f32 = 0.45;
/// Of ten thousand contacts, how many fall into each hour of the day.
const HOURS: [u16; 24] = [
    280, 140, 80, 50, 50, 90, 210, 380, 440, 410, 400, 420, 560, 470, 400, 410, 430, 450, 500, 600, 760, 900, 920, 650,
];

pub(super) const KINDS: [&str; 5] = ["impression", "click", "view", "cart", "purchase"];
const IMPRESSION: u8 = 0;
const CLICK: u8 = 1;
const VIEW: u8 = 2;
const CART: u8 = 3;
const PURCHASE: u8 = 4;

/// Events as columns.
#[derive(Debug, Default)]
pub(super) struct Events {
    pub(super) users: Vec<i64>,
    /// Milliseconds since 1970 on the shop's own clock.
    pub(super) times: Vec<i64>,
    /// Index into [`KINDS`].
    pub(super) kinds: Vec<u8>,
    /// Index into [`categories::ALL`].
    pub(super) categories: Vec<u8>,
    /// Yen of purchases.
    pub(super) amounts: Vec<Option<i64>>,
}

impl Events {
    pub(super) fn len(&self) -> usize {
        self.users.len()
    }

    pub(super) fn purchases(&self) -> u64 {
        self.amounts.iter().flatten().count() as u64
    }
}

/// A day in the shop.
pub(super) struct Day {
    date: NaiveDate,
    seed: u64,
    busy: f32,
}

impl Day {
    pub(super) fn new(day: NaiveDate, seed: u64) -> Self {
        let busy = match day.weekday() {
            Weekday::Sat | Weekday::Sun => 1.2,
            Weekday::Mon => 1.0,
            _ => 0.9,
        };
        Self { date: day, seed, busy }
    }

    /// Counted from the year 1; used as the number of a random stream.
    pub(super) fn number(&self) -> u32 {
        self.date.num_days_from_ce().unsigned_abs()
    }

    /// What `people` did on this day when each may come `visits` times, person by person.
    pub(super) fn events(&self, people: &[Person], visits: u8, rng: &mut impl Rng) -> Events {
        let mut events = Events::default();
        let joined = people.iter().filter(|person| person.joined <= self.date.num_days_from_ce());
        for person in joined.flat_map(|person| std::iter::repeat_n(person, visits.into())) {
            let chance: f32 = rng.random();
            // Most people do nothing on most days: leave before anything costly.
            if chance < person.contacts * self.busy * MOODS[MOODS.len() - 1] {
                let mood = Mood::of(person, self);
                // 1 − e^−rate, without the exponential where they hardly differ.
                let rate = person.contacts * self.busy * mood.activity;
                if chance < rate / (1.0 + 0.5 * rate) {
                    self.contact(person, &mood, rng, &mut events);
                }
            }
        }
        events
    }

    fn contact(&self, person: &Person, mood: &Mood, rng: &mut impl Rng, events: &mut Events) {
        let midnight = self.date.and_hms_opt(0, 0, 0).expect("midnight exists").and_utc().timestamp_millis();
        let mut contact = Contact { person, mood, now: midnight + time_of_day(rng), rng, events };
        contact.advertisements();
        if contact.rng.random::<f32>() >= ADS_ONLY {
            contact.visit();
        }
    }
}

/// What a person has in mind these weeks.
struct Mood {
    activity: f32,
    category: usize,
}

impl Mood {
    fn of(person: &Person, day: &Day) -> Self {
        let id = person.id.unsigned_abs();
        // Everybody's weeks begin on another day.
        let period = (u64::from(day.number()) + mix(day.seed, id) % MOOD_DAYS) / MOOD_DAYS;
        let chance = mix(mix(day.seed ^ 0x6d6f_6f64, id), period);
        let mood = usize::try_from(chance % MOODS.len() as u64).expect("fewer than ten moods");
        Self { activity: MOODS[mood], category: interest(person, unit(chance)) }
    }
}

/// The category at `share` of a person's interests.
fn interest(person: &Person, share: f32) -> usize {
    person.interests.iter().position(|&upto| share < upto).unwrap_or(CATEGORIES - 1)
}

/// Milliseconds since midnight, early enough that a visit ends on the same day.
fn time_of_day(rng: &mut impl Rng) -> i64 {
    let mut left = rng.random_range(0..HOURS.iter().sum::<u16>());
    let mut hour = 0;
    while left >= HOURS[hour] {
        left -= HOURS[hour];
        hour += 1;
    }
    let hour = i64::try_from(hour).expect("24 hours");
    (hour * 3_600_000 + rng.random_range(0..3_600_000)).min(84_600_000)
}

/// One contact while it happens.
struct Contact<'a, R> {
    person: &'a Person,
    mood: &'a Mood,
    /// Milliseconds since 1970.
    now: i64,
    rng: &'a mut R,
    events: &'a mut Events,
}

impl<R: Rng> Contact<'_, R> {
    fn chance(&mut self) -> f32 {
        self.rng.random()
    }

    /// Another one with this chance, at most seven.
    fn geometric(&mut self, again: f32) -> usize {
        (0..7).take_while(|_| self.chance() < again).count()
    }

    fn push(&mut self, kind: u8, category: usize, amount: Option<i64>) {
        self.events.users.push(self.person.id);
        self.events.times.push(self.now);
        self.events.kinds.push(kind);
        self.events.categories.push(u8::try_from(category).expect("twelve categories"));
        self.events.amounts.push(amount);
        self.now += self.rng.random_range(2_000..90_000);
    }

    /// Half are aimed at the person's interests, half at everybody; interest decides about clicks.
    fn advertisements(&mut self) {
        for _ in 0..=self.geometric(0.5) {
            let share = self.chance();
            let aimed = self.chance() < 0.5;
            let category = if aimed { interest(self.person, share) } else { self.rng.random_range(0..CATEGORIES) };
            self.push(IMPRESSION, category, None);
            let wanted = category == self.mood.category;
            if self.chance() < if wanted { 0.12 } else { 0.03 } {
                self.push(CLICK, category, None);
            }
        }
    }

    fn visit(&mut self) {
        let share = self.chance();
        let in_mind = self.chance() < IN_MIND;
        let category = if in_mind { self.mood.category } else { interest(self.person, share) };
        self.push(VIEW, category, None);
        for _ in 0..self.geometric(0.5) {
            let share = self.chance();
            let stays = self.chance() < 0.7;
            let viewed = if stays { category } else { interest(self.person, share) };
            self.push(VIEW, viewed, None);
        }
        if self.chance() < (0.13 * self.person.readiness).min(0.8) {
            self.push(CART, category, None);
            if self.chance() < (0.55 * categories::ALL[category].readiness).min(0.9) {
                let amount = self.amount_yen(category);
                self.push(PURCHASE, category, Some(amount));
            }
        }
    }

    /// Around the category's price, in tens of yen.
    fn amount_yen(&mut self, category: usize) -> i64 {
        let factor = 0.5 + self.chance() + self.chance() * self.chance();
        #[expect(clippy::cast_possible_truncation, reason = "at most 2.5 × 14,800 yen")]
        let tens = (categories::ALL[category].price_yen * factor / 10.0) as i64;
        tens * 10
    }
}
