//! What each training row carries from round to round: its score, its leaf in the last tree, its gradients.

#![expect(clippy::inline_always, reason = "what is not inlined into a kernel's function does not use its instructions")]

use rayon::prelude::*;

use super::super::binning::FeatureBins;
use super::super::dataset::Fold;
use super::super::grower::{Grown, Soil, grow};
use super::super::histogram::{GradientSum, Quantized};
use super::super::math::{BLOCK, real};
use super::super::model::LEAF_BITS;
use super::super::objective::{Gradients, fill_gradients};
use super::super::params::GbdtValidParams;
use super::super::random::{Purpose, Stream, chance};
use super::super::score::TreeKernel;
use super::super::simd::{Kernel, Lane, Work};
use super::super::splitter::{Bounds, LeafMath};
use super::super::tree::{Leaf, Tree};
use super::watch::fill_leaves;

/// Units in the largest gradient of a round: fewer for more rows, since their rounding evens out. Small gradients become
/// 0 by chance, with the expectation kept, and rows without a gradient need not be looked at: that samples rows by how
/// much they matter (Ibragimov and Gusev 2019).
const LEVELS_MIN: usize = 12;
const LEVELS_MAX: usize = 256;
const LEVELS_TIMES_ROWS: usize = 1 << 21;

/// Blocks that one thread takes at once, so that threads end nearly together.
const BLOCKS_MAX: usize = 4;

/// Leaf sums that are added to in turn, so that equal leaves in a row do not wait for each other.
const TURNS: usize = 4;

/// The rows of a fold while trees are grown on them.
pub(super) struct Rounds<'a> {
    fold: &'a Fold,
    base_score: f64,
    /// In leaf units, without the base score and without the last tree.
    scores: Vec<i32>,
    /// The leaf of each row in the last tree.
    leaves: Vec<u16>,
    /// What the last tree's leaves add.
    leaf_values: Vec<i32>,
    /// How much all trees so far can add at most.
    reach: i32,
    gradients: Gradients,
    largest: f32,
    quantized: Vec<Quantized>,
    /// Of all quantised gradients.
    total: GradientSum,
    /// Rows of the tree that is grown, and as much memory again; kept from tree to tree.
    rows: Vec<u32>,
    spare: Vec<u32>,
    /// How many rows have gradients; `rows` begins with them.
    count: usize,
}

/// Exact sums of a leaf.
#[derive(Debug, Clone, Copy, Default)]
struct LeafSum {
    first: f64,
    second: f64,
    rows: u64,
}

impl<'a> Rounds<'a> {
    pub(super) fn new(fold: &'a Fold, base_score: f64) -> Self {
        let rows = fold.rows();
        Self {
            fold,
            base_score,
            scores: vec![0; rows],
            leaves: vec![0; rows],
            leaf_values: vec![0],
            reach: 0,
            gradients: Gradients { first: vec![0.0; rows], second: vec![0.0; rows] },
            largest: 0.0,
            quantized: vec![Quantized::default(); rows],
            total: GradientSum::default(),
            rows: vec![0; rows],
            spare: vec![0; rows],
            count: 0,
        }
    }

