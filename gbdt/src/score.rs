//! Scores many rows with a whole model. Every way gives the very bits of [`Gbdt::walk`]: leaf values are summed as
//! integers, so neither the processor nor the number of threads can change a result.

#![expect(clippy::inline_always, reason = "what is not inlined into a kernel's function does not use its instructions")]

mod forest;
mod program;
mod reduce;
mod strips;
#[cfg(test)]
mod tests;
mod tree_kernel;
mod walk;
mod wide;

use rayon::prelude::*;

use super::bin_map::BinMap;
use super::calibration::Calibration;
use super::model::Gbdt;
use super::simd::{Kernel, STEP, Strip, Sums};
use super::table::Table;
use forest::{Forest, SumLeaves};
use reduce::Reduced;
use strips::{COLUMNS, Strips};

pub(super) use tree_kernel::TreeKernel;

/// Rows that one thread bins and scores at a time: their bins fit a core's second cache.
const BLOCK_ROWS: usize = 8 * STEP;

/// A model made ready to score many rows. Making it takes as long as walking a hundred rows or so.
///
/// ```
/// # use gbdt::{GbdtParams, Table};
/// # use linfa::{DatasetBase, traits::Fit};
/// # use ndarray::Array1;
/// # let rows: Vec<f32> = (0..500_u16).map(f32::from).collect();
/// # let labels: Array1<bool> = rows.iter().map(|value| *value > 250.0).collect();
/// # let table = Table::new(vec!["value".into()], vec![rows])?;
/// # let params = linfa::ParamGuard::check(GbdtParams::default().trees_max(20))?;
/// # let model = params.fit(&DatasetBase::new(table.clone(), labels))?;
/// let scorer = model.scorer();
/// let mut scores = vec![0.0; 3];
/// scorer.log_odds(&[Some(&[1.0, 499.0, f32::NAN])], &mut scores);
/// assert!(scores[0] < 0.0 && scores[1] > 0.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Scorer {
    /// Trees over the bins of `maps`.
    of_values: Forest,
    /// How values of the tested features are binned, in the order of [`Scorer::features`].
    maps: Vec<BinMap>,
    /// Trees over the model's own bins.
    of_bins: Forest,
    /// Features of the model.
    width: usize,
    scale: Scale,
    kernel: Kernel,
}

/// How sums of leaves become log-odds.
#[derive(Debug, Clone, Copy)]
struct Scale {
    base_score: f64,
    leaf_unit: f64,
    calibration: Calibration,
}

/// The bins of a table, for models with the same bins. Made by [`Gbdt::bin_columns`].
#[derive(Debug, Clone)]
pub struct BinnedColumns {
    columns: Vec<Vec<u8>>,
    rows: usize,
}

impl Gbdt {
    /// Makes the model ready to score many rows.
    pub fn scorer(&self) -> Scorer {
        let reduced = Reduced::new(self);
        let of_values = Forest::new(&reduced.trees, &reduced.bins);
        let maps = of_values.features().iter().map(|&feature| BinMap::new(&reduced.bins[feature])).collect();
        let of_bins = Forest::new(&self.trees, &self.bins);
        let scale = Scale { base_score: self.base_score, leaf_unit: self.leaf_unit(), calibration: self.calibration };
        Scorer { of_values, maps, of_bins, width: self.bins.len(), scale, kernel: Kernel::best() }
    }

    /// The table's rows in the model's bins. Columns are found by name; those that are absent count as missing.
    pub fn bin_columns(&self, table: &Table) -> BinnedColumns {
        let rows = table.rows();
        let features = self.feature_names.par_iter().zip(&self.bins);
        let columns = features.map(|(name, bins)| {
            let mut binned = vec![bins.missing_bin(); rows];
            if let Some(values) = table.column(name) {
                BinMap::new(bins).fill(values, &mut binned);
            }
            binned
        });
        BinnedColumns { columns: columns.collect(), rows }
    }
}

impl BinnedColumns {
    /// Rows that they hold.
    pub fn rows(&self) -> usize {
        self.rows
    }
}

impl Scorer {
    /// Indices of the features that some split tests, rising. No other column is read.
    pub fn features(&self) -> &[usize] {
        self.of_values.features()
    }

