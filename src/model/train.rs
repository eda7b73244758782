//! One training: assemble, boost, judge.

use linfa::{DatasetBase, ParamGuard};
use ndarray::Array1;
use serde::{Deserialize, Serialize};

use crate::{catalog::Product, features::Snapshot, lake::Report};

use super::{
    ModelError,
    evaluation::{self, Evaluation},
    gbdt,
    training::{Source, Split, TrainingSet, assemble},
};

/// People of the holdout that contributions are averaged over, at most.
const EXPLAINED_MAX: usize = 2000;

/// How a model was judged; written beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelReport {
    /// People that training, stopping and judging had.
    pub people: u64,
    /// Converters among them.
    pub positives: u64,
    /// People who were not learned from, because they had no event up to the day of the features and `users` does not say
    /// when they registered: they may have joined since.
    #[serde(default)]
    pub without_events: u64,
    /// How good it is on people that it never saw.
    pub holdout: Evaluation,
    /// AUC of a model made one horizon earlier, judged on this horizon's people; `None` without an older snapshot.
    pub auc_out_of_time: Option<f64>,
    /// Slope and offset that calibrated the log-odds; 1 and 0 where nothing had to be mended.
    pub calibration: gbdt::Calibration,
    pub trees: usize,
    /// Features that some tree tests, the largest share of gain first.
    pub features: Vec<FeatureWeight>,
}

/// How much a model makes of a feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureWeight {
    pub name: String,
    /// Part of the total gain, 0.0..=1.0.
    pub gain_share: f64,
    /// Mean distance by which it moves a person's log-odds (Shapley values, on up to 2,000 people of the holdout).
    pub mean_absolute_contribution: f64,
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
    let (people, positives, without_events) = (set.people(), set.positives(), set.without_events);
    let needed = u64::from(product.min_conversions);
    if positives < needed {
        return Err(ModelError::TooFewConversions { found: positives, needed });
    }
    let holdout = table(source, std::mem::take(&mut set.holdout))?;
    let booster = boost(source, set, report)?;
    let report = ModelReport { without_events, ..judge(&booster, &holdout, (people, positives))? };
    Ok(Fitted { booster, report, holdout })
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

fn judge(
    booster: &gbdt::Gbdt,
    (table, labels): &Labelled,
    (people, positives): (u64, u64),
) -> Result<ModelReport, ModelError> {
    let holdout = Evaluation::of(&booster.raw_scores(table), labels);
    Ok(ModelReport {
        people,
        positives,
        without_events: 0,
        holdout: holdout.ok_or(ModelError::OneClass { people: labels.len() as u64 })?,
        auc_out_of_time: None,
        calibration: booster.calibration(),
        trees: booster.trees().len(),
        features: feature_weights(booster, table),
    })
}

fn feature_weights(booster: &gbdt::Gbdt, table: &gbdt::Table) -> Vec<FeatureWeight> {
    let contributions = booster.mean_absolute_contributions(&table.thinned(EXPLAINED_MAX));
    let features = booster.feature_names().iter().zip(booster.gain_shares()).zip(contributions);
    let mut weights: Vec<FeatureWeight> = features
        .filter(|((_, gain_share), _)| *gain_share > 0.0)
        .map(|((name, gain_share), mean_absolute_contribution)| FeatureWeight {
            name: name.clone(),
            gain_share,
            mean_absolute_contribution,
        })
        .collect();
    weights.sort_by(|a, b| b.gain_share.total_cmp(&a.gain_share).then_with(|| a.name.cmp(&b.name)));
    weights
}
