//! How far each feature moves each row's score: exact path-dependent Shapley values of trees.
//!
//! The values are those of `TreeSHAP` (Lundberg et al. 2020, "From local explanations to global understanding with
//! explainable AI for trees", algorithm 2), computed another way. A feature's weight among `m` features of a path is
//! `∫ Π (z + (o − z) t) dt` over `t` in 0..1 and the other features, where `z` is the share of training rows that
//! follow the path at this feature and `o` says whether the row does: the integral of `t^k (1 − t)^(m − 1 − k)` is the
//! Shapley weight `k! (m − 1 − k)! / m!`. A Gauss-Legendre rule of `m / 2` points is exact for it. It needs leaves ×
//! points instead of leaves × depth², and all its terms are positive, whereas algorithm 2 takes features out of a path
//! by differences: of sixteen digits, that leaves four on a path of 60 features and none on one of 80.

mod quadrature;

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use quadrature::{POINTS_MAX, Rule};

use super::covers::Covers;
use super::model::Gbdt;
use super::table::Table;
use super::tree::{Child, Split, Tree};

/// Rows that one thread explains at a time; a constant, so that the order of additions is always the same.
const BLOCK_ROWS: usize = 256;

/// Parts that add up to the calibrated log-odds of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Contributions {
    /// Calibrated log-odds before any feature of a row is known: the mean over the rows that leaves were grown on.
    pub expected: f64,
    /// In calibrated log-odds, by feature (in the order of [`Gbdt::feature_names`]), then by row.
    pub features: Vec<Vec<f64>>,
}

impl Gbdt {
    /// What each feature adds to each row's calibrated log-odds (Shapley values, path-dependent: a feature that is not
    /// known follows the training rows, [`super::Leaf::rows`], where a leaf without rows counts as one row). For each
    /// row, `expected` and the values of all features add up to [`Gbdt::raw_scores`]. Columns are found by name;
    /// absent ones count as missing.
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
    /// let parts = model.contributions(&table);
    /// let (row, score) = (42, model.raw_scores(&table)[42]);
    /// let sum: f64 = parts.expected + parts.features.iter().map(|feature| feature[row]).sum::<f64>();
    /// assert!((sum - score).abs() < 1e-9);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn contributions(&self, table: &Table) -> Contributions {
        let explainer = Explainer::new(self, table);
        let (rows, count) = (table.rows(), self.feature_names.len());
        let mut features = vec![Vec::with_capacity(rows); count];
        for block in explainer.blocks(|block| block) {
            for (feature, column) in features.iter_mut().enumerate() {
                column.extend(block.chunks_exact(count).map(|row| row[feature]));
            }
        }
        Contributions { expected: explainer.expected(), features }
    }

    /// For each feature, the mean over the rows of how far it moves the calibrated log-odds either way; 0 without rows.
    pub fn mean_absolute_contributions(&self, table: &Table) -> Vec<f64> {
        let count = self.feature_names.len();
        let sums = Explainer::new(self, table).blocks(|block| {
            let mut sums = vec![0.0; count];
            add_rows(&mut sums, &block, f64::abs);
            sums
        });
        let mut means = vec![0.0; count];
        for block in sums {
            add_rows(&mut means, &block, |sum| sum);
        }
        let rows = super::math::real(table.rows().max(1));
        means.into_iter().map(|sum| sum / rows).collect()
    }
}

/// Adds `part` of the values of each row of `block` to `sums`; rows are as long as `sums`.
fn add_rows(sums: &mut [f64], block: &[f64], part: impl Fn(f64) -> f64) {
    for row in block.chunks_exact(sums.len().max(1)) {
        for (sum, &value) in sums.iter_mut().zip(row) {
            *sum += part(value);
        }
    }
}

/// A model made ready to explain the rows of a table.
struct Explainer<'a> {
    model: &'a Gbdt,
    /// By feature.
    columns: Vec<Option<&'a [f32]>>,
    rows: usize,
    plans: Vec<Plan<'a>>,
    /// By number of points.
    rules: BTreeMap<usize, Rule>,
}

/// What is the same for all rows that a tree explains. The left edge of split `i` has number `2 i`, the right one
/// `2 i + 1`, so that an edge comes after those above it.
struct Plan<'a> {
    tree: &'a Tree,
    /// By split: the edge that leads to it; `None` for the root.
    parents: Vec<Option<usize>>,
    /// By edge.
    edges: Vec<Edge>,
    /// The value that rows have on average, in leaf units.
    expected: f64,
    points: usize,
}

