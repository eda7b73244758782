//! One training: assemble, boost, judge.

use std::num::NonZeroU8;

use linfa::{DatasetBase, ParamGuard};
use ndarray::Array1;
use serde::{Deserialize, Serialize};

use crate::{catalog::Product, features, progress::Report};

use super::{
    ModelError,
    evaluation::Evaluation,
    replay::{Kept, Replay, ReplayOf},
    training::{Fold, Source, TrainingSet, Window, assemble, held_out, ranked, replayed},
};

/// People of the holdout that contributions are averaged over, at most.
const EXPLAINED_MAX: usize = 2000;

/// With fewer conversions, chance decides much of who is at the head of a list: steps are smaller, each tree sees a part of
/// the people, and the mean of several models is taken.
const FEW: u64 = 5_000;
const FEW_RATE: f64 = 0.03;
const FEW_ROWS: f64 = 0.7;
const FEW_TIMES: NonZeroU8 = NonZeroU8::new(3).expect("more than 0");

/// Trees at most; long before, they stop helping.
const TREES_MAX: usize = 4_000;

/// How a model was judged; written beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelReport {
    /// People of the newest window that was learned from.
    pub people: u64,
    /// Conversions that the model learned from, in all windows.
    pub positives: u64,
    /// People, once a window, who were not learned from, because they had no event up to the day of the features and `users`
    /// does not say when they registered: they may have joined since.
    #[serde(default)]
    pub without_events: u64,
    /// How the same training, without these people, ranked them.
    pub holdout: Evaluation,
    /// What the model's promises are judged by.
    pub replay: ReplayOf,
    /// What a model of one horizon ago promised and what came; empty without one.
    pub kept: Vec<Kept>,
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
    pub(super) replay: Replay,
}

/// People, and whether each converted.
type Judges = (gbdt::Table, Vec<bool>);

/// People to learn from as the booster takes them: a table in which the catalog's codes are categories.
type Dataset = DatasetBase<gbdt::Table, Array1<bool>>;

