//! Sums of gradients for each bin of each feature, as integers: equal in whatever order rows are added.

#![expect(clippy::inline_always, reason = "what is not inlined into a kernel's function does not use its instructions")]

mod narrow;

use std::sync::Mutex;

use rayon::prelude::*;

use super::layout::Layout;
use super::simd::{Kernel, Lane, Work};
use narrow::Narrow;

/// Rows from which threads help more than they cost.
const PARALLEL_ROWS_MIN: usize = 4096;

/// A sum of quantised gradients: first derivatives in the upper 32 bits, second derivatives in the lower.
/// Rows × levels stays below 2^31, so neither half can overflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct GradientSum(i64);

impl GradientSum {
    /// First and second derivatives.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "each half is below 2^31")]
    pub(super) fn parts(self) -> (f64, f64) {
        (f64::from((self.0 >> 32) as i32), f64::from(self.0 as i32))
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0))
    }

    pub(super) fn minus(self, other: Self) -> Self {
        Self(self.0.wrapping_sub(other.0))
    }
}

/// The quantised gradients of one row: the first derivative in the upper 16 bits, the second in the lower.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Quantized(u32);

impl Quantized {
    /// `first` fits 16 bits with its sign, `second` without one.
    #[inline]
    #[expect(clippy::cast_sign_loss, reason = "bits, not a number")]
    pub(super) fn new(first: i32, second: i32) -> Self {
        Self((first as u32) << 16 | (second as u32 & 0xffff))
    }

    pub(super) fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// First and second derivatives.
    #[inline]
    #[expect(clippy::cast_possible_wrap, reason = "the upper half carries the sign")]
    fn parts(self) -> (i32, i32) {
        (self.0 as i32 >> 16, (self.0 & 0xffff) as i32)
    }

    #[inline]
    pub(super) fn sum(self) -> GradientSum {
        let (first, second) = self.parts();
        GradientSum(i64::from(first) << 32 | i64::from(second))
    }
}

/// The sums of one leaf, at the places of the layout.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Histogram {
    sums: Vec<GradientSum>,
}

impl Histogram {
    /// The sums of the feature's bins.
    pub(super) fn bins(&self, layout: &Layout, feature: usize) -> &[GradientSum] {
        let place = layout.places[feature];
        &self.sums[place.start..place.start + place.count]
    }

    /// Takes a child's sums from its parent's, which leaves the other child's.
    pub(super) fn subtract(&mut self, child: &Self) {
        Kernel::best().run(Subtract { from: &mut self.sums, less: &child.sums });
    }
}

struct Subtract<'a> {
    from: &'a mut [GradientSum],
    less: &'a [GradientSum],
}

impl Work for Subtract<'_> {
    #[inline(always)]
    fn run<L: Lane>(self, _: L) {
        for (sum, less) in self.from.iter_mut().zip(self.less) {
            *sum = sum.minus(*less);
        }
    }
}

/// What the histograms of one tree are made from.
#[derive(Debug, Clone, Copy)]
pub(super) struct HistogramSource<'a> {
    pub(super) layout: &'a Layout,
    pub(super) gradients: &'a [Quantized],
    /// Memory to add up in, kept from leaf to leaf.
    pub(super) workspaces: &'a Workspaces,
}

impl HistogramSource<'_> {
    /// Adds up the rows of a leaf, whose sum is `total`, on so many threads.
    pub(super) fn build(&self, rows: &[u32], total: GradientSum, threads: usize) -> Histogram {
        let mut histogram = if rows.len() < PARALLEL_ROWS_MIN || threads == 1 {
            self.workspaces.with(|narrow| self.add_up(rows, narrow))
        } else {
            let chunk = rows.len().div_ceil(threads);
            let parts = rows.par_chunks(chunk).map(|rows| self.workspaces.with(|narrow| self.add_up(rows, narrow)));
            parts.reduce_with(|one, other| self.workspaces.merge(one, other)).unwrap_or_default()
        };
        histogram.recover_defaults(self.layout, total);
        histogram
    }

    fn add_up(&self, rows: &[u32], narrow: &mut Narrow) -> Histogram {
        let mut sums = self.workspaces.empty_sums(self.layout);
        narrow.add_up((self.layout, self.gradients), rows, &mut sums);
        Histogram { sums }
    }
}

impl Histogram {
    fn add(&mut self, other: &Self) {
        for (sum, other) in self.sums.iter_mut().zip(&other.sums) {
            *sum = sum.plus(*other);
        }
    }