/// One of the two ways on from a split.
#[derive(Clone, Copy)]
struct Edge {
    /// Share of the training rows that go this way whenever the path tests this feature; above 0.
    share: f64,
    /// The nearest edge above that tests the same feature.
    earlier: Option<usize>,
    /// Different features on the path so far, this one included.
    features: usize,
}

impl<'a> Explainer<'a> {
    fn new(model: &'a Gbdt, table: &'a Table) -> Self {
        let columns = model.feature_names.iter().map(|name| table.column(name)).collect();
        let plans: Vec<Plan> = model.trees.iter().map(Plan::new).collect();
        let sizes: BTreeSet<usize> = plans.iter().map(|plan| plan.points).collect();
        let rules = sizes.into_iter().map(|points| (points, Rule::new(points))).collect();
        Self { model, columns, rows: table.rows(), plans, rules }
    }

    fn expected(&self) -> f64 {
        let units: f64 = self.plans.iter().map(|plan| plan.expected).sum();
        self.model.calibration.apply(self.model.base_score + units * self.model.leaf_unit())
    }

    /// What `finish` makes of the contributions of each block of rows, by row, then by feature.
    fn blocks<T: Send>(&self, finish: impl Fn(Vec<f64>) -> T + Sync) -> Vec<T> {
        let blocks = (0..self.rows.div_ceil(BLOCK_ROWS)).into_par_iter();
        blocks.map(|block| finish(self.block(block * BLOCK_ROWS))).collect()
    }

    /// Contributions of up to [`BLOCK_ROWS`] rows from `first` on.
    fn block(&self, first: usize) -> Vec<f64> {
        let rows = first..self.rows.min(first + BLOCK_ROWS);
        let count = self.columns.len();
        let bins: Vec<u8> = rows.clone().flat_map(|row| self.bins_of(row)).collect();
        let mut block = vec![0.0; rows.len() * count];
        let mut work = Work::default();
        // No feature means no split, so that no row has anything to explain.
        let count = count.max(1);
        for plan in &self.plans {
            let steps = Steps::new(plan, &self.rules[&plan.points]);
            for (bins, row) in bins.chunks_exact(count).zip(block.chunks_exact_mut(count)) {
                let goes_left = |split: &Split| {
                    split.bin_goes_left(bins[split.feature], self.model.bins[split.feature].missing_bin())
                };
                work.descend(plan, &steps, goes_left);
                work.ascend(plan, &steps, row);
            }
        }
        let scale = self.model.calibration.slope * self.model.leaf_unit();
        for value in &mut block {
            *value *= scale;
        }
        block
    }

    fn bins_of(&self, row: usize) -> impl Iterator<Item = u8> {
        let columns = self.columns.iter().zip(&self.model.bins);
        columns.map(move |(column, bins)| bins.bin(column.map_or(f32::NAN, |column| column[row])))
    }
}

impl<'a> Plan<'a> {
    fn new(tree: &'a Tree) -> Self {
        let covers = Covers::of(tree);
        let mut parents = vec![None; tree.splits().len()];
        let mut edges: Vec<Edge> = Vec::with_capacity(2 * parents.len());
        for (index, split) in tree.splits().iter().enumerate() {
            let parent: Option<usize> = parents[index];
            let above = std::iter::successors(parent, |&edge| parents[edge / 2]);
            let earlier = above.into_iter().find(|&edge| tree.splits()[edge / 2].feature == split.feature);
            let features = parent.map_or(0, |edge| edges[edge].features) + usize::from(earlier.is_none());
            for child in [split.left, split.right] {
                if let Child::Split(next) = child {
                    parents[next] = Some(edges.len());
                }
                let share = covers.of_child(child) / covers.splits[index];
                let share = share * earlier.map_or(1.0, |edge| edges[edge].share);
                edges.push(Edge { share, earlier, features });
            }
        }
        let features = edges.iter().map(|edge| edge.features).max().unwrap_or(0);
        let points = features.div_ceil(2).min(POINTS_MAX);
        Self { tree, parents, edges, expected: covers.mean(tree, |leaf| f64::from(leaf.value)), points }
    }
}

/// How a row relates to an edge.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// It goes this way whenever the path tests this feature.
    Follows,
    /// It follows the path until here.
    LeavesHere,
    /// It left the path where the path tested this feature before.
    LeftBefore,
}

/// What each edge does to a row, by edge, then by [`Way`], then by point.
struct Steps {
    points: usize,
    /// By how much the product over the features of the path changes.
    factors: Vec<f64>,
    /// What a feature moves in the leaves below, beyond what the next edge above with this feature says of the same
    /// leaves, times the weight of the point.
    moves: Vec<f64>,
}