    /// Adds the last tree to the scores and computes the gradients there.
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "gradients need no more than f32")]
    pub(super) fn take_gradients(&mut self) {
        let (base, unit) = (self.base_score as f32, (-f32::from(LEAF_BITS)).exp2());
        let (labels, weights, leaf_values) = (&self.fold.targets.labels, &self.fold.targets.weights, &self.leaf_values);
        let weights: Vec<&[f32]> =
            if weights.is_empty() { vec![&[]; labels.len().div_ceil(BLOCK)] } else { weights.chunks(BLOCK).collect() };
        let blocks = self.scores.par_chunks_mut(BLOCK).zip(self.leaves.par_chunks(BLOCK));
        let gradients = self.gradients.first.par_chunks_mut(BLOCK).zip(self.gradients.second.par_chunks_mut(BLOCK));
        let blocks = blocks.zip(labels.par_chunks(BLOCK)).zip(weights).zip(gradients).with_max_len(BLOCKS_MAX);
        let largest = blocks.map(|((((scores, leaves), labels), weights), gradients)| {
            for (score, &leaf) in scores.iter_mut().zip(leaves) {
                *score += leaf_values[usize::from(leaf)];
            }
            let numbers: Vec<f32> = scores.iter().map(|&score| base + score as f32 * unit).collect();
            fill_gradients(&numbers, labels, weights, gradients)
        });
        self.largest = largest.reduce(|| 0.0, f32::max);
        // A round without a split leaves no tree behind, and none is added twice.
        self.leaf_values.fill(0);
    }

    /// Takes the gradients of rows that this tree does not see, and weighs up those that stand for others.
    pub(super) fn sample(&mut self, params: &GbdtValidParams, round: usize) {
        if params.row_fraction < 1.0 {
            let stream = Stream::new(params.seed, Purpose::TreeRows, round);
            let unseen = |row: usize| stream.unit(row as u64) >= params.row_fraction;
            self.scale(|row, _| if unseen(row) { 0.0 } else { 1.0 });
        }
        if params.goss_top < 1.0 {
            let stream = Stream::new(params.seed, Purpose::SmallGradients, round);
            let least = self.least_of_top(params.goss_top);
            let (kept, weight) =
                (params.goss_rest / (1.0 - params.goss_top), (1.0 - params.goss_top) / params.goss_rest);
            self.scale(|row, first| {
                let drawn = || stream.unit(row as u64) < kept;
                if first.abs() >= least {
                    1.0
                } else if drawn() {
                    weight
                } else {
                    0.0
                }
            });
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "weights need no more than f32")]
    fn scale(&mut self, factor: impl Fn(usize, f32) -> f64 + Sync) {
        let rows = self.gradients.first.par_iter_mut().zip(&mut self.gradients.second).enumerate();
        let largest = rows.with_min_len(BLOCK).map(|(row, (first, second))| {
            let factor = factor(row, *first) as f32;
            *first *= factor;
            *second *= factor;
            first.abs()
        });
        self.largest = largest.reduce(|| 0.0, f32::max);
    }

    /// The gradient that this share of rows reaches.
    fn least_of_top(&self, share: f64) -> f32 {
        let mut sizes: Vec<f32> = self.gradients.first.iter().map(|first| first.abs()).collect();
        let count = real(sizes.len()) * (1.0 - share);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 <= share <= 1")]
        let place = (count as usize).min(sizes.len() - 1);
        *sizes.select_nth_unstable_by(place, f32::total_cmp).1
    }

    /// Rounds the gradients to whole units up or down by chance, so that sums stay unbiased, and collects the rows that any
    /// sum changes with. Returns what one unit stands for.
    pub(super) fn quantize(&mut self, stream: Stream) -> f64 {
        let unit = if self.largest > 0.0 { f64::from(self.largest) / real(levels(self.fold.rows())) } else { 1.0 };
        #[expect(clippy::cast_possible_truncation, reason = "as exact as the gradients")]
        let per_unit = (1.0 / unit) as f32;
        let seed = stream.seed();
        let gradients = self.gradients.first.par_chunks(BLOCK).zip(self.gradients.second.par_chunks(BLOCK));
        let blocks = self.quantized.par_chunks_mut(BLOCK).zip(self.rows.par_chunks_mut(BLOCK)).zip(gradients);
        let blocks = blocks.enumerate().with_max_len(BLOCKS_MAX);
        let blocks = blocks.map(|(block, ((quantized, rows), (first, second)))| {
            let row = u32::try_from(block * BLOCK).expect("checked with the dataset");
            let mut total = GradientSum::default();
            Kernel::best().run(Quantize { first, second, per_unit, seed, row, quantized, total: &mut total });
            (list_rows(row, quantized, rows), total)
        });
        let (counts, totals): (Vec<usize>, Vec<GradientSum>) = blocks.unzip();
        self.total = totals.into_iter().fold(GradientSum::default(), GradientSum::plus);
        self.close_gaps(&counts);
        unit
    }

    /// Moves the rows that each block begins with together; there are so many of them in each.
    fn close_gaps(&mut self, counts: &[usize]) {
        let mut rest = self.spare.as_mut_slice();
        let places = counts.iter().map(|&count| rest.split_off_mut(..count).expect("all rows fit"));
        let moved: Vec<_> = places.zip(self.rows.chunks(BLOCK)).collect();
        moved.into_par_iter().for_each(|(place, rows)| place.copy_from_slice(&rows[..place.len()]));
        std::mem::swap(&mut self.rows, &mut self.spare);
        self.count = counts.iter().sum();
    }

    /// Grows a tree on the rows that have gradients, by what `soil` makes of the quantised gradients and their sum.
    pub(super) fn grow<'s>(&'s mut self, soil: impl FnOnce(&'s [Quantized], GradientSum) -> Soil<'s>) -> Option<Grown> {
        grow(soil(&self.quantized, self.total), &mut self.rows[..self.count], &mut self.spare[..self.count])
    }

    /// Finds each row's leaf, and gives the leaves their values: Newton steps from exact gradients.
    pub(super) fn settle(
        &mut self,
        tree: &mut Tree,
        bins: &[FeatureBins],
        bounds: &[Bounds],
        params: &GbdtValidParams,
    ) {
        let sums = self.leaf_sums(tree, bins);
        let values = sums.iter().zip(bounds).map(|(sum, &bounds)| {
            let leaf = LeafMath { first: sum.first, second: sum.second, l1: params.l1, l2: params.l2 };
            in_leaf_units(params.learning_rate * leaf.step(bounds), i32::MAX - self.reach)
        });
        self.leaf_values = values.collect();
        self.reach += self.leaf_values.iter().map(|value| value.abs()).max().unwrap_or(0);
        let leaves = self.leaf_values.iter().zip(&sums).map(|(&value, sum)| Leaf { value, rows: sum.rows });
        tree.set_leaves(leaves.collect());
    }

    /// Sums over the rows of each leaf, in blocks of fixed size, so that they do not depend on threads.
    fn leaf_sums(&mut self, tree: &Tree, bins: &[FeatureBins]) -> Vec<LeafSum> {
        let (columns, gradients, count) = (&self.fold.columns, &self.gradients, tree.leaves().len());
        let kernel = TreeKernel::new(tree, bins);
        let blocks = self.leaves.par_chunks_mut(BLOCK).enumerate().with_max_len(BLOCKS_MAX).map(|(block, leaves)| {
            let first = block * BLOCK;
            fill_leaves(&kernel, columns, first, leaves);
            let rows = first..first + leaves.len();
            let mut sums = vec![LeafSum::default(); count];
            let (first, second) = (&gradients.first[rows.clone()], &gradients.second[rows]);
            Kernel::best().run(AddUp { leaves, first, second, sums: &mut sums });
            sums
        });
        let blocks: Vec<Vec<LeafSum>> = blocks.collect();
        blocks.into_iter().fold(vec![LeafSum::default(); count], |mut sums, block| {
            sums.iter_mut().zip(block).for_each(|(sum, part)| *sum = sum.plus(part));
            sums
        })
    }
}

