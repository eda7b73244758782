//! Whole lakes with known probabilities: what is promised comes, intervals hold, and a replay sees nothing of its future.

use std::fmt::Write as _;

use chrono::{Days, NaiveDate};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Poisson, StandardNormal};
use segment_bot::{
    catalog::{Catalog, ExcludeConverted},
    pipeline::{
        Suppress,
        build_segment::{Ask, BuildContext, Built, build_segment},
    },
    progress::Silent,
    segment::{Conditions, Quality, Size},
};

use super::{TestLake, day};

const LAST: &str = "2026-07-31";
const HORIZON: u64 = 28;
/// Periods of the log.
const PERIODS: u64 = 9;
/// People who were there from the start, and who join in each period.
const FOUNDERS: usize = 900;
const JOINERS: usize = 33;
const PRODUCTS: [&str; 2] = ["tea", "coffee"];
const LAKES: u64 = 200;
const REQUESTS: [(ExcludeConverted, u8); 3] =
    [(ExcludeConverted::Never, 20), (ExcludeConverted::Ever, 20), (ExcludeConverted::Never, 100)];

const CATALOG: &str = r#"
version = 1
time_zone = "UTC"
fallback_locale = "en"
owner = "the data team"
age = { min = 15, max = 79 }

[users]
path = "users.csv"
id = "id"
registered = "joined"

[[events]]
name = "events"
path = "events.csv"
user = "id"
time = "at"
kind = "kind"

[[products]]
id = "tea"
ja = "お茶"
en = "Tea"
kind = "tea"
horizon_days = 28
exclude_converted = "never"

[[products]]
id = "coffee"
ja = "コーヒー"
en = "Coffee"
kind = "coffee"
horizon_days = 28
exclude_converted = "never"

[[features]]
name = "views"
where = { kind = ["view"] }
measure = "count"
windows_days = [28]

[[features]]
name = "hints"
where = { kind = ["hint"] }
measure = "count"
windows_days = [28]

[limits]
smallest_segment = 10
"#;

/// Somebody's rates a period: of looking, and of buying each product.
struct Person {
    joined: NaiveDate,
    views: f64,
    buys: [f64; 2],
}

/// A company: its log up to [`LAST`], and who buys what in the horizon after it.
#[derive(Clone)]
struct Company {
    users: String,
    events: String,
    /// By product, the ids of those who buy.
    buyers: [Vec<usize>; 2],
}

fn count(random: &mut ChaCha8Rng, mean: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small whole number")]
    let count = Poisson::new(mean.max(1e-9)).unwrap().sample(random) as u64;
    count
}

fn normal(random: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(random)
}

fn person(random: &mut ChaCha8Rng, joined: NaiveDate) -> Person {
    let interest = normal(random);
    let buys = [0.06, 0.10].map(|base| base * (0.7 * interest + 0.6 * normal(random)).exp());
    Person { joined, views: 2.0 * (0.8 * interest).exp(), buys }
}

impl Company {
    /// With demand that moves by `drift` from period to period. Whoever buys leaves a hint in the same minute.
    fn simulated(seed: u64, drift: f64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let start = day(LAST) - Days::new(HORIZON * PERIODS - 1);
        let mut people: Vec<Person> = (0..FOUNDERS).map(|_| person(&mut random, start)).collect();
        for period in 0..PERIODS {
            for _ in 0..JOINERS {
                let joined = start + Days::new(period * HORIZON + random.random_range(0..HORIZON));
                people.push(person(&mut random, joined));
            }
        }
        let mut company =
            Self { users: "id,joined\n".to_owned(), events: "id,at,kind\n".to_owned(), buyers: [vec![], vec![]] };
        for (id, person) in people.iter().enumerate() {
            writeln!(company.users, "{id},{}", person.joined).unwrap();
        }
        for period in 0..=PERIODS {
            let demand = PRODUCTS.map(|_| (drift * normal(&mut random)).exp());
            let first = start + Days::new(period * HORIZON);
            for (id, person) in people.iter().enumerate() {
                company.live(&mut random, (id, person), first, demand);
            }
        }
        company
    }

    /// One person's period that begins on `first`.
    fn live(&mut self, random: &mut ChaCha8Rng, (id, person): (usize, &Person), first: NaiveDate, demand: [f64; 2]) {
        let is_future = first > day(LAST);
        let mut event = |random: &mut ChaCha8Rng, kinds: &[&str]| {
            let at = first + Days::new(random.random_range(0..HORIZON));
            if at < person.joined || is_future {
                return at >= person.joined;
            }
            for kind in kinds {
                writeln!(self.events, "{id},{at}T10:00:00Z,{kind}").unwrap();
            }
            true
        };
        for _ in 0..count(random, person.views) {
            event(random, &["view"]);
        }
        for (product, kind) in PRODUCTS.into_iter().enumerate() {
            let bought = (0..count(random, person.buys[product] * demand[product]))
                .filter(|_| event(random, &[kind, "hint"]))
                .count();
            if is_future && bought > 0 {
                self.buyers[product].push(id);
            }
        }
    }
}

