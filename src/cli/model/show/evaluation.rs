//! How good a model is on a table with outcomes.

use serde::Serialize;

use crate::{
    cli::model::words,
    model::{
        evaluation::{
            ReliabilityBin, auc, auc_interval, average_precision, expected_calibration_error, lift_at, log_loss,
            reliability,
        },
        gbdt::{Gbdt, sigmoid},
        table_file::LabelledTable,
    },
};

/// Groups of rows, by probability, that calibration is judged in.
const RELIABILITY_BINS: usize = 10;

/// Shares of the rows with the highest scores, in percent, that lift is measured in.
const LIFT_PERCENT: [u8; 3] = [1, 5, 10];

/// Numbers are `None` where a class is missing.
#[derive(Debug, Serialize)]
pub(super) struct Evaluation {
    rows: usize,
    positives: usize,
    base_rate: f64,
    auc: Option<f64>,
    /// 95 % interval of the AUC.
    auc_low: Option<f64>,
    auc_high: Option<f64>,
    average_precision: Option<f64>,
    log_loss: Option<f64>,
    lift: Vec<Lift>,
    expected_calibration_error: f64,
    /// The lowest probabilities first.
    reliability: Vec<ReliabilityBin>,
}

#[derive(Debug, Serialize)]
struct Lift {
    percent: u8,
    lift: Option<f64>,
}

impl Evaluation {
    /// All rows weigh the same.
    #[expect(clippy::cast_precision_loss, reason = "row counts are below 2^53")]
    pub(super) fn of(model: &Gbdt, judged: &LabelledTable) -> Self {
        let labels = judged.labels.as_slice();
        let mut scores = vec![0.0; labels.len()];
        let columns: Vec<Option<&[f32]>> = model.feature_names().iter().map(|name| judged.table.column(name)).collect();
        model.scorer().log_odds(&columns, &mut scores);
        let probabilities: Vec<f64> = scores.iter().map(|&score| sigmoid(score)).collect();
        let interval = auc_interval(&scores, labels);
        let reliability = reliability(&probabilities, labels, RELIABILITY_BINS);
        let lift = |percent| Lift { percent, lift: lift_at(&scores, labels, f64::from(percent) / 100.0) };
        Self {
            rows: labels.len(),
            positives: judged.positives(),
            base_rate: judged.positives() as f64 / labels.len() as f64,
            auc: auc(&scores, labels),
            auc_low: interval.map(|interval| interval.low),
            auc_high: interval.map(|interval| interval.high),
            average_precision: average_precision(&scores, labels),
            log_loss: log_loss(&probabilities, labels),
            lift: LIFT_PERCENT.map(lift).into(),
            expected_calibration_error: expected_calibration_error(&reliability),
            reliability,
        }
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let (auc, low, high) =
            (words::or_dash(self.auc, 4), words::or_dash(self.auc_low, 4), words::or_dash(self.auc_high, 4));
        let lifts = self.lift.iter().map(|lift| format!("{} at {} %", words::or_dash(lift.lift, 2), lift.percent));
        let base_rate = words::percent(self.base_rate);
        let mut lines = vec!["On the table with outcomes:".to_owned()];
        lines.extend(words::facts(&[
            (
                "rows",
                format!("{}, {} of them positive ({base_rate})", words::count(self.rows), words::count(self.positives)),
            ),
            ("AUC", format!("{auc} ({low}–{high})")),
            ("average precision", words::or_dash(self.average_precision, 4)),
            ("log-loss", words::or_dash(self.log_loss, 5)),
            ("lift", lifts.collect::<Vec<_>>().join(", ")),
            ("calibration error", format!("{:.5}", self.expected_calibration_error)),
        ]));
        lines.push("Predicted and observed, from the lowest probabilities to the highest:".to_owned());
        let head = ["rows", "predicted", "observed"].map(str::to_owned);
        let row = |bin: &ReliabilityBin| {
            [words::count(bin.rows), words::percent(bin.mean_probability), words::percent(bin.observed)]
        };
        let rows: Vec<[String; 3]> = std::iter::once(head).chain(self.reliability.iter().map(row)).collect();
        lines.extend(words::aligned(&rows));
        lines
    }
}