/// Learns from all windows, the newest first; refuses when the newest has too few conversions to learn from. What judges
/// the model is how one that learned without the judges ranked them; then it learns again from everybody.
pub(super) async fn fit(
    source: &Source<'_>,
    product: &Product,
    windows: &[Window<'_>],
    report: &dyn Report,
) -> Result<Fitted, ModelError> {
    let set = assemble(source, windows, report).await?;
    let (people, positives, needed) = (set.people, set.positives(), u64::from(product.min_conversions));
    let without_events = set.without_events;
    if set.converted < needed {
        return Err(ModelError::TooFewConversions { found: set.converted, needed });
    }
    let Learned { stopped, booster, judges } = learn(source, set, report)?;
    let newest = windows.first().ok_or(ModelError::OneClass { people: 0 })?;
    let replay = if let Some(replay) = past(source, product, windows, report).await? {
        replay
    } else {
        let of = ReplayOf { day: newest.features_of.as_of(), is_past: false, one_in: 1 };
        Replay::new(of, ranked(source, newest, &stopped, &held_out(people, source.seed)).await?)
    };
    let holdout = Evaluation::of(&stopped.raw_scores(&judges.0), &judges.1);
    Ok(Fitted {
        report: ModelReport {
            people,
            positives,
            without_events,
            holdout: holdout.ok_or(ModelError::OneClass { people: judges.1.len() as u64 })?,
            replay: replay.of,
            kept: if replay.of.is_past { replay.kept(source.catalog, source.product)? } else { Vec::new() },
            calibration: booster.calibration(),
            trees: booster.trees().len(),
            features: feature_weights(&booster, &judges.0),
        },
        replay,
        booster,
    })
}

/// How the model that one would have had one horizon ago ranked the people of that day; `None` where the log is too short.
async fn past(
    source: &Source<'_>,
    product: &Product,
    windows: &[Window<'_>],
    report: &dyn Report,
) -> Result<Option<Replay>, ModelError> {
    let [newest, older @ ..] = windows else { return Ok(None) };
    if older.is_empty() {
        return Ok(None);
    }
    let set = assemble(source, older, report).await?;
    if set.converted < u64::from(product.min_conversions) {
        return Ok(None);
    }
    let Learned { booster, .. } = learn(source, set, report)?;
    let (one_in, taken) = replayed(newest.features_of.manifest().rows, source.seed);
    let of = ReplayOf { day: newest.features_of.as_of(), is_past: true, one_in };
    Ok(Some(Replay::new(of, ranked(source, newest, &booster, &taken).await?)))
}

/// A model, and how it came about.
struct Learned {
    /// What it was before it learned from those who judge.
    stopped: gbdt::Gbdt,
    booster: gbdt::Gbdt,
    judges: Judges,
}

fn learn(source: &Source<'_>, set: TrainingSet, report: &dyn Report) -> Result<Learned, ModelError> {
    let (rows, positives) = (Rows::of(&set), set.positives());
    let (params, times) = params(source, positives)?;
    let dataset = dataset(source, set)?;
    let stopped = watched(&params, &dataset, &rows, report)?.calibrated_on(&dataset, &rows.unseen);
    let again = interrupted(params.refit_averaged(&dataset, &stopped, times, &mut going_on(report)))?;
    let booster = again.centred_on(&dataset, &rows.newest);
    Ok(Learned { judges: rows.judges(&dataset), stopped, booster })
}

/// Which rows of a dataset do what.
struct Rows {
    learn: Vec<u32>,
    watch: Vec<u32>,
    judge: Vec<u32>,
    /// Of people who grew no tree of the watched model, in every window.
    unseen: Vec<u32>,
    newest: Vec<u32>,
}

impl Rows {
    fn of(set: &TrainingSet) -> Self {
        let [learn, watch, judge] = [Fold::Learn, Fold::Watch, Fold::Judge].map(|fold| set.rows(fold));
        Self { learn, watch, judge, unseen: set.unseen(), newest: set.newest_rows() }
    }

    fn judges(&self, dataset: &Dataset) -> Judges {
        let rows: Vec<usize> = self.judge.iter().map(|row| *row as usize).collect();
        let labels = rows.iter().map(|row| dataset.targets[*row]).collect();
        (dataset.records.select(&rows), labels)
    }
}

fn dataset(source: &Source<'_>, set: TrainingSet) -> Result<Dataset, ModelError> {
    let mut table = gbdt::Table::new(source.features.to_vec(), set.columns)?;
    for name in source.features {
        if let Some(ids) = features::categories(source.catalog, name) {
            table = table.with_categories(name, ids.into_iter().map(str::to_owned).collect())?;
        }
    }
    let dataset = DatasetBase::new(table, Array1::from(set.labels));
    // Weights that are all the same would only cost time.
    let weigh = set.weights.iter().any(|weight| weight.to_bits() != 1.0_f32.to_bits());
    Ok(if weigh { dataset.with_weights(Array1::from(set.weights)) } else { dataset })
}

/// How trees are grown from so many conversions, and how many models the final one is the mean of.
fn params(source: &Source<'_>, positives: u64) -> Result<(gbdt::GbdtValidParams, NonZeroU8), ModelError> {
    let few = positives < FEW;
    let positives = usize::try_from(positives).expect("people fit memory");
    let params = gbdt::GbdtParams::for_positives(positives).trees_max(TREES_MAX).seed(source.seed);
    let (params, times) =
        if few { (params.learning_rate(FEW_RATE).row_fraction(FEW_ROWS), FEW_TIMES) } else { (params, NonZeroU8::MIN) };
    Ok((params.check()?, times))
}

/// Trains until trees stop helping those who watch, or until the report says to stop.
fn watched(
    params: &gbdt::GbdtValidParams,
    dataset: &Dataset,
    rows: &Rows,
    report: &dyn Report,
) -> Result<gbdt::Gbdt, ModelError> {
    interrupted(params.fit_rows(dataset, (&rows.learn, &rows.watch), &mut going_on(report)))
}

fn going_on(report: &dyn Report) -> impl FnMut(gbdt::Round) -> bool + Send {
    move |round| {
        report.advance(round.trees as u64, round.trees_max as u64);
        !report.stopped()
    }
}

fn interrupted(fitted: Result<gbdt::Gbdt, gbdt::FitError>) -> Result<gbdt::Gbdt, ModelError> {
    match fitted {
        Err(gbdt::FitError::Stopped) => Err(ModelError::Stopped),
        fitted => Ok(fitted?),
    }
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
