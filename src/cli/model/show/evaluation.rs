//! How good a model is on a table with outcomes, in lines.

use crate::{
    cli::columns,
    model::evaluation::{Evaluation, ReliabilityBin},
};

pub(super) fn lines(evaluation: &Evaluation) -> Vec<String> {
    let (rows, positives) = (columns::count(evaluation.rows), columns::count(evaluation.positives));
    let lifts = evaluation.lift.iter().map(|lift| format!("{:.2} at {} %", lift.lift, lift.percent));
    let mut lines = vec!["On the table with outcomes:".to_owned()];
    lines.extend(columns::facts(&[
        ("rows", format!("{rows}, {positives} of them positive ({})", columns::percent(evaluation.base_rate))),
        ("AUC", format!("{:.4} ({:.4}–{:.4})", evaluation.auc, evaluation.auc_low, evaluation.auc_high)),
        ("average precision", format!("{:.4}", evaluation.average_precision)),
        ("log-loss", format!("{:.5}", evaluation.log_loss)),
        ("lift", lifts.collect::<Vec<_>>().join(", ")),
        ("calibration error", format!("{:.5}", evaluation.expected_calibration_error)),
    ]));
    lines.push("Predicted and observed, from the lowest probabilities to the highest:".to_owned());
    let head = ["rows", "predicted", "observed"].map(str::to_owned);
    let row = |bin: &ReliabilityBin| {
        [columns::count(bin.rows), columns::percent(bin.mean_probability), columns::percent(bin.observed)]
    };
    let rows: Vec<[String; 3]> = std::iter::once(head).chain(evaluation.reliability.iter().map(row)).collect();
    lines.extend(columns::aligned(&rows));
    lines
}
