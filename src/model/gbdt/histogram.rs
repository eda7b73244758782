//! Sums of gradients for each bin of each feature, as integers: equal in whatever order rows are added.

use rayon::prelude::*;

use super::binning::{BinnedTable, FeatureBins};
use super::objective::Gradient;
use super::random::Stream;

/// More levels than this would not make better trees.
const LEVELS_MAX: u32 = 32_767;

/// Rows whose gradients can be summed without overflow.
pub(super) const ROWS_MAX: usize = 1 << 30;

/// Below so many additions, threads cost more than they help.
const PARALLEL_MIN: usize = 1 << 15;

/// A sum of quantised gradients: first derivatives in the upper 32 bits, second derivatives in the lower.
/// Rows × levels stays below 2^31, so neither half can overflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct GradientSum(i64);

impl GradientSum {
    fn new(first: i32, second: u32) -> Self {
        Self((i64::from(first) << 32) + i64::from(second))
    }

    pub(super) fn first(self) -> i64 {
        self.0 >> 32
    }

    pub(super) fn second(self) -> i64 {
        self.0 & 0xffff_ffff
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0))
    }

    pub(super) fn minus(self, other: Self) -> Self {
        Self(self.0.wrapping_sub(other.0))
    }
}

/// Gradients of all rows, rounded to whole units up or down by chance so that sums stay unbiased.
#[derive(Debug)]
pub(super) struct QuantizedGradients {
    rows: Vec<GradientSum>,
    /// What one unit of each half stands for.
    pub(super) first_unit: f64,
    pub(super) second_unit: f64,
}

impl QuantizedGradients {
    /// At most [`ROWS_MAX`] rows. The rounding of a row depends on `stream` and the row's number only.
    pub(super) fn new(gradients: &[Gradient], stream: Stream) -> Self {
        let levels = levels(gradients.len());
        let first_unit = unit(gradients.par_iter().map(|gradient| gradient.first.abs()), levels);
        let second_unit = unit(gradients.par_iter().map(|gradient| gradient.second), levels);
        let quantize = |(row, gradient): (usize, &Gradient)| {
            let bits = stream.bits(row as u64);
            let first = round(f64::from(gradient.first) / first_unit, bits >> 32);
            let second = round(f64::from(gradient.second) / second_unit, bits & 0xffff_ffff);
            GradientSum::new(first, second.unsigned_abs())
        };
        let rows = gradients.par_iter().with_min_len(PARALLEL_MIN).enumerate().map(quantize).collect();
        Self { rows, first_unit, second_unit }
    }

    pub(super) fn total(&self, rows: &[u32]) -> GradientSum {
        rows.iter().fold(GradientSum::default(), |sum, &row| sum.plus(self.rows[row as usize]))
    }
}

/// Units in the largest gradient of so many rows.
fn levels(rows: usize) -> u32 {
    let fitting = usize::try_from(i32::MAX).expect("usize has 32 bits or more") / rows.max(1);
    u32::try_from(fitting).map_or(LEVELS_MAX, |levels| levels.min(LEVELS_MAX))
}

fn unit(values: impl IndexedParallelIterator<Item = f32>, levels: u32) -> f64 {
    let largest = values.with_min_len(PARALLEL_MIN).reduce(|| 0.0, f32::max);
    if largest > 0.0 { f64::from(largest) / f64::from(levels) } else { 1.0 }
}

/// Rounds up with the probability of the fraction; `chance` is uniform in 32 bits.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "|value| <= LEVELS_MAX, chance < 2^32"
)]
fn round(value: f64, chance: u64) -> i32 {
    (value + chance as f64 / (1_u64 << 32) as f64).floor() as i32
}

/// The sums of one leaf: for each feature that the tree may test, for each of its bins.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Histogram {
    features: Vec<Vec<GradientSum>>,
}

/// What histograms of one tree are made from.
#[derive(Debug, Clone, Copy)]
pub(super) struct HistogramSource<'a> {
    pub(super) table: &'a BinnedTable,
    pub(super) bins: &'a [FeatureBins],
    pub(super) gradients: &'a QuantizedGradients,
    /// Columns that this tree may test.
    pub(super) features: &'a [usize],
}