/// What is promised for a request, and how many of those who were picked buy.
struct Kept {
    percent: u8,
    excluded: ExcludeConverted,
    quality: Quality,
    came: u64,
}

fn came(built: &Built, buyers: &[usize]) -> u64 {
    let csv = std::fs::read_to_string(&built.files()[0].1).unwrap();
    let picked = csv.lines().skip(1).map(|line| line.split(',').nth(1).unwrap().parse::<usize>().unwrap());
    picked.filter(|id| buyers.contains(id)).count() as u64
}

async fn kept(company: &Company, catalog: &Catalog) -> Vec<Kept> {
    let place = TestLake::new().await;
    place.put_text("users.csv", &company.users);
    place.put_text("events.csv", &company.events);
    place.build(catalog, LAST).await.unwrap();
    let mut all = Vec::new();
    for (index, (product, buyers)) in PRODUCTS.into_iter().zip(&company.buyers).enumerate() {
        for (excluded, percent) in REQUESTS {
            let ask = Ask {
                request: format!("{product}-{percent}"),
                conditions: Conditions::of_everyone(
                    catalog.products[index].id.clone(),
                    Size::Percent(percent),
                    excluded,
                ),
                as_of: Some(day(LAST)),
                seed: 1,
                suppress: Suppress::Current,
                replays: None,
            };
            let built = build_segment(BuildContext { catalog, store: &place.store }, &ask, &Silent).await.unwrap();
            all.push(Kept { percent, excluded, quality: built.summary.quality, came: came(&built, buyers) });
        }
    }
    all
}

/// How often intervals hold, conversions that came over those promised, and the mean half-width, of one kind of request.
fn judged(all: &[Kept], kind: (ExcludeConverted, u8)) -> (f64, f64, f64) {
    let of: Vec<&Kept> = all.iter().filter(|kept| (kept.excluded, kept.percent) == kind).collect();
    let mean = |of_one: &dyn Fn(&Kept) -> f64| of.iter().map(|kept| of_one(kept)).sum::<f64>() / real(of.len() as u64);
    let held = mean(&|kept| {
        let Quality { expected_low, expected_high, .. } = kept.quality;
        f64::from(u8::from((expected_low..=expected_high).contains(&kept.came)))
    });
    let (promised, came) = (mean(&|kept| kept.quality.expected), mean(&|kept| real(kept.came)));
    let half_width = mean(&|kept| {
        let Quality { expected, expected_low, expected_high, .. } = kept.quality;
        real(expected_high - expected_low) / 2.0 / expected
    });
    (held, came / promised, half_width)
}

fn real(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_promised_comes_and_nine_of_ten_intervals_hold() {
    let catalog = Catalog::parse(CATALOG).unwrap();
    let mut all = Vec::new();
    for seed in 0..LAKES {
        all.extend(kept(&Company::simulated(seed, 0.10), &catalog).await);
    }
    for kind in REQUESTS {
        let (held, ratio, half_width) = judged(&all, kind);
        assert!((0.85..=0.95).contains(&held), "{kind:?}: {held} of the intervals hold");
        assert!((ratio - 1.0).abs() < 0.03, "{kind:?}: {ratio} of what was promised came");
        assert!(half_width < 0.65, "{kind:?}: {half_width} to each side");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hints_that_come_with_conversions_after_its_day_change_no_replay() {
    let catalog = Catalog::parse(CATALOG).unwrap();
    let replayed_on = day(LAST) - Days::new(HORIZON);
    for seed in 1_000..1_003 {
        let company = Company::simulated(seed, 0.10);
        let is_future_hint = |line: &&str| {
            let at = line.split(',').nth(1).and_then(|at| at.get(..10)?.parse::<NaiveDate>().ok());
            line.ends_with(",hint") && at.is_some_and(|at| at > replayed_on)
        };
        let known: Vec<&str> = company.events.lines().filter(|line| !is_future_hint(line)).collect();
        assert!(known.len() + 100 < company.events.lines().count(), "there are hints to find");
        let without = Company { events: known.join("\n") + "\n", ..company.clone() };
        let (with, without) = (kept(&company, &catalog).await, kept(&without, &catalog).await);
        for (with, without) in with.iter().zip(&without) {
            assert_eq!(with.quality.auc.to_bits(), without.quality.auc.to_bits(), "{:?}", with.quality);
            assert_eq!(with.quality.replay, without.quality.replay);
            assert!(with.quality.replay.is_some_and(|replay| replay.day == replayed_on));
        }
    }
}
