//! Where the bins of a numeric feature are cut best.

#![expect(clippy::inline_always, reason = "what is not inlined into a kernel's function does not use its instructions")]

use super::super::histogram::GradientSum;
use super::super::simd::{Kernel, Lane, Work};

/// Cuts that are judged at a time. A constant, so that equals are told apart in the same way by every processor.
const LANES: usize = 8;

/// No feature has more bins.
const BINS_MAX: usize = 256;

/// What two children save together, as a fraction: comparing fractions needs no division. Both parts are finite, or the
/// numerator is negative infinity, where a split is not allowed; the denominator is above 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct Score {
    numerator: f64,
    denominator: f64,
}

/// Scores in whole units of derivatives, for leaves that nothing but `l2` and the least weight restricts.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlainNode {
    first: f64,
    second: f64,
    l2: f64,
    child_weight_min: f64,
}

/// The best cut of one numeric feature.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    /// What the children save together.
    pub(super) score: Score,
    pub(super) bin: u8,
    pub(super) missing_left: bool,
    pub(super) left: GradientSum,
}

/// The cuts of a feature that part the rows in different ways.
#[derive(Debug)]
pub(super) struct Cuts {
    /// What lies left of each cut, without missing values; beyond `count`, anything.
    lefts: [GradientSum; BINS_MAX],
    /// The last bin that lies left of each cut.
    bins: [u8; BINS_MAX],
    count: usize,
    missing: GradientSum,
}

impl Score {
    pub(super) const FORBIDDEN: Self = Self { numerator: f64::NEG_INFINITY, denominator: 1.0 };

    pub(super) fn of(value: f64) -> Self {
        Self { numerator: value, denominator: 1.0 }
    }

    #[inline]
    fn exceeds(self, other: Self) -> bool {
        self.numerator * other.denominator > other.numerator * self.denominator
    }

    pub(super) fn value(self) -> f64 {
        self.numerator / self.denominator
    }
}

impl PlainNode {
    pub(super) fn new(total: GradientSum, l2: f64, child_weight_min: f64) -> Self {
        let (first, second) = total.parts();
        // A child of no weight has no score unless it is regularised.
        let least = if l2 > 0.0 { 0.0 } else { 1.0 };
        Self { first, second, l2, child_weight_min: child_weight_min.max(least) }
    }

    /// What the node itself saves, not parted.
    pub(super) fn unparted(&self) -> f64 {
        self.first * self.first / (self.second + self.l2).max(f64::MIN_POSITIVE)
    }

    /// Without branches, so that the compiler makes vector code of it.
    #[inline]
    fn score(&self, left: GradientSum) -> Score {
        let (first, second) = left.parts();
        let (other_first, other_second) = (self.first - first, self.second - second);
        let (divisor, other_divisor) = (second + self.l2, other_second + self.l2);
        let denominator = divisor * other_divisor;
        let numerator = first * first * other_divisor + other_first * other_first * divisor;
        let lighter = if second < other_second { second } else { other_second };
        let allowed = lighter >= self.child_weight_min;
        Score {
            numerator: if allowed { numerator } else { Score::FORBIDDEN.numerator },
            denominator: if allowed { denominator } else { Score::FORBIDDEN.denominator },
        }
    }
}

impl Cuts {
    /// The cuts between the bins of a feature, the last of which holds its missing values; `None` without any.
    pub(super) fn of(bins: &[GradientSum]) -> Option<Self> {
        let (&missing, values) = bins.split_last()?;
        let mut cuts = Self { lefts: [GradientSum::default(); BINS_MAX], bins: [0; BINS_MAX], count: 0, missing };
        let (mut left, mut count) = (GradientSum::default(), 0_u8);
        for (bin, &sum) in (0_u8..).zip(values) {
            left = left.plus(sum);
            cuts.lefts[usize::from(count)] = left;
            cuts.bins[usize::from(count)] = bin;
            // Without rows in the bin, the cut after it parts as the one before does.
            count += u8::from(sum != GradientSum::default());
        }
        cuts.count = usize::from(count);
        Some(cuts)
    }