    /// Writes calibrated log-odds for each row. There is a column for each feature of the model; without one, all rows
    /// count as missing there. Panics when a column's length differs from that of `scores`.
    pub fn log_odds(&self, columns: &[Option<&[f32]>], scores: &mut [f64]) {
        assert_eq!(columns.len(), self.width, "a column for each feature of the model");
        let mut lengths = columns.iter().flatten().map(|column| column.len());
        assert!(lengths.all(|length| length == scores.len()), "a score for each row of each column");
        let blocks = scores.par_chunks_mut(BLOCK_ROWS).enumerate();
        blocks.for_each_init(Vec::new, |strips, (block, scores)| {
            self.bin_block(columns, block * BLOCK_ROWS, scores.len(), strips);
            for (step, scores) in scores.chunks_mut(STEP).enumerate() {
                let first = step * self.maps.len();
                let bins = &strips[first..first + self.maps.len()];
                let sums = self.sums_of_step(&self.of_values, |columns| columns.copy_from_slice(bins));
                self.scale.apply(&sums, scores);
            }
        });
    }

    /// Writes calibrated log-odds for each row. Panics unless there is a score for each row, or when the columns have
    /// another number of features than the model.
    pub fn log_odds_of_bins(&self, bins: &BinnedColumns, scores: &mut [f64]) {
        assert_eq!(bins.rows, scores.len(), "a score for each row");
        let columns: Vec<&[u8]> = bins.columns.iter().map(Vec::as_slice).collect();
        let columns = self.tested(&columns, scores.len());
        scores.par_chunks_mut(STEP).enumerate().with_min_len(BLOCK_ROWS / STEP).for_each(|(step, scores)| {
            self.scale.apply(&self.sums_of_binned_step(&columns, step), scores);
        });
    }

    /// The columns of features that splits test.
    fn tested<'a>(&self, columns: &[&'a [u8]], rows: usize) -> Vec<&'a [u8]> {
        assert_eq!(columns.len(), self.width, "a column for each feature of the model");
        let columns: Vec<&[u8]> = self.of_bins.features().iter().map(|&feature| columns[feature]).collect();
        assert!(columns.iter().all(|column| column.len() == rows), "all columns have the same rows");
        columns
    }

    fn sums_of_binned_step(&self, columns: &[&[u8]], step: usize) -> Sums {
        self.sums_of_step(&self.of_bins, |strips| {
            for (strip, column) in strips.iter_mut().zip(columns) {
                strip.copy_from(&column[step * STEP..]);
            }
        })
    }

    fn sums_of_step(&self, forest: &Forest, fill_columns: impl FnOnce(&mut [Strip])) -> Sums {
        let mut sums = Sums([0; STEP]);
        Strips::with(forest.features().len(), |strips| {
            fill_columns(&mut strips[COLUMNS..]);
            self.kernel.run(SumLeaves { forest, strips, sums: &mut sums });
        });
        sums
    }

    /// Bins `rows` rows from `first` on: a strip for each step and feature, those of a step side by side.
    fn bin_block(&self, columns: &[Option<&[f32]>], first: usize, rows: usize, strips: &mut Vec<Strip>) {
        strips.resize(rows.div_ceil(STEP) * self.maps.len(), Strip([0; STEP]));
        for (place, (map, &feature)) in self.maps.iter().zip(self.features()).enumerate() {
            let strips = strips[place..].iter_mut().step_by(self.maps.len());
            match columns[feature] {
                Some(values) => {
                    for (strip, values) in strips.zip(values[first..first + rows].chunks(STEP)) {
                        map.fill(values, &mut strip.0[..values.len()]);
                    }
                }
                None => strips.for_each(|strip| strip.0.fill(map.missing())),
            }
        }
    }
}

impl Scale {
    /// The same operations as in [`Gbdt::log_odds`].
    fn apply(self, sums: &Sums, scores: &mut [f64]) {
        for (score, &sum) in scores.iter_mut().zip(&sums.0) {
            *score = self.calibration.apply(self.base_score + f64::from(sum) * self.leaf_unit);
        }
    }
}
