//! How a model comes from checked parameters and a linfa dataset.

use std::num::NonZeroU8;

use linfa::ParamGuard;
use linfa::traits::Fit;
use ndarray::Array1;

use super::binning::FeatureBins;
use super::booster::{Boosted, Booster, Round};
use super::calibration::Calibration;
use super::dataset::{Fold, Labelled, all_rows, check, set_aside, thin_negatives};
use super::math::{ln, real};
use super::model::{Gbdt, LEAF_BITS};
use super::params::{Direction, GbdtParams, GbdtValidParams, InvalidParams};
use super::random::key;
use super::table::{Kind, Table};

/// Trees that learning again from all rows may grow for each that helped when a part was set aside: more rows bear more.
const REFIT_TREES: f64 = 1.1;

/// Why a model cannot be trained.
#[derive(Debug, thiserror::Error)]
pub enum FitError {
    /// A parameter has a value that it cannot have.
    #[error(transparent)]
    Params(#[from] InvalidParams),
    /// An error of linfa's own, which its `Fit` requires; none is made here.
    #[error(transparent)]
    Linfa(#[from] linfa::Error),
    /// The dataset is empty.
    #[error("there are no rows to learn from")]
    NoRows,
    /// More rows than sums of rounded gradients hold without overflow.
    #[error("{0} rows are more than a model can learn from")]
    TooManyRows(usize),
    /// The dataset has a number of labels that is not its number of rows.
    #[error("{rows} rows have {labels} labels")]
    Labels {
        /// Rows of the table.
        rows: usize,
        /// Labels that were given.
        labels: usize,
    },
    /// The dataset has weights, but not one for each row.
    #[error("{rows} rows have {weights} weights")]
    Weights {
        /// Rows of the table.
        rows: usize,
        /// Weights that were given.
        weights: usize,
    },
    /// A weight is negative or not finite.
    #[error("the weight of row {row} is {weight}; it must be finite and not negative")]
    Weight {
        /// The first row that has one, from 0.
        row: usize,
        /// What it weighs.
        weight: f32,
    },
    /// All weights are 0.
    #[error("no row has a weight above 0")]
    NoWeight,
    /// The validation table lacks this column.
    #[error("the validation table has no column `{0}`")]
    ValidationColumn(String),
    /// This column has categories in one table and numbers in the other.
    #[error("column `{0}` holds categories in one of the tables and numbers in the other")]
    ValidationKind(String),
    /// A direction is set for this feature, which is absent or holds categories.
    #[error("there is no numeric column `{0}` for the score to rise or fall with")]
    Monotone(String),
    /// The caller said that training shall not go on.
    #[error("training was stopped")]
    Stopped,
}

/// Hears how far training is, and says whether it shall go on.
pub type Watching<'a> = dyn FnMut(Round) -> bool + Send + 'a;

/// What all trainings of one call share.
struct Task<'a> {
    params: &'a GbdtValidParams,
    train: &'a Labelled,
    feature_keys: Vec<u64>,
    directions: Vec<Option<Direction>>,
    going_on: &'a mut Watching<'a>,
}

impl Fit<Table, Array1<bool>, FitError> for GbdtValidParams {
    type Object = Gbdt;

    /// Sets a random share of the rows aside to know when to stop and to calibrate; not so when the patience is 0, or
    /// when learning or watching would see one class only. Then learns again from all rows, unless `refit` is off.
    fn fit(&self, dataset: &Labelled) -> Result<Gbdt, FitError> {
        self.fit_watched(dataset, None, &mut |_| true)
    }
}

impl GbdtValidParams {
    /// Learns from all of `train`, stops by the loss on `validation` and calibrates there, unless the patience is 0.
    /// Columns of `validation` are found by name; it may have others.
    pub fn fit_with_validation(&self, train: &Labelled, validation: &Labelled) -> Result<Gbdt, FitError> {
        self.fit_watched(train, Some(validation), &mut |_| true)
    }

    /// Like `fit` or, with `validation`, like [`GbdtValidParams::fit_with_validation`]. Before each tree, `going_on`
    /// hears how far training is; when it says no, the result is [`FitError::Stopped`].
    ///
    /// ```
    /// use gbdt::{FitError, GbdtParams, Table};
    /// use linfa::{DatasetBase, ParamGuard};
    /// use ndarray::Array1;
    ///
    /// let rows: Vec<f32> = (0..100_u8).map(f32::from).collect();
    /// let labels: Array1<bool> = rows.iter().map(|value| value % 3.0 == 0.0).collect();
    /// let dataset = DatasetBase::new(Table::new(vec!["value".into()], vec![rows])?, labels);
    /// let mut rounds = 0;
    /// let stopped = GbdtParams::default().check()?.fit_watched(&dataset, None, &mut |_| {
    ///     rounds += 1;
    ///     rounds < 3
    /// });
    /// assert!(matches!(stopped, Err(FitError::Stopped)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fit_watched(
        &self,
        train: &Labelled,
        validation: Option<&Labelled>,
        going_on: &mut Watching<'_>,
    ) -> Result<Gbdt, FitError> {
        // Inside the pool, where each of the many loops of a tree starts without waking and awaiting a thread.
        rayon::scope(|_| self.fit_in_pool(train, validation, going_on))
    }