impl HistogramSource<'_> {
    /// Adds up the rows of a leaf.
    pub(super) fn build(&self, rows: &[u32]) -> Histogram {
        let gradients: Vec<GradientSum> = rows.iter().map(|&row| self.gradients.rows[row as usize]).collect();
        let build_one = |&feature: &usize| {
            let mut sums = add_up(&self.table.columns[feature], rows, &gradients);
            sums.truncate(self.bins[feature].count());
            sums
        };
        let features = if rows.len() * self.features.len() < PARALLEL_MIN {
            self.features.iter().map(build_one).collect()
        } else {
            self.features.par_iter().map(build_one).collect()
        };
        Histogram { features }
    }
}

fn add_up(column: &[u8], rows: &[u32], gradients: &[GradientSum]) -> Vec<GradientSum> {
    let mut sums = [GradientSum::default(); 256];
    if rows.len() == column.len() {
        // All rows, and rows are in order: no need to look them up.
        for (&bin, &gradient) in column.iter().zip(gradients) {
            sums[usize::from(bin)] = sums[usize::from(bin)].plus(gradient);
        }
    } else {
        for (&row, &gradient) in rows.iter().zip(gradients) {
            let bin = usize::from(column[row as usize]);
            sums[bin] = sums[bin].plus(gradient);
        }
    }
    sums.to_vec()
}

impl Histogram {
    /// The sums of a leaf's other child: what is left after taking away `child`.
    pub(super) fn minus(mut self, child: &Self) -> Self {
        for (own, other) in self.features.iter_mut().zip(&child.features) {
            for (sum, part) in own.iter_mut().zip(other) {
                *sum = sum.minus(*part);
            }
        }
        self
    }

    /// The bins of the feature at `place` among the tree's features.
    pub(super) fn bins(&self, place: usize) -> &[GradientSum] {
        &self.features[place]
    }
}

#[cfg(test)]
mod tests {
    use super::super::random::Purpose;
    use super::*;

    fn quantized(gradients: &[Gradient]) -> QuantizedGradients {
        QuantizedGradients::new(gradients, Stream::new(1, Purpose::GradientRounding, 0))
    }

    #[test]
    fn halves_keep_their_signs() {
        let sum = GradientSum::new(-5, 7).plus(GradientSum::new(2, 1)).minus(GradientSum::new(-1, 3));
        assert_eq!((sum.first(), sum.second()), (-2, 5));
    }

    #[test]
    #[expect(clippy::cast_precision_loss, reason = "small sums")]
    fn rounding_is_unbiased() {
        let mut gradients = vec![Gradient { first: -0.3, second: 0.123_456 }; 100_000];
        gradients[0] = Gradient { first: 1.0, second: 0.25 };
        let rows: Vec<u32> = (1..100_000).collect();
        let quantized = quantized(&gradients);
        let total = quantized.total(&rows);
        assert!((total.first() as f64 * quantized.first_unit + 0.3 * 99_999.0).abs() < 0.1);
        assert!((total.second() as f64 * quantized.second_unit - 0.123_456 * 99_999.0).abs() < 0.1);
    }

    #[test]
    fn a_parent_minus_a_child_is_the_other_child() {
        let gradients: Vec<Gradient> =
            (0..100_u8).map(|i| Gradient { first: f32::from(i) - 50.0, second: 1.0 }).collect();
        let quantized = quantized(&gradients);
        let bins = [FeatureBins::from_cuts(vec![0.5, 1.5, 2.5]).unwrap()];
        let table = BinnedTable { columns: vec![(0..100).map(|i| i % 5).collect()] };
        let source = HistogramSource { table: &table, bins: &bins, gradients: &quantized, features: &[0] };
        let (all, left): (Vec<u32>, Vec<u32>) = ((0..100).collect(), (0..100).filter(|row| row % 3 == 0).collect());
        let right: Vec<u32> = (0..100).filter(|row| row % 3 != 0).collect();
        assert_eq!(source.build(&all).minus(&source.build(&left)), source.build(&right));
    }
}
