//! Training with rows set aside: which decide when to stop, which judge, and what both say of the model.

use anyhow::ensure;
use gbdt::{Gbdt, GbdtValidParams, Table, Watching};
use linfa::DatasetBase;
use ndarray::Array1;
use serde::Serialize;

use crate::model::{
    evaluation::{self, Interval},
    table_file::{Division, Order, Shares},
};

/// How well rows are told apart that a model did not learn from.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Auc {
    pub(super) rows: usize,
    pub(super) value: f64,
    /// 95 % interval.
    pub(super) low: f64,
    pub(super) high: f64,
}

/// A model, and what it was worth before it learned from the rows that say so.
pub(super) struct Fitted {
    pub(super) model: Gbdt,
    pub(super) validation_auc: Option<Auc>,
    pub(super) holdout_auc: Option<Auc>,
}

/// What the person wants of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// Share of the rows that judge.
    pub(super) holdout: f64,
    /// Whether the model learns again from all rows.
    pub(super) refit: bool,
}

pub(super) type Dataset = DatasetBase<Table, Array1<bool>>;

/// The rows of another table decide when to stop.
pub(super) fn watched_by(
    params: &GbdtValidParams,
    (dataset, validation): (&Dataset, &Dataset),
    going_on: &mut Watching<'_>,
) -> anyhow::Result<Fitted> {
    let model = params.fit_watched(dataset, Some(validation), going_on)?;
    let rows: Vec<u32> = (0..u32::try_from(validation.records.rows())?).collect();
    let validation_auc = auc(&model, validation, &rows).filter(|_| model.facts().validation_loss.is_some());
    Ok(Fitted { validation_auc, holdout_auc: None, model })
}

/// Some of the rows decide when to stop, and some may judge.
pub(super) fn divided(
    wanted: Wanted,
    params: &GbdtValidParams,
    (dataset, order): (&Dataset, &Order),
    going_on: &mut Watching<'_>,
) -> anyhow::Result<Fitted> {
    ensure!((0.0..=0.5).contains(&wanted.holdout), "--holdout is a share from 0 to 0.5, such as 0.2");
    let is_usual = *order == Order::None && wanted.holdout <= 0.0;
    let Division { learn, watch, hold } = if is_usual {
        let (learn, watch) = params.set_aside(dataset);
        Division { learn, watch, hold: Vec::new() }
    } else {
        let shares = Shares { watch: params.validation_fraction(), hold: wanted.holdout };
        Division::of(dataset.records.rows(), order, shares, params.seed())
    };
    let both = |rows: &[u32]| {
        [true, false].iter().all(|class| rows.iter().any(|row| dataset.targets[*row as usize] == *class))
    };
    if is_usual && (params.grows_all_trees() || !both(&learn) || !both(&watch)) {
        let model = params.fit_watched(dataset, None, going_on)?;
        return Ok(Fitted { model, validation_auc: None, holdout_auc: None });
    }
    ensure!(
        both(&learn) && both(&watch),
        "when rows are set aside by --group, --time or --holdout, the rows to learn from or those that decide when to stop are all of \
         one kind; set fewer aside, or give a --validation table"
    );
    let stopped = params.fit_rows(dataset, (&learn, &watch), going_on)?;
    let validation_auc = auc(&stopped, dataset, &watch).filter(|_| !params.grows_all_trees());
    let holdout_auc = auc(&stopped, dataset, &hold);
    let model = if wanted.refit { params.refit(dataset, &stopped, going_on)? } else { stopped };
    Ok(Fitted { model, validation_auc, holdout_auc })
}

fn auc(model: &Gbdt, dataset: &Dataset, rows: &[u32]) -> Option<Auc> {
    let places: Vec<usize> = rows.iter().map(|row| *row as usize).collect();
    let labels: Vec<bool> = places.iter().map(|row| dataset.targets[*row]).collect();
    let scores = model.raw_scores(&dataset.records.select(&places));
    let Interval { low, high } = evaluation::auc_interval(&scores, &labels)?;
    Some(Auc { rows: rows.len(), value: evaluation::auc(&scores, &labels)?, low, high })
}