    /// Learns from the rows `learn` of a dataset, stops by the loss on its rows `watch` and calibrates there. Both rise.
    /// Rows in neither are not looked at; [`GbdtValidParams::refit`] learns from them too.
    pub fn fit_rows(
        &self,
        dataset: &Labelled,
        (learn, watch): (&[u32], &[u32]),
        going_on: &mut Watching<'_>,
    ) -> Result<Gbdt, FitError> {
        rayon::scope(|_| {
            let validation = (self.patience > 0).then_some((dataset, watch));
            Task::new(self, dataset, going_on)?.boost(learn.to_vec(), self, validation)
        })
    }

    /// What decides every random choice.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Share of the rows that decide when to stop.
    pub fn validation_fraction(&self) -> f64 {
        self.validation_fraction
    }

    /// Whether nothing decides when to stop: the patience is 0.
    pub fn grows_all_trees(&self) -> bool {
        self.patience == 0
    }

    /// The rows that [`GbdtValidParams::fit_watched`] learns from and those that it sets aside to know when to stop; both rise.
    pub fn set_aside(&self, dataset: &Labelled) -> (Vec<u32>, Vec<u32>) {
        set_aside(dataset, self.validation_fraction, self.seed)
    }

    /// Learns again from all rows what `stopped` learned from a part of them: a tenth more trees, its calibration.
    /// A model without trees stays as it is.
    pub fn refit(&self, dataset: &Labelled, stopped: &Gbdt, going_on: &mut Watching<'_>) -> Result<Gbdt, FitError> {
        self.refit_averaged(dataset, stopped, NonZeroU8::MIN, going_on)
    }

    /// Like [`GbdtValidParams::refit`], but learns `times` with other random choices and takes the mean: as many times the
    /// trees, with smaller leaves. What chance put at the head of one list is not at the head of the others (Breiman,
    /// "Bagging predictors", 1996; here rows stay and features differ).
    pub fn refit_averaged(
        &self,
        dataset: &Labelled,
        stopped: &Gbdt,
        times: NonZeroU8,
        going_on: &mut Watching<'_>,
    ) -> Result<Gbdt, FitError> {
        rayon::scope(|_| Task::new(self, dataset, going_on)?.refit(stopped, times))
    }

    fn fit_in_pool(
        &self,
        train: &Labelled,
        validation: Option<&Labelled>,
        going_on: &mut Watching<'_>,
    ) -> Result<Gbdt, FitError> {
        let mut task = Task::new(self, train, going_on)?;
        match validation {
            Some(validation) => {
                check(validation)?;
                task.fit_with_validation(validation)
            }
            None => task.fit(),
        }
    }
}

impl<'a> Task<'a> {
    fn new(params: &'a GbdtValidParams, train: &'a Labelled, going_on: &'a mut Watching<'_>) -> Result<Self, FitError> {
        check(train)?;
        let feature_keys = train.records.names().iter().map(|name| key(name)).collect();
        let directions = directions(&train.records, params)?;
        Ok(Self { params, train, feature_keys, directions, going_on })
    }

    fn fit(&mut self) -> Result<Gbdt, FitError> {
        let params = self.params;
        if params.patience == 0 {
            return self.boost(all_rows(self.train), params, None);
        }
        let (rows, watched) = set_aside(self.train, params.validation_fraction, params.seed);
        let both_classes = |rows: &[u32]| {
            let weighs = |row: u32| self.train.weights.is_empty() || self.train.weights[row as usize] > 0.0;
            let has = |class: bool| rows.iter().any(|&row| self.train.targets[row as usize] == class && weighs(row));
            has(true) && has(false)
        };
        if !both_classes(&rows) || !both_classes(&watched) {
            return self.boost(all_rows(self.train), params, None);
        }
        let train = self.train;
        let stopped = self.boost(rows, params, Some((train, &watched)))?;
        if params.refit { self.refit(&stopped, NonZeroU8::MIN) } else { Ok(stopped) }
    }