    pub(super) fn any_missing(&self) -> bool {
        self.missing != GradientSum::default()
    }

    /// How many cuts leave something on the right, with missing values on either side.
    fn counts(&self) -> (usize, usize) {
        let between = self.count.saturating_sub(1);
        if self.any_missing() { (self.count, between) } else { (between, 0) }
    }

    /// The cut with the greatest score above `least`; the first among equals.
    pub(super) fn best(&self, least: f64, score: impl Fn(GradientSum) -> Score) -> Option<Cut> {
        let (missing_right, missing_left) = self.counts();
        let right = self.lefts[..missing_right].iter().enumerate().map(|(place, &left)| (place, false, left));
        let left = self.lefts[..missing_left].iter().enumerate();
        let left = left.map(|(place, left)| (place, true, left.plus(self.missing)));
        let cuts = right.chain(left).map(|(place, missing_left, left)| self.cut((place, score(left)), missing_left));
        cuts.fold(None, |best: Option<Cut>, cut| {
            let limit = best.map_or(Score::of(least), |best| best.score);
            if cut.score.exceeds(limit) { Some(cut) } else { best }
        })
    }

    /// The same for a plain leaf, faster.
    pub(super) fn best_plain(&mut self, least: f64, node: &PlainNode) -> Option<Cut> {
        let (missing_right, missing_left) = self.counts();
        let right = self.best_place(missing_right, Score::of(least), node);
        let right = right.map(|place| self.cut(place, false));
        if missing_left == 0 {
            return right;
        }
        let missing = self.missing;
        self.lefts[..missing_left].iter_mut().for_each(|left| *left = left.plus(missing));
        let limit = right.map_or(Score::of(least), |cut| cut.score);
        let left = self.best_place(missing_left, limit, node);
        self.lefts[..missing_left].iter_mut().for_each(|left| *left = left.minus(missing));
        left.map(|place| self.cut(place, true)).or(right)
    }

    fn cut(&self, (place, score): (usize, Score), missing_left: bool) -> Cut {
        let left = self.lefts[place];
        let left = if missing_left { left.plus(self.missing) } else { left };
        Cut { score, bin: self.bins[place], missing_left, left }
    }

    /// The first of the best of the first `count` cuts, if it exceeds `limit`.
    fn best_place(&mut self, count: usize, limit: Score, node: &PlainNode) -> Option<(usize, Score)> {
        let last = *self.lefts[..count].last()?;
        // What comes after the last is as good as it, and never before it.
        self.lefts[count..count.next_multiple_of(LANES)].fill(last);
        let (lefts, _) = self.lefts[..count.next_multiple_of(LANES)].as_chunks();
        let mut best = Best::none(limit);
        Kernel::best().run(Judge { lefts, node, best: &mut best });
        best.first()
    }
}

/// The first of the best cuts at each place of the chunks.
#[derive(Debug, Clone, Copy)]
struct Best {
    chunks: [usize; LANES],
    numerators: [f64; LANES],
    denominators: [f64; LANES],
}

impl Best {
    const NO_CHUNK: usize = usize::MAX;

    /// Nothing yet exceeds the limit.
    fn none(limit: Score) -> Self {
        let Score { numerator, denominator } = limit;
        Self { chunks: [Self::NO_CHUNK; LANES], numerators: [numerator; LANES], denominators: [denominator; LANES] }
    }

    /// The place of the best of all, the first among equals.
    fn first(&self) -> Option<(usize, Score)> {
        let score = |lane: usize| Score { numerator: self.numerators[lane], denominator: self.denominators[lane] };
        let found = (0..LANES).filter(|&lane| self.chunks[lane] != Self::NO_CHUNK);
        let places = found.map(|lane| (self.chunks[lane] * LANES + lane, score(lane)));
        places.reduce(|one, other| {
            let earlier = other.0 < one.0 && !one.1.exceeds(other.1);
            if other.1.exceeds(one.1) || earlier { other } else { one }
        })
    }
}

