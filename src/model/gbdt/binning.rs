//! Numbers become bins: at most 255 for each feature, the last one for missing values.

use rayon::prelude::*;

use super::Table;
use super::math::real;
use super::random::{Purpose, Stream};

/// Rows that cut points are chosen from; more rows would move them by less than a rank in a thousand.
const SAMPLE_ROWS: usize = 200_000;

/// What stands in for an infinite value when a cut point next to it is computed; beyond every finite `f32`.
const BEYOND_F32: f64 = 1e39;

/// Where a feature's values are cut. Bin `i` holds values above cut `i - 1` and at most cut `i`; the last value bin has
/// no upper cut, and the bin after it holds missing values.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureBins {
    cuts: Vec<f64>,
}

impl FeatureBins {
    /// `None` unless the cuts are finite, rising, and few enough for `u8` bins.
    pub(super) fn from_cuts(cuts: Vec<f64>) -> Option<Self> {
        let rising = cuts.windows(2).all(|pair| pair[0] < pair[1]);
        let valid = rising && cuts.iter().all(|cut| cut.is_finite()) && cuts.len() <= 253;
        valid.then_some(Self { cuts })
    }

    /// The cut points, rising.
    pub fn cuts(&self) -> &[f64] {
        &self.cuts
    }

    /// The bin of missing values, which is also the number of value bins.
    pub(super) fn missing_bin(&self) -> u8 {
        u8::try_from(self.cuts.len() + 1).expect("at most 253 cuts")
    }

    /// Bins, the one for missing values included.
    pub(super) fn count(&self) -> usize {
        self.cuts.len() + 2
    }

    pub(super) fn bin(&self, value: f32) -> u8 {
        if value.is_nan() {
            return self.missing_bin();
        }
        let bin = self.cuts.partition_point(|&cut| cut < f64::from(value));
        u8::try_from(bin).expect("at most 253 cuts")
    }

    /// The largest value that goes left when a split keeps bins up to `bin` there.
    pub(super) fn threshold(&self, bin: u8) -> f64 {
        self.cuts.get(usize::from(bin)).copied().unwrap_or(f64::INFINITY)
    }

    /// Cuts at quantiles of `values`, at most `value_bins` bins. A value that fills a bin alone gets it alone.
    fn from_values(mut values: Vec<f32>, value_bins: usize) -> Self {
        values.sort_unstable_by(f32::total_cmp);
        let distinct = count_distinct(&values);
        if distinct.len() <= value_bins {
            let cuts = distinct.windows(2).map(|pair| midpoint(pair[0].0, pair[1].0)).collect();
            return Self { cuts };
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
        Self { cuts }
    }
}

/// Values and how often they come, from sorted values. -0.0 and 0.0 are one value.
fn count_distinct(sorted: &[f32]) -> Vec<(f32, usize)> {
    let mut distinct: Vec<(f32, usize)> = Vec::new();
    for &value in sorted {
        match distinct.last_mut() {
            Some((last, count)) if *last >= value => *count += 1,
            _ => distinct.push((value, 1)),
        }
    }
    distinct
}

/// A finite number that is at least `low` and below `high`.
fn midpoint(low: f32, high: f32) -> f64 {
    let finite = |value: f32| f64::from(value).clamp(-BEYOND_F32, BEYOND_F32);
    f64::midpoint(finite(low), finite(high))
}

/// Chooses the cut points of every column from its values alone.
pub(super) fn choose_bins(table: &Table, bins_max: usize, seed: u64) -> Vec<FeatureBins> {
    let stream = Stream::new(seed, Purpose::BinningRows, 0);
    let share = real(SAMPLE_ROWS) / real(table.rows().max(1));
    table
        .columns()
        .par_iter()
        .map(|column| {
            let sampled = |row: usize| share >= 1.0 || stream.unit(row as u64) < share;
            let values = column.iter().enumerate().filter(|(row, value)| !value.is_nan() && sampled(*row));
            FeatureBins::from_values(values.map(|(_, &value)| value).collect(), bins_max - 1)
        })
        .collect()
}

/// A table after binning, column by column.
#[derive(Debug)]
pub(super) struct BinnedTable {
    pub(super) columns: Vec<Vec<u8>>,
}

impl BinnedTable {
    /// Bins the given rows of each column by the bins of the same place.
    pub(super) fn new(columns: &[&[f32]], bins: &[FeatureBins], rows: &[u32]) -> Self {
        let bin_column =
            |(column, bins): (&&[f32], &FeatureBins)| rows.iter().map(|&row| bins.bin(column[row as usize])).collect();
        let columns = columns.par_iter().zip(bins).map(bin_column).collect();
        Self { columns }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_get_a_bin_each() {
        let bins = FeatureBins::from_values(vec![3.0, 1.0, 2.0, 1.0], 254);
        assert_eq!(bins.cuts(), [1.5, 2.5]);
        assert_eq!([1.0, 1.5, 1.6, 99.0, f32::NAN].map(|value| bins.bin(value)), [0, 0, 1, 2, 3]);
    }

    #[test]
    fn a_frequent_value_gets_a_bin_alone_and_bins_are_not_exceeded() {
        let values: Vec<f32> = (0..1000_u16).map(|i| if i % 2 == 0 { 0.0 } else { f32::from(i) }).collect();
        let bins = FeatureBins::from_values(values, 10);
        assert_eq!(bins.cuts().first(), Some(&0.5));
        assert!(bins.cuts().len() <= 9 && bins.cuts().len() >= 8, "{:?}", bins.cuts());
    }

    #[test]
    fn infinities_are_values_with_bins_of_their_own() {
        let bins = FeatureBins::from_values(vec![f32::NEG_INFINITY, f32::MIN, 0.0, f32::MAX, f32::INFINITY], 254);
        assert!(FeatureBins::from_cuts(bins.cuts().to_vec()).is_some());
        let values = [f32::NEG_INFINITY, f32::MIN, -0.0, f32::MAX, f32::INFINITY];
        assert_eq!(values.map(|value| bins.bin(value)), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_column_without_values_has_one_empty_bin() {
        let bins = FeatureBins::from_values(vec![], 254);
        assert_eq!((bins.cuts().len(), bins.bin(f32::NAN), bins.bin(7.0)), (0, 1, 0));
    }
}