impl Steps {
    fn new(plan: &Plan, rule: &Rule) -> Self {
        let points = rule.points.len();
        let count = 3 * points * plan.edges.len();
        let mut steps = Self { points, factors: Vec::with_capacity(count), moves: Vec::with_capacity(count) };
        for edge in &plan.edges {
            for way in [Way::Follows, Way::LeavesHere, Way::LeftBefore] {
                let factor = Factor::new(edge.share, way == Way::Follows);
                let earlier = edge.earlier.map(|earlier| plan.edges[earlier].share);
                let earlier = earlier.map_or(Factor::ONE, |share| Factor::new(share, way != Way::LeftBefore));
                steps.factors.extend(rule.points.iter().map(|&t| factor.at(t) / earlier.at(t)));
                let both = rule.points.iter().zip(&rule.weights);
                steps.moves.extend(both.map(|(&t, weight)| weight * (factor.moves(t) - earlier.moves(t))));
            }
        }
        steps
    }

    fn place(&self, edge: usize, way: Way) -> std::ops::Range<usize> {
        let first = (3 * edge + way as usize) * self.points;
        first..first + self.points
    }
}

/// What is computed for one row and tree, kept for the next.
#[derive(Default)]
struct Work {
    /// By edge.
    ways: Vec<Way>,
    /// By edge, then by point: going down, the product over the features of the path; going up, the sum of leaf value ×
    /// product over the leaves below.
    products: Vec<f64>,
}

impl Work {
    fn descend(&mut self, plan: &Plan, steps: &Steps, goes_left: impl Fn(&Split) -> bool) {
        let points = steps.points;
        self.ways.clear();
        self.products.resize(plan.edges.len() * points, 0.0);
        for (index, split) in plan.tree.splits().iter().enumerate() {
            let left = goes_left(split);
            for (edge, goes) in [(2 * index, left), (2 * index + 1, !left)] {
                let followed = plan.edges[edge].earlier.is_none_or(|earlier| self.ways[earlier] == Way::Follows);
                let way = match (followed, goes) {
                    (true, true) => Way::Follows,
                    (true, false) => Way::LeavesHere,
                    (false, _) => Way::LeftBefore,
                };
                self.ways.push(way);
                let factors = &steps.factors[steps.place(edge, way)];
                let (above, rest) = self.products.split_at_mut(edge * points);
                let here = &mut rest[..points];
                match plan.parents[index] {
                    None => here.copy_from_slice(factors),
                    Some(parent) => {
                        let above = &above[parent * points..(parent + 1) * points];
                        for ((here, above), factor) in here.iter_mut().zip(above).zip(factors) {
                            *here = above * factor;
                        }
                    }
                }
            }
        }
    }

    /// Adds to `features` what each moves, in leaf units.
    fn ascend(&mut self, plan: &Plan, steps: &Steps, features: &mut [f64]) {
        let points = steps.points;
        for (index, split) in plan.tree.splits().iter().enumerate().rev() {
            for (edge, child) in [(2 * index, split.left), (2 * index + 1, split.right)] {
                let (here, below) = self.products.split_at_mut((edge + 1) * points);
                let here = &mut here[edge * points..];
                match child {
                    Child::Leaf(leaf) => {
                        let value = f64::from(plan.tree.leaves()[leaf].value);
                        for sum in &mut *here {
                            *sum *= value;
                        }
                    }
                    Child::Split(next) => {
                        let (left, right) = below[(2 * next - edge - 1) * points..][..2 * points].split_at(points);
                        for ((sum, left), right) in here.iter_mut().zip(left).zip(right) {
                            *sum = left + right;
                        }
                    }
                }
                let moves = &steps.moves[steps.place(edge, self.ways[edge])];
                features[split.feature] += here.iter().zip(moves).map(|(sum, moves)| sum * moves).sum::<f64>();
            }
        }
    }
}

/// `z + (o − z) t`: what a feature of a path multiplies, above 0 inside 0..1.
#[derive(Clone, Copy)]
struct Factor {
    share: f64,
    slope: f64,
}

impl Factor {
    /// Of a feature that no edge tests yet.
    const ONE: Self = Self { share: 1.0, slope: 0.0 };

    fn new(share: f64, follows: bool) -> Self {
        Self { share, slope: f64::from(u8::from(follows)) - share }
    }

    fn at(self, t: f64) -> f64 {
        self.share + self.slope * t
    }

    /// What the feature moves, as a share of the product that includes it.
    fn moves(self, t: f64) -> f64 {
        self.slope / self.at(t)
    }
}

#[cfg(test)]
mod tests;
