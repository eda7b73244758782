//! How many conversions to expect, from what was promised before and what came: a factor for the kind of request, learned from
//! the replays of all products, and an interval that knows of what changes from one period to the next.

use serde::{Deserialize, Serialize};

use super::replay::Kept;
use crate::{catalog::ExcludeConverted, segment::Missed};

/// Conversions that came as promised and are added to what was seen, so that few replays change little.
const PSEUDO_CONVERSIONS: f64 = 20.0;
/// How far periods differ, as a share of what is expected (a standard deviation), before anything is known of the company: for
/// requests that take everyone, and for those that leave converters out. Measured on three logs, see docs/quality.md.
const SPREAD_OF_EVERYONE: f64 = 0.11;
const SPREAD_OF_NEW: f64 = 0.18;
/// So many replays say as much about it as these two numbers do.
const PRIOR_REPLAYS: f64 = 5.0;
/// Replays are of so many periods at most, and in one period all products rise or fall together.
const PERIODS: f64 = 3.0;
/// How much wider where there is no replay at all.
const UNSEEN: f64 = 1.25;
/// Standard deviations on each side of a 90 % interval of a normal variable.
const Z90: f64 = 1.645;

/// What sums of probabilities are multiplied by, and how far the outcome lies from that.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Promise {
    pub factor: f64,
    /// Standard deviation between periods, as a share of what is expected.
    pub spread: f64,
    /// Replays that it was learned from.
    pub replays: usize,
}

/// Among so many replays, more misses than these happen by chance in fewer than 5 of 100 cases, as each misses in one of ten.
const MISSED_BY_CHANCE: u8 = 1;

/// A number of conversions with its 90 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expected {
    pub conversions: f64,
    pub low: u64,
    pub high: u64,
}

impl Promise {
    /// For requests that leave out `excluded` and pick this `share` of the eligible, from replays of any products.
    pub fn learned<R: AsRef<[Kept]>>(
        replays: impl IntoIterator<Item = R>,
        excluded: ExcludeConverted,
        share: f64,
    ) -> Self {
        let (mut of_kind, mut promised, mut came) = (Vec::new(), 0.0, 0.0);
        for replay in replays {
            if let Some(kept) = nearest(replay.as_ref(), excluded, share) {
                promised += kept.promised * level(replay.as_ref());
                came += real(kept.came);
                of_kind.push(kept);
            }
        }
        let factor = (came + PSEUDO_CONVERSIONS) / (promised + PSEUDO_CONVERSIONS);
        let prior = if excluded == ExcludeConverted::Never { SPREAD_OF_EVERYONE } else { SPREAD_OF_NEW };
        if of_kind.is_empty() {
            return Self { factor, spread: prior * UNSEEN, replays: 0 };
        }
        Self { factor, spread: spread(&of_kind, factor, prior), replays: of_kind.len() }
    }

    /// What to expect of people whose probabilities sum up to `sum`, and p·(1 − p) to `variance`.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rounded numbers of people, not negative"
    )]
    pub fn expected(&self, sum: f64, variance: f64) -> Expected {
        let conversions = self.factor * sum;
        let deviation = (self.factor * variance + (self.spread * conversions).powi(2)).sqrt();
        let low = (conversions - Z90 * deviation).max(0.0).floor();
        let high = (conversions + Z90 * deviation).ceil();
        Expected { conversions, low: low as u64, high: (high as u64).max(low as u64 + 1) }
    }
}

/// Whether promises for one product missed more often than chance explains, each judged as if the product were new: by the
/// replays of the `others`. `None` where they kept what they promise, or nobody can know yet.
pub fn missed<R: AsRef<[Kept]>>(
    own: impl IntoIterator<Item = R>,
    others: impl IntoIterator<Item = R>,
    excluded: ExcludeConverted,
    share: f64,
) -> Option<Missed> {
    let promise = Promise::learned(others, excluded, share);
    let judged: Vec<bool> = own
        .into_iter()
        .filter_map(|replay| nearest(replay.as_ref(), excluded, share))
        .map(|kept| {
            let Expected { low, high, .. } = promise.expected(kept.promised, kept.variance);
            !(low..=high).contains(&kept.came)
        })
        .collect();
    let count = |judged: usize| u8::try_from(judged).unwrap_or(u8::MAX);
    let missed = Missed { missed: count(judged.iter().filter(|missed| **missed).count()), of: count(judged.len()) };
    (missed.missed > MISSED_BY_CHANCE).then_some(missed)
}

