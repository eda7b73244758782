//! The booster's parameters as options; what is not given follows from the number of positives.

use anyhow::Context as _;
use linfa::ParamGuard as _;

use gbdt::{Direction, GbdtParams, GbdtValidParams};

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "How trees are grown (without an option, what suits the number of positives)")]
pub(super) struct BoosterOptions {
    /// Trees at most; early stopping may keep fewer.
    #[arg(long)]
    trees: Option<usize>,
    /// Leaves of a tree, at most.
    #[arg(long)]
    leaves: Option<usize>,
    /// Tests between the root and a leaf, at most.
    #[arg(long)]
    depth: Option<usize>,
    /// Share of each tree's step that is taken.
    #[arg(long)]
    learning_rate: Option<f64>,
    /// Gradient that a leaf must exceed before it gets a value.
    #[arg(long)]
    l1: Option<f64>,
    /// Draws the values of leaves towards 0.
    #[arg(long)]
    l2: Option<f64>,
    /// Least sum of hessians on each side of a split.
    #[arg(long)]
    child_weight_min: Option<f64>,
    /// Share of the columns that each tree may test.
    #[arg(long)]
    feature_fraction: Option<f64>,
    /// Share of the rows that each tree sees.
    #[arg(long)]
    row_fraction: Option<f64>,
    /// Share of the rows, those with the largest gradients, that each tree sees for sure.
    #[arg(long, requires = "goss_rest")]
    goss_top: Option<f64>,
    /// Share of the rows that each tree sees of the others, drawn by chance and weighted up.
    #[arg(long, requires = "goss_top")]
    goss_rest: Option<f64>,
    /// Negatives to learn from for each positive, drawn by chance; probabilities stay right. 0 keeps all.
    #[arg(long)]
    negatives_per_positive: Option<f64>,
    /// Trees without a better validation loss before training stops; 0 grows all trees and validates nothing.
    #[arg(long)]
    patience: Option<usize>,
    /// Numeric columns, separated by commas, with which the probability may only rise.
    #[arg(long, value_delimiter = ',')]
    rising: Vec<String>,
    /// Numeric columns, separated by commas, with which the probability may only fall.
    #[arg(long, value_delimiter = ',')]
    falling: Vec<String>,
    /// Decides every random choice: the same seed gives the same model.
    #[arg(long)]
    seed: Option<u64>,
}

impl BoosterOptions {
    /// The parameters for a training set with so many positives.
    pub(super) fn params(&self, positives: usize, refit: bool) -> anyhow::Result<GbdtValidParams> {
        let mut params = GbdtParams::for_positives(positives).refit(refit);
        params = set(params, self.trees, GbdtParams::trees_max);
        params = set(params, self.leaves, GbdtParams::leaves_max);
        params = set(params, self.depth, GbdtParams::depth_max);
        params = set(params, self.learning_rate, GbdtParams::learning_rate);
        params = set(params, self.l1, GbdtParams::l1);
        params = set(params, self.l2, GbdtParams::l2);
        params = set(params, self.child_weight_min, GbdtParams::child_weight_min);
        params = set(params, self.feature_fraction, GbdtParams::feature_fraction);
        params = set(params, self.row_fraction, GbdtParams::row_fraction);
        params = set(params, self.negatives_per_positive, GbdtParams::negatives_per_positive);
        params = set(params, self.patience, GbdtParams::patience);
        params = set(params, self.seed, GbdtParams::seed);
        params = set(params, self.goss_top.zip(self.goss_rest), |params, (top, rest)| params.goss(top, rest));
        if let Some(both) = self.rising.iter().find(|column| self.falling.contains(column)) {
            anyhow::bail!("column `{both}` is named by --rising and by --falling; it can be one of them only");
        }
        for column in &self.rising {
            params = params.monotone(column, Direction::Rising);
        }
        for column in &self.falling {
            params = params.monotone(column, Direction::Falling);
        }
        params.check().context("an option has a value that cannot be used")
    }
}

fn set<T>(params: GbdtParams, value: Option<T>, with: impl FnOnce(GbdtParams, T) -> GbdtParams) -> GbdtParams {
    match value {
        Some(value) => with(params, value),
        None => params,
    }
}
