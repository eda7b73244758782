//! Log-odds and probabilities for the rows of a table, the same in whatever batches they come.

use super::math::sigmoid;
use super::model::Gbdt;
use super::table::Table;
use linfa::traits::PredictInplace;
use ndarray::Array1;

/// Up to so many rows are scored sooner than a [`super::Scorer`] is made.
const WALKED_ROWS_MAX: usize = 64;

impl Gbdt {
    /// The features that `table` has no column for; scoring takes their values as missing.
    pub fn absent_features<'a>(&'a self, table: &Table) -> Vec<&'a str> {
        self.feature_names.iter().map(String::as_str).filter(|name| table.column(name).is_none()).collect()
    }

    /// Calibrated log-odds for each row. Columns are found by name; see [`Gbdt::absent_features`]. Whoever scores many
    /// tables with one model makes a [`Gbdt::scorer`] once.
    pub fn raw_scores(&self, table: &Table) -> Vec<f64> {
        let columns: Vec<Option<&[f32]>> = self.feature_names.iter().map(|name| table.column(name)).collect();
        let mut scores = vec![0.0; table.rows()];
        if scores.len() > WALKED_ROWS_MAX {
            self.scorer().log_odds(&columns, &mut scores);
            return scores;
        }
        for (row, score) in scores.iter_mut().enumerate() {
            *score = self.walk(|feature| columns[feature].map_or(f32::NAN, |column| column[row]));
        }
        scores
    }

    /// The plain way to score one row, from the root of every tree to a leaf; what faster ways are tested against.
    pub(super) fn walk(&self, value: impl Fn(usize) -> f32) -> f64 {
        let sum: i64 = self
            .trees
            .iter()
            .map(|tree| {
                let leaf = tree.leaf(|split| {
                    let bins = &self.bins[split.feature];
                    split.bin_goes_left(bins.bin(value(split.feature)), bins.missing_bin())
                });
                i64::from(tree.leaves()[leaf].value)
            })
            .sum();
        self.log_odds(sum)
    }

    /// Probabilities for each row.
    pub fn probabilities(&self, table: &Table) -> Vec<f64> {
        self.raw_scores(table).into_iter().map(sigmoid).collect()
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