impl LeafSum {
    fn plus(self, other: Self) -> Self {
        Self { first: self.first + other.first, second: self.second + other.second, rows: self.rows + other.rows }
    }
}

/// Adds rows to the sums of their leaves.
struct AddUp<'a> {
    leaves: &'a [u16],
    first: &'a [f32],
    second: &'a [f32],
    sums: &'a mut [LeafSum],
}

impl Work for AddUp<'_> {
    #[inline(always)]
    fn run<L: Lane>(self, _: L) {
        let Self { leaves, first, second, sums } = self;
        // First and second derivatives, rows, and nothing: what one instruction adds.
        let mut turns = vec![[[0.0_f64; 4]; TURNS]; sums.len()];
        for (row, ((&leaf, &first), &second)) in leaves.iter().zip(first).zip(second).enumerate() {
            let sum = &mut turns[usize::from(leaf)][row % TURNS];
            let more = [f64::from(first), f64::from(second), 1.0, 0.0];
            for (sum, more) in sum.iter_mut().zip(more) {
                *sum += more;
            }
        }
        for (sum, turns) in sums.iter_mut().zip(turns) {
            for [first, second, rows, _] in turns {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
                let turn = LeafSum { first, second, rows: rows as u64 };
                *sum = sum.plus(turn);
            }
        }
    }
}

/// Units in the largest gradient of so many rows: so few that sums cannot overflow.
fn levels(rows: usize) -> usize {
    let fitting = (i32::MAX as usize / rows.max(1)).max(1);
    (LEVELS_TIMES_ROWS / rows.max(1)).clamp(LEVELS_MIN, LEVELS_MAX).min(fitting)
}

/// Rounds the gradients of rows from `row` on up with the probability of the fraction, and adds them up.
struct Quantize<'a> {
    first: &'a [f32],
    second: &'a [f32],
    per_unit: f32,
    seed: u32,
    row: u32,
    quantized: &'a mut [Quantized],
    total: &'a mut GradientSum,
}

/// Without branches, so that the compiler makes vector code of it.
impl Work for Quantize<'_> {
    #[inline(always)]
    #[expect(clippy::cast_possible_wrap, clippy::cast_precision_loss, reason = "24 bits fit either")]
    fn run<L: Lane>(self, _: L) {
        /// Adding it leaves the nearest whole number in the lowest bits of the sum.
        const ROUNDER: f32 = 12_582_912.0;
        let Self { first, second, per_unit, seed, row, quantized, total } = self;
        let nearest = |value: f32| (value + ROUNDER).to_bits().wrapping_sub(ROUNDER.to_bits()) as i32;
        for (row, ((quantized, first), second)) in (row..).zip(quantized.iter_mut().zip(first).zip(second)) {
            let chance = (chance(seed, row) >> 8) as i32 as f32 * (1.0 / 16_777_216.0) - 0.5;
            *quantized = Quantized::new(nearest(first * per_unit + chance), nearest(second * per_unit + chance));
        }
        *total = quantized.iter().fold(GradientSum::default(), |total, quantized| total.plus(quantized.sum()));
    }
}

/// Lists the rows from `row` on that have gradients; returns how many they are.
fn list_rows(row: u32, quantized: &[Quantized], rows: &mut [u32]) -> usize {
    let mut count = 0;
    for (row, gradient) in (row..).zip(quantized) {
        rows[count] = row;
        count += usize::from(!gradient.is_zero());
    }
    count
}

/// Whole leaf units, at most `reach` either way.
#[expect(clippy::cast_possible_truncation, reason = "a conversion to i32 stays within it")]
fn in_leaf_units(value: f64, reach: i32) -> i32 {
    let units = (value * f64::from(LEAF_BITS).exp2()).round() as i32;
    units.clamp(-reach, reach)
}
