//! Scores and probabilities for the rows of a table, the same in whatever batches they come.

use linfa::traits::PredictInplace;
use ndarray::Array1;
use rayon::prelude::*;

use super::math::sigmoid;
use super::model::Gbdt;
use super::table::Table;
use super::tree::Split;

/// Rows that one thread scores at a time: their columns fit a core's cache.
const BLOCK_ROWS: usize = 2048;

impl Gbdt {
    /// The features that `table` has no column for; scoring takes their values as missing.
    pub fn absent_features<'a>(&'a self, table: &Table) -> Vec<&'a str> {
        self.feature_names.iter().map(String::as_str).filter(|name| table.column(name).is_none()).collect()
    }

    /// Log-odds for each row. Columns are found by name; see [`Gbdt::absent_features`].
    pub fn raw_scores(&self, table: &Table) -> Vec<f64> {
        let columns: Vec<Option<&[f32]>> = self.feature_names.iter().map(|name| table.column(name)).collect();
        let mut scores = vec![self.base_score; table.rows()];
        scores.par_chunks_mut(BLOCK_ROWS).enumerate().for_each(|(block, scores)| {
            self.add_trees(&columns, block * BLOCK_ROWS, scores);
        });
        scores
    }

    /// Probabilities for each row.
    pub fn probabilities(&self, table: &Table) -> Vec<f64> {
        self.raw_scores(table).into_iter().map(sigmoid).collect()
    }

    /// Adds every tree, in order, to the scores of the rows that start at `first`.
    fn add_trees(&self, columns: &[Option<&[f32]>], first: usize, scores: &mut [f64]) {
        for tree in &self.trees {
            for (place, score) in scores.iter_mut().enumerate() {
                *score += tree.value(|split| self.goes_left(split, columns[split.feature], first + place));
            }
        }
    }

    fn goes_left(&self, split: &Split, column: Option<&[f32]>, row: usize) -> bool {
        match column.map(|column| column[row]) {
            Some(value) if !value.is_nan() => f64::from(value) <= self.bins[split.feature].threshold(split.bin),
            _ => split.missing_left,
        }
    }
}

impl PredictInplace<Table, Array1<f64>> for Gbdt {
    /// Writes probabilities. Panics unless there is one target for each row.
    fn predict_inplace<'a>(&'a self, table: &'a Table, targets: &mut Array1<f64>) {
        assert_eq!(table.rows(), targets.len(), "one target for each row");
        targets.assign(&Array1::from_vec(self.probabilities(table)));
    }

    fn default_target(&self, table: &Table) -> Array1<f64> {
        Array1::zeros(table.rows())
    }
}