    fn refit(&mut self, stopped: &Gbdt, times: NonZeroU8) -> Result<Gbdt, FitError> {
        if stopped.trees.is_empty() {
            return Ok(stopped.clone());
        }
        let (params, train) = (self.params, self.train);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "trees are at most 100,000")]
        let trees_max = (real(stopped.trees.len()) * REFIT_TREES).round() as usize;
        let again = GbdtValidParams { trees_max, patience: 0, ..params.clone() };
        let mut model = self.boost_averaged(all_rows(train), &again, None, times)?;
        model.calibration = stopped.calibration;
        model.facts.validation_rows = stopped.facts.validation_rows;
        model.facts.validation_loss = stopped.facts.validation_loss;
        model.params = params.clone();
        Ok(model)
    }

    fn fit_with_validation(&mut self, validation: &Labelled) -> Result<Gbdt, FitError> {
        let watched = all_rows(validation);
        let params = self.params;
        let validation = (params.patience > 0).then_some((validation, watched.as_slice()));
        self.boost(all_rows(self.train), params, validation)
    }

    /// Boosts on the given rows of the training set, watching the given rows of another.
    fn boost(
        &mut self,
        rows: Vec<u32>,
        params: &GbdtValidParams,
        validation: Option<(&Labelled, &[u32])>,
    ) -> Result<Gbdt, FitError> {
        self.boost_averaged(rows, params, validation, NonZeroU8::MIN)
    }

    /// Boosts so many times on the same bins, each with the next seed.
    fn boost_averaged(
        &mut self,
        rows: Vec<u32>,
        params: &GbdtValidParams,
        validation: Option<(&Labelled, &[u32])>,
        times: NonZeroU8,
    ) -> Result<Gbdt, FitError> {
        let (rows, negatives_kept) = thin_negatives(self.train, rows, params.negatives_per_positive, params.seed);
        let (bins, train) = Fold::with_bins(self.train, &rows, params.bins_max, params.seed);
        let validation = validation.map(|(dataset, rows)| self.validation_fold(dataset, &bins, rows)).transpose()?;
        let mut boosted = Vec::new();
        for time in 0..times.get() {
            let task = Booster {
                params: &GbdtValidParams { seed: params.seed.wrapping_add(time.into()), ..params.clone() },
                bins: &bins,
                feature_keys: &self.feature_keys,
                directions: &self.directions,
                train: &train,
                prior_correction: ln(negatives_kept),
                validation: validation.as_ref(),
            };
            boosted.push(task.boost(&mut *self.going_on).ok_or(FitError::Stopped)?);
        }
        let boosted = Boosted::mean(boosted);
        let calibration = validation.map_or(Calibration::IDENTITY, |fold| calibrate(&fold, &boosted));
        let Boosted { base_score, trees, mut facts, .. } = boosted;
        facts.negatives_kept = negatives_kept;
        let feature_names = self.train.records.names().to_vec();
        let params = params.clone();
        Ok(Gbdt {
            feature_names,
            bins,
            leaf_bits: LEAF_BITS,
            base_score,
            trees,
            calibration,
            params,
            facts,
            doubles: false,
        })
    }

    fn validation_fold(&self, dataset: &Labelled, bins: &[FeatureBins], rows: &[u32]) -> Result<Fold, FitError> {
        let (own, table) = (&self.train.records, &dataset.records);
        let column = |(name, kind): (&String, &Kind)| {
            let index = table.names().iter().position(|other| other == name);
            let index = index.ok_or_else(|| FitError::ValidationColumn(name.clone()))?;
            if table.kinds()[index] == *kind {
                Ok(table.columns()[index].as_slice())
            } else {
                Err(FitError::ValidationKind(name.clone()))
            }
        };
        let columns: Vec<&[f32]> = own.names().iter().zip(own.kinds()).map(column).collect::<Result<_, _>>()?;
        Ok(Fold::new(dataset, &columns, bins, rows))
    }
}

fn calibrate(fold: &Fold, boosted: &Boosted) -> Calibration {
    Calibration::fit(&boosted.validation_scores, &fold.targets.labels, |row| fold.targets.weight(row))
}

/// Which way the score may change with each column; empty when it is free.
fn directions(table: &Table, params: &GbdtValidParams) -> Result<Vec<Option<Direction>>, FitError> {
    if params.monotone.is_empty() {
        return Ok(vec![]);
    }
    let mut directions = vec![None; table.names().len()];
    for (name, &direction) in &params.monotone {
        let column = table.names().iter().position(|own| own == name);
        let numeric = column.filter(|&column| table.kinds()[column] == Kind::Numeric);
        directions[numeric.ok_or_else(|| FitError::Monotone(name.clone()))?] = Some(direction);
    }
    Ok(directions)
}

impl GbdtParams {
    /// Checks the parameters, then [`GbdtValidParams::fit_with_validation`].
    pub fn fit_with_validation(&self, train: &Labelled, validation: &Labelled) -> Result<Gbdt, FitError> {
        self.check_ref()?.fit_with_validation(train, validation)
    }
}