    /// A feature's bins add up to the total; its default bin is what the others leave.
    fn recover_defaults(&mut self, layout: &Layout, total: GradientSum) {
        for place in &layout.places {
            if let Some(default) = place.default {
                let sums = &mut self.sums[place.start..place.start + place.count];
                sums[usize::from(default)] = GradientSum::default();
                let others = sums.iter().fold(GradientSum::default(), |sum, bin| sum.plus(*bin));
                sums[usize::from(default)] = total.minus(others);
            }
        }
    }
}

/// Memory that is not in use.
#[derive(Debug)]
pub(super) struct Workspaces {
    /// Of dense features.
    pairs: usize,
    idle: Mutex<Vec<Narrow>>,
    /// The memory of histograms that are no longer needed.
    histograms: Mutex<Vec<Histogram>>,
}

impl Workspaces {
    pub(super) fn new(layout: &Layout) -> Self {
        let (idle, histograms) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
        Self { pairs: layout.pairs(), idle, histograms }
    }

    fn merge(&self, mut one: Histogram, other: Histogram) -> Histogram {
        one.add(&other);
        self.give_back(other);
        one
    }

    /// Keeps the histogram's memory for the next one.
    pub(super) fn give_back(&self, histogram: Histogram) {
        self.histograms.lock().expect("no thread panics while it holds the lock").push(histogram);
    }

    fn empty_sums(&self, layout: &Layout) -> Vec<GradientSum> {
        let kept = self.histograms.lock().expect("no thread panics while it holds the lock").pop();
        let mut sums = kept.map_or_else(|| Vec::with_capacity(layout.sums()), |histogram| histogram.sums);
        sums.clear();
        sums
    }

    fn with<T>(&self, work: impl FnOnce(&mut Narrow) -> T) -> T {
        let idle = || self.idle.lock().expect("no thread panics while it holds the lock");
        let waiting = idle().pop();
        let mut narrow = waiting.unwrap_or_else(|| Narrow::new(self.pairs));
        let done = work(&mut narrow);
        idle().push(narrow);
        done
    }
}

#[cfg(test)]
mod tests {
    use super::super::binning::{Cuts, FeatureBins};
    use super::*;

    fn gradient(first: i32, second: i32) -> Quantized {
        Quantized::new(first, second)
    }

    #[test]
    fn halves_keep_their_signs() {
        let sum = gradient(-5, 7).sum().plus(gradient(2, 1).sum()).minus(gradient(-1, 3).sum());
        assert_eq!(sum.parts(), (-2.0, 5.0));
        assert_eq!(gradient(-32_768, 65_535).sum().parts(), (-32_768.0, 65_535.0));
        assert!(gradient(0, 0).is_zero() && !gradient(0, 1).is_zero() && !gradient(-1, 0).is_zero());
    }

    #[test]
    fn bins_hold_the_sums_of_their_rows_and_children_add_up() {
        let bins = [3, 5, 4].map(|cuts| FeatureBins::Numeric(Cuts::new((0..cuts).map(f64::from).collect()).unwrap()));
        let columns = [
            (0..40_000_usize)
                .map(|row| if row % 3 == 0 { u8::try_from(row % 5).unwrap() } else { 1 })
                .collect::<Vec<u8>>(),
            (0..40_000_usize).map(|row| u8::try_from(row % 7).unwrap()).collect(),
            (0..40_000_usize).map(|row| u8::try_from(row % 6).unwrap()).collect(),
        ];
        let gradients: Vec<Quantized> = (0..40_000).map(|row| gradient(row % 13 - 6, row % 4)).collect();
        let layout = Layout::new(&columns, &bins);
        assert_eq!(layout.dense_features, 2);
        let workspaces = Workspaces::new(&layout);
        let source = HistogramSource { layout: &layout, gradients: &gradients, workspaces: &workspaces };
        let (left, right): (Vec<u32>, Vec<u32>) = (0..40_000).partition(|row| row % 5 < 2);
        let all: Vec<u32> = (0..40_000).collect();
        let total = |rows: &[u32]| {
            rows.iter().fold(GradientSum::default(), |total, &row| total.plus(gradients[row as usize].sum()))
        };
        let build = |rows: &[u32]| source.build(rows, total(rows), 2);
        let (mut parent, left_sums) = (build(&all), build(&left));
        for (feature, column) in columns.iter().enumerate() {
            for (bin, sum) in parent.bins(&layout, feature).iter().enumerate() {
                let rows: Vec<u32> =
                    all.iter().copied().filter(|&row| usize::from(column[row as usize]) == bin).collect();
                assert_eq!(*sum, total(&rows), "feature {feature}, bin {bin}");
            }
        }
        parent.subtract(&left_sums);
        assert_eq!(parent, build(&right));
    }
}
