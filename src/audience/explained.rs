//! A sample of people inside and outside the segment, from which words are made.

use super::{
    FeatureBatch, UserId,
    ranking::{Candidate, Drawn, order},
};
use crate::{catalog::Catalog, features::categories, segment::Direction};

/// People of each side in a sample.
const SIDE_MAX: usize = 10_000;
/// People of both sides that are kept until it is known who is on which.
const POOL_MAX: u64 = 4 * SIDE_MAX as u64;

/// People inside and outside a segment, at most 10,000 of each, each side drawn evenly; and how the sides differ.
///
/// The sides are drawn apart: their sizes here say nothing about the segment's share of the eligible people.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Explained {
    /// In the order of user ids.
    pub people: FeatureBatch,
    /// Whether each of the people was picked.
    pub in_segment: Vec<bool>,
    /// One for each feature, in the model's order.
    pub contrasts: Vec<Contrast>,
}

/// A feature inside and outside the segment, over the people whose value is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Contrast {
    pub feature: String,
    /// Whether its numbers are mere codes.
    pub is_code: bool,
    /// Whether people inside differ in it.
    pub varies: bool,
    pub inside: Middle,
    pub outside: Middle,
}

/// The middle of some values; `None` when none is known.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Middle {
    pub mean: Option<f64>,
    pub median: Option<f64>,
}

impl Contrast {
    /// Which way the feature points inside; mixed when mean and median disagree or the numbers are mere codes.
    pub fn direction(&self) -> Direction {
        let (inside, outside) = (self.inside, self.outside);
        let compared = inside.mean.partial_cmp(&outside.mean).zip(inside.median.partial_cmp(&outside.median));
        match compared {
            Some((mean, median)) if !self.is_code && inside.mean.is_some() && outside.mean.is_some() => {
                if mean.is_gt() && median.is_ge() {
                    Direction::Higher
                } else if mean.is_lt() && median.is_le() {
                    Direction::Lower
                } else {
                    Direction::Mixed
                }
            }
            _ => Direction::Mixed,
        }
    }
}

/// Draws the sample: a person's lot depends on the seed and the id alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lottery {
    seed: u64,
    of_all_below: u64,
    of_picked_below: u64,
}

impl Lottery {
    pub(super) fn new(seed: u64, eligible: u64, wanted: u64) -> Self {
        let side = SIDE_MAX as u64;
        // Enough of all that the rest after the picked fill their side, unless the picked are nearly everyone.
        let of_all = share(side, eligible.saturating_sub(wanted)).min(share(POOL_MAX, eligible));
        Self { seed, of_all_below: of_all, of_picked_below: share(side, wanted) }
    }

    pub(super) fn lot(&self, user_id: &UserId) -> u64 {
        match user_id {
            UserId::Int(id) => mix(self.seed ^ mix(id.cast_unsigned())),
            UserId::Text(id) => mix(self.seed ^ fnv(id.as_bytes())),
        }
    }

    pub(super) fn wins_of_all(&self, lot: u64) -> bool {
        lot <= self.of_all_below
    }

    pub(super) fn wins_of_picked(&self, lot: u64) -> bool {
        lot <= self.of_picked_below
    }
}

/// The lot up to which about `people` of `of` win.
fn share(people: u64, of: u64) -> u64 {
    if of <= people { u64::MAX } else { u64::MAX / of * people }
}

/// The finalizer of splitmix64.
fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// FNV-1a.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Eligible people drawn before it is known who is picked.
#[derive(Debug, Default)]
pub(super) struct Pool(Vec<(UserId, f64, Drawn)>);

impl Pool {
    pub(super) fn add(&mut self, user_id: UserId, raw: f64, drawn: Drawn) {
        self.0.push((user_id, raw, drawn));
    }

    pub(super) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Those who rank behind the last picked person.
    fn behind(self, last: &Candidate) -> Vec<(UserId, Drawn)> {
        let is_behind = |user_id: &UserId, raw: f64| order((raw, user_id), (last.raw, &last.user_id)).is_gt();
        let people = self.0.into_iter().filter(|(user_id, raw, _)| is_behind(user_id, *raw));
        people.map(|(user_id, _, drawn)| (user_id, drawn)).collect()
    }
}

/// Puts the two sides next to each other; `picked` is in order.
pub(super) fn compare((catalog, features): (&Catalog, &[String]), picked: &[Candidate], pool: Pool) -> Explained {
    let Some(last) = picked.last() else { return Explained::default() };
    let drawn = picked.iter().filter_map(|person| person.drawn.clone().map(|drawn| (person.user_id.clone(), drawn)));
    let inside = first_lots(drawn.collect()).into_iter().map(|person| (person, true));
    let outside = first_lots(pool.behind(last)).into_iter().map(|person| (person, false));
    let mut people: Vec<_> = inside.chain(outside).collect();
    people.sort_unstable_by(|((a, _), _), ((b, _), _)| a.cmp(b));
    let column = |at: usize| people.iter().map(|((_, drawn), _)| drawn.values[at]).collect();
    let batch = FeatureBatch { names: features.to_vec(), columns: (0..features.len()).map(column).collect() };
    let in_segment: Vec<bool> = people.iter().map(|(_, inside)| *inside).collect();
    let contrasts = batch.names.iter().zip(&batch.columns).map(|(name, values)| {
        let is_code = categories(catalog, name).is_some();
        contrast((name, is_code), values, &in_segment)
    });
    Explained { contrasts: contrasts.collect(), people: batch, in_segment }
}

fn first_lots(mut people: Vec<(UserId, Drawn)>) -> Vec<(UserId, Drawn)> {
    people.sort_unstable_by(|(a, x), (b, y)| x.lot.cmp(&y.lot).then_with(|| a.cmp(b)));
    people.truncate(SIDE_MAX);
    people
}

fn contrast((feature, is_code): (&str, bool), values: &[f32], in_segment: &[bool]) -> Contrast {
    let side = |wanted: bool| {
        let known = values.iter().zip(in_segment).filter(|(value, inside)| **inside == wanted && !value.is_nan());
        middle(known.map(|(value, _)| f64::from(*value)).collect())
    };
    let mut inside = values.iter().zip(in_segment).filter(|(_, inside)| **inside).map(|(value, _)| value.to_bits());
    let first = inside.next();
    let varies = inside.any(|value| Some(value) != first);
    Contrast { feature: feature.to_owned(), is_code, varies, inside: side(true), outside: side(false) }
}

#[expect(clippy::cast_precision_loss, reason = "at most 10,000 values")]
fn middle(mut values: Vec<f64>) -> Middle {
    if values.is_empty() {
        return Middle::default();
    }
    values.sort_unstable_by(f64::total_cmp);
    let half = values.len() / 2;
    let median = if values.len() % 2 == 1 { values[half] } else { f64::midpoint(values[half - 1], values[half]) };
    Middle { mean: Some(values.iter().sum::<f64>() / values.len() as f64), median: Some(median) }
}