struct Judge<'a> {
    lefts: &'a [[GradientSum; LANES]],
    node: &'a PlainNode,
    best: &'a mut Best,
}

impl Work for Judge<'_> {
    #[inline(always)]
    fn run<L: Lane>(self, _: L) {
        // A copy stays in registers.
        let mut best = *self.best;
        for (chunk, lefts) in self.lefts.iter().enumerate() {
            for (lane, &left) in lefts.iter().enumerate() {
                let (numerator, denominator) = (best.numerators[lane], best.denominators[lane]);
                let score = self.node.score(left);
                let ahead = score.exceeds(Score { numerator, denominator });
                best.numerators[lane] = if ahead { score.numerator } else { numerator };
                best.denominators[lane] = if ahead { score.denominator } else { denominator };
                best.chunks[lane] = if ahead { chunk } else { best.chunks[lane] };
            }
        }
        *self.best = best;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::histogram::Quantized;
    use super::*;

    fn sum(first: i32, second: i32) -> GradientSum {
        Quantized::new(first, second).sum()
    }

    fn total(bins: &[GradientSum]) -> GradientSum {
        bins.iter().fold(GradientSum::default(), |total, bin| total.plus(*bin))
    }

    #[test]
    fn empty_bins_part_nothing_and_missing_values_may_go_either_way() {
        let bins = [sum(4, 2), sum(0, 0), sum(-4, 2), sum(0, 0), sum(-4, 1)];
        let mut cuts = Cuts::of(&bins).unwrap();
        assert!(cuts.any_missing());
        assert_eq!((&cuts.bins[..cuts.count], cuts.counts()), (&[0, 2][..], (2, 1)));
        let cut = cuts.best_plain(0.0, &PlainNode::new(total(&bins), 1.0, 0.0)).unwrap();
        assert_eq!((cut.bin, cut.missing_left, cut.left), (0, false, sum(4, 2)));
        let all = Cuts::of(&bins[..1]).unwrap();
        assert_eq!(all.counts(), (0, 0), "a column without values");
    }

    proptest! {
        /// However a processor does it, and as one cut after the other.
        #[test]
        fn the_best_of_all_cuts_is_found(
            bins in prop::collection::vec((-40_i32..40, 0_i32..60), 1..255),
            l2 in 0.0_f64..5.0,
            least in 0_i32..400,
            sparse in 1_usize..6,
        ) {
            let bins: Vec<GradientSum> = bins.into_iter().enumerate()
                .map(|(place, (first, second))| if place % sparse == 0 { sum(first, second) } else { sum(0, 0) })
                .collect();
            let node = PlainNode::new(total(&bins), l2, f64::from(least));
            let mut cuts = Cuts::of(&bins).unwrap();
            let plain = cuts.best(1.0, |left| node.score(left));
            let value = |cut: Option<Cut>| cut.map_or(1.0, |cut| cut.score.value());
            let fast = cuts.best_plain(1.0, &node);
            prop_assert!((value(plain) - value(fast)).abs() <= 1e-12 * value(plain), "{plain:?} {fast:?}");
            if let Some(cut) = fast {
                let left = bins[..=usize::from(cut.bin)].iter().fold(GradientSum::default(), |left, bin| left.plus(*bin));
                let missing = if cut.missing_left { bins[bins.len() - 1] } else { GradientSum::default() };
                prop_assert_eq!(cut.left, left.plus(missing));
            }
            let (lefts, _) = cuts.lefts.as_chunks();
            let found: Vec<_> = Kernel::all().into_iter().map(|kernel| {
                let mut best = Best::none(Score::of(1.0));
                kernel.run(Judge { lefts, node: &node, best: &mut best });
                best.first().map(|(place, score)| (place, score.numerator.to_bits(), score.denominator.to_bits()))
            }).collect();
            prop_assert!(found.iter().all(|one| *one == found[0]), "{found:?}");
        }
    }
}
