//! Sums of gradients for each bin of each feature, as integers: equal in whatever order rows are added.

use std::sync::Mutex;

use rayon::prelude::*;

use super::layout::{DENSE_BINS, Layout, SPARSE_BINS};
use super::prefetch::prefetch;

/// Rows from which threads help more than they cost.
const PARALLEL_ROWS_MIN: usize = 16_384;

/// Rows ahead for whose cells, and for whose start, memory is asked.
const SOON: usize = 8;
const LATER: usize = 24;

/// A sum of quantised gradients: first derivatives in the upper 32 bits, second derivatives in the lower.
/// Rows × levels stays below 2^31, so neither half can overflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct GradientSum(i64);

impl GradientSum {
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

/// The quantised gradients of one row: the first derivative in the upper 16 bits, the second in the lower.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Quantized(u32);

impl Quantized {
    /// `first` fits 16 bits with its sign, `second` without one.
    #[expect(clippy::cast_sign_loss, reason = "bits, not a number")]
    pub(super) fn new(first: i32, second: i32) -> Self {
        Self((first as u32) << 16 | (second as u32 & 0xffff))
    }

    pub(super) fn is_zero(self) -> bool {
        self.0 == 0
    }

    #[expect(clippy::cast_possible_wrap, reason = "the upper half carries the sign")]
    pub(super) fn sum(self) -> GradientSum {
        GradientSum(i64::from(self.0 as i32 >> 16) << 32 | i64::from(self.0 & 0xffff))
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
        for (sum, child) in self.sums.iter_mut().zip(&child.sums) {
            *sum = sum.minus(*child);
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
    /// Adds up the rows of a leaf, whose sum is `total`.
    pub(super) fn build(&self, rows: &[u32], total: GradientSum) -> Histogram {
        let mut histogram = if rows.len() < PARALLEL_ROWS_MIN {
            self.workspaces.with(|workspace| self.add_up(rows, workspace))
        } else {
            let chunk = rows.len().div_ceil(rayon::current_num_threads());
            let parts =
                rows.par_chunks(chunk).map(|rows| self.workspaces.with(|workspace| self.add_up(rows, workspace)));
            parts.reduce_with(|one, other| self.workspaces.merge(one, other)).unwrap_or_default()
        };
        histogram.recover_defaults(self.layout, total);
        histogram
    }

    pub(super) fn total(&self, rows: &[u32]) -> GradientSum {
        let add = |sum: GradientSum, &row: &u32| sum.plus(self.gradients[row as usize].sum());
        let parts = rows.par_chunks(PARALLEL_ROWS_MIN).map(|rows| rows.iter().fold(GradientSum::default(), add));
        parts.reduce(GradientSum::default, GradientSum::plus)
    }

    fn add_up(&self, rows: &[u32], workspace: &mut Workspace) -> Histogram {
        let layout = self.layout;
        let (sparse, dense) = (&mut workspace.sparse, &mut workspace.dense[..layout.dense_features]);
        for (place, &row) in rows.iter().enumerate() {
            if let (Some(&soon), Some(&later)) = (rows.get(place + SOON), rows.get(place + LATER)) {
                layout.prefetch(soon as usize);
                layout.prefetch_start(later as usize);
                prefetch(self.gradients, later as usize);
            }
            let row = row as usize;
            let gradient = self.gradients[row].sum();
            for &cell in layout.cells(row) {
                let sum = &mut sparse[usize::from(cell)];
                *sum = sum.plus(gradient);
            }
            for (sums, &bin) in dense.iter_mut().zip(layout.dense(row)) {
                let sum = &mut sums[usize::from(bin)];
                *sum = sum.plus(gradient);
            }
        }
        let mut sums = self.workspaces.empty_sums(layout);
        sums.extend_from_slice(&sparse[..layout.sparse_bins]);
        sums.extend_from_slice(dense.as_flattened());
        sparse[..layout.sparse_bins].fill(GradientSum::default());
        dense.as_flattened_mut().fill(GradientSum::default());
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

/// Sums that are all 0 while nobody uses them. As large as any cell can name, so that no look-up needs a check.
#[derive(Debug)]
struct Workspace {
    sparse: Box<[GradientSum; SPARSE_BINS]>,
    dense: Vec<[GradientSum; DENSE_BINS]>,
}

/// Workspaces that are not in use.
#[derive(Debug)]
pub(super) struct Workspaces {
    dense_features: usize,
    idle: Mutex<Vec<Workspace>>,
    /// The memory of histograms that are no longer needed.
    histograms: Mutex<Vec<Histogram>>,
}

impl Workspaces {
    pub(super) fn new(layout: &Layout) -> Self {
        let (idle, histograms) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
        Self { dense_features: layout.dense_features, idle, histograms }
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

    fn with<T>(&self, work: impl FnOnce(&mut Workspace) -> T) -> T {
        let idle = || self.idle.lock().expect("no thread panics while it holds the lock");
        let waiting = idle().pop();
        let mut workspace = waiting.unwrap_or_else(|| Workspace {
            sparse: vec![GradientSum::default(); SPARSE_BINS].try_into().expect("as long as the array"),
            dense: vec![[GradientSum::default(); DENSE_BINS]; self.dense_features],
        });
        let done = work(&mut workspace);
        idle().push(workspace);
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
        assert_eq!((sum.first(), sum.second()), (-2, 5));
        assert_eq!((gradient(-32_768, 65_535).sum().first(), gradient(-1, 65_535).sum().second()), (-32_768, 65_535));
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
        let build = |rows: &[u32]| source.build(rows, source.total(rows));
        let (mut parent, left_sums) = (build(&all), build(&left));
        for (feature, column) in columns.iter().enumerate() {
            for (bin, sum) in parent.bins(&layout, feature).iter().enumerate() {
                let rows: Vec<u32> =
                    all.iter().copied().filter(|&row| usize::from(column[row as usize]) == bin).collect();
                assert_eq!(*sum, source.total(&rows), "feature {feature}, bin {bin}");
            }
        }
        parent.subtract(&left_sums);
        assert_eq!(parent, build(&right));
    }
}
