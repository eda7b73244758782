//! How a feature's values become bins, at most 255 for each feature: cut points and categories, chosen from data.

use super::math::real;
use super::random::{Purpose, Stream};
use super::table::Kind;

/// Rows that cut points are chosen from; more rows would move them by a few ranks in a thousand.
const SAMPLE_ROWS: usize = 100_000;

/// What stands in for an infinite value when a cut point next to it is computed; beyond every finite `f32`.
const BEYOND_F32: f64 = 1e39;

/// Bins of values, so that one more for missing values fits `u8`.
const VALUE_BINS_MAX: usize = 255;

/// The bins of one feature.
#[derive(Debug, Clone, PartialEq)]
pub enum FeatureBins {
    /// Numbers, cut into ranges.
    Numeric(Cuts),
    /// Categories, some of which have a bin of their own.
    Categorical(Categories),
}

/// Where a number is cut. Bin `i` holds values above cut `i - 1` and at most cut `i`; the last value bin has no upper
/// cut, and the bin after it holds missing values.
#[derive(Debug, Clone, PartialEq)]
pub struct Cuts(Vec<f64>);

/// Categories with a bin of their own. The bin after them holds missing values and every other category.
#[derive(Debug, Clone, PartialEq)]
pub struct Categories {
    codes: Vec<u32>,
    names: Vec<String>,
}

impl Cuts {
    /// `None` unless the cuts are finite, rising, and few enough for `u8` bins.
    pub(super) fn new(cuts: Vec<f64>) -> Option<Self> {
        let rising = cuts.windows(2).all(|pair| pair[0] < pair[1]);
        let valid = rising && cuts.iter().all(|cut| cut.is_finite()) && cuts.len() < VALUE_BINS_MAX;
        valid.then_some(Self(cuts))
    }

    /// The cut points, rising.
    pub fn as_slice(&self) -> &[f64] {
        &self.0
    }

    /// How many cuts are below a number, as [`super::Gbdt::ranked`] takes it; NaN for NaN. Numbers within ±1e-35 are 0, as
    /// `LightGBM` has it.
    pub fn rank(&self, value: f64) -> f32 {
        if value.is_nan() {
            return f32::NAN;
        }
        let value = if value.abs() <= 1e-35 { 0.0 } else { value };
        let rank = self.0.partition_point(|&cut| cut < value);
        f32::from(u8::try_from(rank).expect("at most VALUE_BINS_MAX"))
    }

    /// The largest value that goes left when a split keeps bins up to `bin` there.
    pub fn threshold(&self, bin: u8) -> f64 {
        self.0.get(usize::from(bin)).copied().unwrap_or(f64::INFINITY)
    }
}

impl Categories {
    /// `None` unless the codes rise, are few enough for `u8` bins, and have a name each or none at all.
    pub(super) fn new(codes: Vec<u32>, names: Vec<String>) -> Option<Self> {
        let rising = codes.windows(2).all(|pair| pair[0] < pair[1]);
        let valid = rising && codes.len() <= VALUE_BINS_MAX && (names.is_empty() || names.len() == codes.len());
        valid.then_some(Self { codes, names })
    }

    /// The category code of each bin, rising.
    pub fn codes(&self) -> &[u32] {
        &self.codes
    }

    /// What each bin's category is called; empty when the codes speak for themselves.
    pub fn names(&self) -> &[String] {
        &self.names
    }
}

impl FeatureBins {
    /// The bin of missing values, which is also the number of value bins.
    pub(super) fn missing_bin(&self) -> u8 {
        let values = match self {
            Self::Numeric(cuts) => cuts.0.len() + 1,
            Self::Categorical(categories) => categories.codes.len(),
        };
        u8::try_from(values).expect("at most VALUE_BINS_MAX")
    }

    /// Bins, the one for missing values included.
    pub(super) fn count(&self) -> usize {
        usize::from(self.missing_bin()) + 1
    }

    /// The bin of a value. [`super::bin_map::BinMap`] is the fast way to bin many.
    pub(super) fn bin(&self, value: f32) -> u8 {
        if value.is_nan() {
            return self.missing_bin();
        }
        let bin = match self {
            Self::Numeric(cuts) => cuts.0.partition_point(|&cut| cut < f64::from(value)),
            Self::Categorical(categories) => {
                let is_code = |code: &u32| f64::from(*code).total_cmp(&(f64::from(value) + 0.0));
                categories.codes.binary_search_by(is_code).unwrap_or(categories.codes.len())
            }
        };
        u8::try_from(bin).expect("at most VALUE_BINS_MAX")
    }
}

/// Chooses the bins of a column from its values alone, those at the places of a [`sample`]; at most `bins_max`.
pub(super) fn choose_bins(values: &[f32], sample: &[u32], kind: &Kind, bins_max: usize) -> FeatureBins {
    let values = sample.iter().map(|&place| values[place as usize]).filter(|value| !value.is_nan()).collect();
    match kind {
        Kind::Numeric => FeatureBins::Numeric(cut(values, bins_max - 1)),
        Kind::Categorical { names } => FeatureBins::Categorical(most_frequent(values, bins_max - 1, names)),
    }
}

