//! One training: assemble, boost, judge.

use linfa::{DatasetBase, ParamGuard};
use ndarray::Array1;
use serde::{Deserialize, Serialize};

use crate::{catalog::Product, features::Snapshot, lake::Report};

use super::{
    ModelError,
    evaluation::{self, ReliabilityBin},
    gbdt,
    training::{Source, Split, TrainingSet, assemble},
};

/// Groups of people, by probability, that calibration is judged in.
const RELIABILITY_BINS: usize = 10;

/// How a model was judged; written beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelReport {
    /// People that training, stopping and judging had.
    pub people: u64,
    /// Converters among them.
    pub positives: u64,
    pub holdout_people: u64,
    pub holdout_positives: u64,
    /// Share of converters in the holdout.
    pub base_rate: f64,
    pub auc: f64,
    /// 95 % interval of the AUC.
    pub auc_low: f64,
    pub auc_high: f64,
    /// AUC of a model made one horizon earlier, judged on this horizon's people; `None` without an older snapshot.
    pub auc_out_of_time: Option<f64>,
    pub average_precision: f64,
    pub log_loss: f64,
    /// Lift among the best 1, 5 and 10 % of the holdout.
    pub lift_at_percent: Vec<(u8, f64)>,
    pub expected_calibration_error: f64,
    /// What was predicted and what happened, in tenths of the holdout; the lowest probabilities first.
    pub reliability: Vec<ReliabilityBin>,
    /// Slope and offset that calibrated the log-odds; 1 and 0 where nothing had to be mended.
    pub calibration: gbdt::Calibration,
    pub trees: usize,
    /// Share of the total gain per column, largest first.
    pub gain_shares: Vec<(String, f64)>,
}

/// A model fresh from training.
pub(super) struct Fitted {
    pub(super) booster: gbdt::Gbdt,
    pub(super) report: ModelReport,
    /// The people that it was judged on; a model of the past is judged on the same.
    pub(super) holdout: Labelled,
}

/// People, and whether each converted.
pub(super) type Labelled = (gbdt::Table, Vec<bool>);

/// Trains on `earlier` labelled by `later`; refuses when there are too few conversions to learn from.
pub(super) async fn fit(
    source: &Source<'_>,
    product: &Product,
    (earlier, later): (&Snapshot, &Snapshot),
    report: &dyn Report,
) -> Result<Fitted, ModelError> {
    let mut set = assemble(source, earlier, later, report).await?;
    let (people, positives) = (set.people(), set.positives());
    let needed = u64::from(product.min_conversions);
    if positives < needed {
        return Err(ModelError::TooFewConversions { found: positives, needed });
    }
    let holdout = table(source, std::mem::take(&mut set.holdout))?;
    let booster = boost(source, set, report)?;
    Ok(Fitted { report: judge(source, &booster, &holdout, (people, positives))?, booster, holdout })
}

/// AUC, on the holdout of this horizon, of a model trained one horizon earlier; `None` when that horizon has too few
/// conversions. The past may lack columns of today; the booster finds its own by name.
pub(super) async fn out_of_time(
    source: &Source<'_>,
    product: &Product,
    (oldest, earlier): (&Snapshot, &Snapshot),
    (table, labels): &Labelled,
    report: &dyn Report,
) -> Result<Option<f64>, ModelError> {
    let has = |name: &String| oldest.manifest().columns.iter().any(|column| column.name == *name);
    let features: Vec<String> = source.features.iter().filter(|name| has(name)).cloned().collect();
    let source = Source { features: &features, ..*source };
    let past = assemble(&source, oldest, earlier, report).await?;
    if past.positives() < u64::from(product.min_conversions) {
        return Ok(None);
    }
    let booster = boost(&source, past, report)?;
    Ok(evaluation::auc(&booster.raw_scores(table), labels))
}

/// A table of the people, in which the catalog's codes are categories.
fn table(source: &Source<'_>, split: Split) -> Result<Labelled, ModelError> {
    let mut table = gbdt::Table::new(source.features.to_vec(), split.columns)?;
    let genders = source.catalog.genders.iter().map(|gender| gender.id.as_str().to_owned()).collect();
    let regions = source.catalog.regions.iter().map(|region| region.code.as_str().to_owned()).collect();
    for (name, categories) in [("gender", genders), ("region", regions)] {
        if table.column(name).is_some() {
            table = table.with_categories(name, categories)?;
        }
    }
    Ok((table, split.labels))
}

/// Trains until trees stop helping, or until the report says to stop.
fn boost(source: &Source<'_>, set: TrainingSet, report: &dyn Report) -> Result<gbdt::Gbdt, ModelError> {
    let positives = usize::try_from(set.train.positives()).expect("people fit memory");
    let dataset = |split| {
        let (table, labels) = table(source, split)?;
        Ok::<_, ModelError>(DatasetBase::new(table, Array1::from(labels)))
    };
    let params = gbdt::GbdtParams::for_positives(positives).seed(source.seed).check()?;
    let (train, validation) = (dataset(set.train)?, dataset(set.validation)?);
    let mut going_on = |round: gbdt::Round| {
        report.advance(round.trees as u64, round.trees_max as u64);
        !report.stopped()
    };
    match params.fit_watched(&train, Some(&validation), &mut going_on) {
        Err(gbdt::FitError::Stopped) => Err(ModelError::Stopped),
        fitted => Ok(fitted?),
    }
}

#[expect(clippy::cast_precision_loss, reason = "people are fewer than 2^53")]
fn judge(
    source: &Source<'_>,
    booster: &gbdt::Gbdt,
    (table, labels): &Labelled,
    (people, positives): (u64, u64),
) -> Result<ModelReport, ModelError> {
    let probabilities = booster.probabilities(table);
    let one_class = || ModelError::OneClass { people: labels.len() as u64 };
    let auc = evaluation::auc(&probabilities, labels).ok_or_else(one_class)?;
    let interval = evaluation::auc_interval(&probabilities, labels).ok_or_else(one_class)?;
    let reliability = evaluation::reliability(&probabilities, labels, RELIABILITY_BINS);
    let holdout_positives = labels.iter().filter(|&&label| label).count() as u64;
    Ok(ModelReport {
        people,
        positives,
        holdout_people: labels.len() as u64,
        holdout_positives,
        base_rate: holdout_positives as f64 / labels.len().max(1) as f64,
        auc,
        auc_low: interval.low,
        auc_high: interval.high,
        auc_out_of_time: None,
        average_precision: evaluation::average_precision(&probabilities, labels).ok_or_else(one_class)?,
        log_loss: evaluation::log_loss(&probabilities, labels).ok_or_else(one_class)?,
        lift_at_percent: lifts(&probabilities, labels),
        expected_calibration_error: evaluation::expected_calibration_error(&reliability),
        reliability,
        calibration: booster.calibration(),
        trees: booster.trees().len(),
        gain_shares: gain_shares(booster, source.features),
    })
}

fn lifts(probabilities: &[f64], labels: &[bool]) -> Vec<(u8, f64)> {
    let at = |percent: u8| Some((percent, evaluation::lift_at(probabilities, labels, f64::from(percent) / 100.0)?));
    [1, 5, 10].into_iter().filter_map(at).collect()
}

fn gain_shares(booster: &gbdt::Gbdt, features: &[String]) -> Vec<(String, f64)> {
    let gains = booster.gains();
    let total: f64 = gains.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    let mut shares: Vec<(String, f64)> =
        features.iter().cloned().zip(gains.iter().map(|gain| gain / total)).filter(|(_, share)| *share > 0.0).collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    shares
}