/// By the method of moments: what differs more than chance alone would have it, joined with the prior.
fn spread(kept: &[Kept], factor: f64, prior: f64) -> f64 {
    let (mut beyond_chance, mut squares, mut fourths) = (0.0, 0.0, 0.0);
    for kept in kept {
        let expected = factor * kept.promised;
        beyond_chance += (real(kept.came) - expected).powi(2) - factor * kept.variance;
        squares += expected.powi(2);
        fourths += expected.powi(4);
    }
    if squares <= 0.0 {
        return prior;
    }
    // As many replays of equal size would say as much.
    let replays = squares.powi(2) / fourths;
    let seen = (beyond_chance / squares).max(0.0);
    let joined = (PRIOR_REPLAYS * prior.powi(2) + replays * seen) / (PRIOR_REPLAYS + replays);
    // The factor itself is known no better than from so many periods.
    (joined * (1.0 + 1.0 / replays.min(PERIODS))).sqrt()
}

/// How many times more conversions came of everybody in a replay than were promised. Demand moved so far in that period, for
/// every kind of request; the model knows the next one's level no better than by its newest window, which it has learned.
fn level(kept: &[Kept]) -> f64 {
    let everybody = kept.iter().find(|kept| kept.excluded == ExcludeConverted::Never && kept.percent == 100);
    everybody.map_or(1.0, |kept| (real(kept.came) + PSEUDO_CONVERSIONS) / (kept.promised + PSEUDO_CONVERSIONS))
}

/// Of a replay, the kind of request that is most alike.
fn nearest(kept: &[Kept], excluded: ExcludeConverted, share: f64) -> Option<Kept> {
    let far = |kept: &&Kept| {
        let days = (days(kept.excluded).ln() - days(excluded).ln()).abs();
        let size = (f64::from(kept.percent) / 100.0 / share.max(1e-6)).ln().abs();
        (days, size)
    };
    let alike =
        kept.iter().filter(|kept| (kept.excluded == ExcludeConverted::Never) == (excluded == ExcludeConverted::Never));
    alike.min_by(|a, b| far(a).0.total_cmp(&far(b).0).then(far(a).1.total_cmp(&far(b).1))).copied()
}

/// How long ago a conversion still leaves somebody out.
fn days(excluded: ExcludeConverted) -> f64 {
    match excluded {
        ExcludeConverted::Never => 1.0,
        ExcludeConverted::Days(days) => f64::from(days.max(1)),
        ExcludeConverted::Ever => 3660.0,
    }
}