/// The places of all `rows`, or of about [`SAMPLE_ROWS`] of them drawn by chance.
pub(super) fn sample(rows: &[u32], seed: u64) -> Vec<u32> {
    let stream = Stream::new(seed, Purpose::BinningRows, 0);
    let share = real(SAMPLE_ROWS) / real(rows.len().max(1));
    let drawn = (0_u32..).zip(rows).filter(|&(_, &row)| share >= 1.0 || stream.unit(u64::from(row)) < share);
    drawn.map(|(place, _)| place).collect()
}

/// Cuts at quantiles of `values`, at most `value_bins` bins. A value that fills a bin alone gets it alone.
fn cut(mut values: Vec<f32>, value_bins: usize) -> Cuts {
    // Adding 0 turns -0.0 into 0.0: one value.
    for value in &mut values {
        *value += 0.0;
    }
    values.sort_unstable_by(f32::total_cmp);
    let distinct = count_distinct(&values);
    if distinct.len() <= value_bins {
        return Cuts(distinct.windows(2).map(|pair| midpoint(pair[0].0, pair[1].0)).collect());
    }
    let mut cuts = Vec::with_capacity(value_bins);
    let (mut rows_left, mut rows_in_bin) = (values.len(), 0);
    for pair in distinct.windows(2) {
        let ((value, count), (next, next_count)) = (pair[0], pair[1]);
        rows_in_bin += count;
        let bins_left = value_bins - cuts.len();
        if bins_left == 1 {
            break;
        }
        let full = real(rows_left) / real(bins_left);
        if real(rows_in_bin) >= full || real(next_count) >= full {
            cuts.push(midpoint(value, next));
            rows_left -= rows_in_bin;
            rows_in_bin = 0;
        }
    }
    Cuts(cuts)
}

/// The most frequent categories, the smaller code first among equals; at most `bins_max`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the table checked that these are codes")]
fn most_frequent(mut values: Vec<f32>, bins_max: usize, names: &[String]) -> Categories {
    for value in &mut values {
        *value += 0.0;
    }
    values.sort_unstable_by(f32::total_cmp);
    let mut frequent = count_distinct(&values);
    frequent.sort_by_key(|&(_, times)| std::cmp::Reverse(times));
    frequent.truncate(bins_max);
    let mut codes: Vec<u32> = frequent.into_iter().map(|(value, _)| value as u32).collect();
    codes.sort_unstable();
    let wanted = if names.is_empty() { &[][..] } else { &codes };
    let names = wanted.iter().map(|&code| names[code as usize].clone()).collect();
    Categories { codes, names }
}

/// Values and how often they come, from sorted values.
fn count_distinct(sorted: &[f32]) -> Vec<(f32, usize)> {
    sorted.chunk_by(|one, other| one >= other).map(|same| (same[0], same.len())).collect()
}

/// A finite number that is at least `low` and below `high`.
fn midpoint(low: f32, high: f32) -> f64 {
    let finite = |value: f32| f64::from(value).clamp(-BEYOND_F32, BEYOND_F32);
    f64::midpoint(finite(low), finite(high))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numeric(values: Vec<f32>, bins: usize) -> FeatureBins {
        FeatureBins::Numeric(cut(values, bins))
    }

    #[test]
    fn few_values_get_a_bin_each() {
        let bins = numeric(vec![3.0, 1.0, 2.0, 1.0], 254);
        assert_eq!(bins, FeatureBins::Numeric(Cuts(vec![1.5, 2.5])));
        assert_eq!([1.0, 1.5, 1.6, 99.0, f32::NAN].map(|value| bins.bin(value)), [0, 0, 1, 2, 3]);
    }

    #[test]
    fn a_frequent_value_gets_a_bin_alone_and_bins_are_not_exceeded() {
        let values: Vec<f32> = (0..1000_u16).map(|i| if i % 2 == 0 { 0.0 } else { f32::from(i) }).collect();
        let Cuts(cuts) = cut(values, 10);
        assert_eq!(cuts.first(), Some(&0.5));
        assert!(cuts.len() <= 9 && cuts.len() >= 8, "{cuts:?}");
    }

    #[test]
    fn infinities_are_values_with_bins_of_their_own() {
        let cuts = cut(vec![f32::NEG_INFINITY, f32::MIN, 0.0, f32::MAX, f32::INFINITY], 254);
        assert!(Cuts::new(cuts.0.clone()).is_some());
        let values = [f32::NEG_INFINITY, f32::MIN, -0.0, f32::MAX, f32::INFINITY];
        assert_eq!(values.map(|value| FeatureBins::Numeric(cuts.clone()).bin(value)), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_column_without_values_has_one_empty_bin() {
        let bins = numeric(vec![], 254);
        assert_eq!((bins.count(), bins.bin(f32::NAN), bins.bin(7.0)), (2, 1, 0));
    }

    #[test]
    fn rare_and_unknown_categories_share_the_bin_of_the_missing() {
        let names = ["north", "east", "south", "west"].map(str::to_owned);
        let categories = most_frequent(vec![3.0, 0.0, 3.0, -0.0, 1.0], 2, &names);
        assert_eq!(categories, Categories { codes: vec![0, 3], names: vec!["north".into(), "west".into()] });
        let bins = FeatureBins::Categorical(categories);
        assert_eq!([0.0, -0.0, 3.0, 1.0, 99.0, f32::NAN].map(|value| bins.bin(value)), [0, 0, 1, 2, 2, 2]);
    }
}