#[expect(clippy::cast_precision_loss, reason = "people are fewer than 2^53")]
fn real(people: u64) -> f64 {
    people as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(excluded: ExcludeConverted, percent: u8, promised: f64, came: u64) -> Kept {
        Kept { excluded, percent, promised, variance: promised, came }
    }

    #[test]
    fn without_replays_the_sum_stands_and_the_interval_is_wide() {
        let promise = Promise::learned(Vec::<Vec<Kept>>::new(), ExcludeConverted::Never, 0.05);
        assert_eq!((promise.factor, promise.replays), (1.0, 0));
        let Expected { conversions, low, high } = promise.expected(100.0, 90.0);
        assert_eq!((conversions, low, high), (100.0, 72, 128));
        assert_eq!(promise.expected(0.0, 0.0).high, 1, "never ± 0");
    }

    #[test]
    fn what_was_promised_too_high_for_a_kind_is_brought_down_for_that_kind_alone() {
        let replay = vec![
            kept(ExcludeConverted::Never, 5, 1_000.0, 1_000),
            kept(ExcludeConverted::Ever, 5, 360.0, 160),
            kept(ExcludeConverted::Ever, 100, 360.0, 360),
        ];
        let replays = vec![replay; 3];
        assert!((Promise::learned(&replays, ExcludeConverted::Never, 0.04).factor - 1.0).abs() < 1e-9);
        let new = Promise::learned(&replays, ExcludeConverted::Ever, 0.04);
        assert!((new.factor - 500.0 / 1_100.0).abs() < 1e-9, "{new:?}");
        assert!((Promise::learned(&replays, ExcludeConverted::Ever, 0.9).factor - 1.0).abs() < 1e-9);
        assert_eq!(Promise::learned(&replays, ExcludeConverted::Days(200), 0.04), new, "the most alike");
    }

    #[test]
    fn the_interval_follows_how_far_replays_differ() {
        let of = |came: [u64; 6]| {
            let replays: Vec<_> = came.map(|came| vec![kept(ExcludeConverted::Never, 5, 1_000.0, came)]).to_vec();
            Promise::learned(&replays, ExcludeConverted::Never, 0.05).spread
        };
        let (steady, moving) = (of([1_000, 990, 1_010, 1_020, 980, 1_000]), of([600, 1_400, 700, 1_300, 800, 1_200]));
        assert!(steady < SPREAD_OF_EVERYONE && moving > 0.18, "{steady} {moving}");
    }

    #[test]
    fn a_product_that_missed_twice_is_told_from_one_that_chance_moved() {
        let of = |came: &[u64]| -> Vec<Vec<Kept>> {
            came.iter().map(|came| vec![kept(ExcludeConverted::Never, 5, 100.0, *came)]).collect()
        };
        let others = of(&[100, 95, 108, 97, 104, 99]);
        let judge = |came: &[u64]| missed(&of(came), &others, ExcludeConverted::Never, 0.05);
        assert_eq!(judge(&[200, 210, 98]), Some(Missed { missed: 2, of: 3 }));
        assert_eq!(judge(&[30, 190]), Some(Missed { missed: 2, of: 2 }), "too few and too many");
        assert_eq!(judge(&[200, 101, 98]), None, "one of three may be chance");
        assert_eq!((judge(&[200]), judge(&[])), (None, None));
    }

    /// A company of ten products whose periods differ by `drift`, and whose new buyers are promised `bias` times too many: how
    /// often nine of ten intervals hold, and what came over what was promised.
    fn simulated(drift: f64, bias: f64, excluded: ExcludeConverted) -> (f64, f64) {
        use rand::{RngExt as _, SeedableRng as _};
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(7);
        let mut normal = move || (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0;
        let (mut held, mut all, mut promised, mut came) = (0_u32, 0_u32, 0.0, 0.0);
        for _ in 0..40 {
            let mut period = |sum: f64| {
                let mean = sum / bias * (1.0 + drift * normal()).max(0.0);
                (mean + mean.sqrt() * normal()).round().max(0.0)
            };
            let sums: Vec<f64> = (0..10_u8).map(|product| 30.0 * f64::from(product + 1)).collect();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rounded count")]
            let replays: Vec<Vec<Kept>> =
                (0..3).flat_map(|_| sums.clone()).map(|sum| vec![kept(excluded, 5, sum, period(sum) as u64)]).collect();
            let promise = Promise::learned(&replays, excluded, 0.05);
            for sum in &sums {
                let (Expected { conversions, low, high }, then) = (promise.expected(*sum, *sum), period(*sum));
                all += 1;
                held += u32::from((real(low)..=real(high)).contains(&then));
                promised += conversions;
                came += then;
            }
        }
        (f64::from(held) / f64::from(all), came / promised)
    }

    #[test]
    fn nine_of_ten_intervals_hold_whatever_the_company_is_like() {
        for (drift, bias, excluded) in [
            (0.05, 1.0, ExcludeConverted::Never),
            (0.12, 1.0, ExcludeConverted::Never),
            (0.20, 0.9, ExcludeConverted::Never),
            (0.20, 1.5, ExcludeConverted::Ever),
            (0.30, 1.3, ExcludeConverted::Days(90)),
        ] {
            let (held, ratio) = simulated(drift, bias, excluded);
            assert!((0.86..0.98).contains(&held), "{held} hold at {drift}, {bias}, {excluded}");
            assert!((ratio - 1.0).abs() < 0.05, "{ratio} came of what was promised at {drift}, {bias}, {excluded}");
        }
    }
}
