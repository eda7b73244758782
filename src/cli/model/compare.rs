//! `model compare`: two models on the same rows, with intervals of what differs.

use std::path::PathBuf;

use anyhow::ensure;
use serde::Serialize;

use super::{bar::Bar, read_model, say_json, warn};
use crate::{
    cli::{columns, csv::CsvArgs, output},
    model::{
        evaluation::{Interval, auc, auc_difference, positives_among},
        table_file::{DataFile, LabelledTable},
    },
};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Two models, as `model train` or `model import` wrote them.
    #[arg(num_args = 2, required = true, value_names = ["A", "B"])]
    models: Vec<PathBuf>,
    /// A table with outcomes that neither has learned from: .parquet, .csv or .csv.gz.
    #[arg(long)]
    data: PathBuf,
    /// The column of the table that says whether it happened.
    #[arg(long)]
    label: String,
    /// Rows with the highest scores that are counted, separated by commas: numbers, or shares such as 5%.
    #[arg(long, value_delimiter = ',', default_values = ["100", "1%", "5%", "10%"])]
    sizes: Vec<String>,
    #[command(flatten)]
    csv: CsvArgs,
    /// Say everything as one JSON object.
    #[arg(long)]
    json: bool,
}

/// What `--json` says.
#[derive(Serialize)]
struct Report {
    rows: usize,
    positives: usize,
    auc_a: f64,
    auc_b: f64,
    /// Of A over B, with its 95 % interval.
    auc_difference: f64,
    auc_difference_low: f64,
    auc_difference_high: f64,
    sizes: Vec<AtSize>,
}

/// Positives among the rows that each model puts first.
#[derive(Serialize)]
struct AtSize {
    size: String,
    rows: usize,
    a: usize,
    b: usize,
    /// Of A over B, with its 95 % interval (`McNemar`).
    difference: f64,
    difference_low: f64,
    difference_high: f64,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let bar = Bar::new("judging");
    let data = DataFile { path: args.data.clone(), csv: args.csv.options() };
    let mut scores = Vec::new();
    let mut labels = Vec::new();
    for path in &args.models {
        let model = read_model(path)?;
        let judged = LabelledTable::read_for(&data, &args.label, &model)?;
        scores.push(model.ranked().raw_scores(&judged.table));
        warn(&judged.notes);
        labels = judged.labels;
    }
    drop(bar);
    let [a, b] = [&scores[0], &scores[1]];
    let (rows, positives) = (labels.len(), labels.iter().filter(|label| **label).count());
    let (Some(auc_a), Some(auc_b), Some(Interval { low, high })) =
        (auc(a, &labels), auc(b, &labels), auc_difference(a, b, &labels))
    else {
        anyhow::bail!(
            "of {} rows {} are positive; two of each kind are needed to compare models",
            columns::count(rows),
            columns::count(positives)
        );
    };
    let sizes = args.sizes.iter().map(|size| at_size(size, (a, b), &labels)).collect::<anyhow::Result<_>>()?;
    let report = Report {
        rows,
        positives,
        auc_a,
        auc_b,
        auc_difference: auc_a - auc_b,
        auc_difference_low: low,
        auc_difference_high: high,
        sizes,
    };
    if args.json {
        return say_json(&report);
    }
    lines(&report).into_iter().for_each(output::line);
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "row counts are below 2^53")]
fn at_size(size: &str, (a, b): (&[f64], &[f64]), labels: &[bool]) -> anyhow::Result<AtSize> {
    let rows = match size.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().ok().and_then(|percent| share(labels.len(), percent)),
        None => size.trim().parse().ok().filter(|rows| (1..=labels.len()).contains(rows)),
    };
    let at_most = columns::count(labels.len());
    ensure!(
        rows.is_some(),
        "`{size}` is no size that can be counted; write 1 to {at_most} rows, or a share such as 5%"
    );
    let rows = rows.unwrap_or_default();
    let (found, other) = (positives_among(a, labels, rows), positives_among(b, labels, rows));
    let alone = |one: &[u32], other: &[u32]| one.iter().filter(|row| other.binary_search(row).is_err()).count() as f64;
    let (only_a, only_b) = (alone(&found, &other), alone(&other, &found));
    let (difference, margin) = (only_a - only_b, 1.96 * (only_a + only_b).sqrt());
    Ok(AtSize {
        size: size.to_owned(),
        rows,
        a: found.len(),
        b: other.len(),
        difference,
        difference_low: difference - margin,
        difference_high: difference + margin,
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a share of a count"
)]
fn share(rows: usize, percent: f64) -> Option<usize> {
    (0.0..=100.0).contains(&percent).then(|| ((rows as f64 * percent / 100.0).round() as usize).clamp(1, rows))
}

fn lines(report: &Report) -> Vec<String> {
    let Report { auc_a, auc_b, auc_difference, auc_difference_low, auc_difference_high, .. } = report;
    let difference = format!("{auc_difference:+.4} ({auc_difference_low:+.4} to {auc_difference_high:+.4})");
    let mut lines = columns::facts(&[
        ("rows", format!("{}, {} of them positive", columns::count(report.rows), columns::count(report.positives))),
        ("AUC of A", format!("{auc_a:.4}")),
        ("AUC of B", format!("{auc_b:.4}")),
        ("A over B", difference),
    ]);
    lines.push("Positives among the rows with the highest scores:".to_owned());
    let head = ["size", "rows", "A", "B", "A over B"].map(str::to_owned);
    let row = |at: &AtSize| {
        let difference = format!("{:+.0} ({:+.0} to {:+.0})", at.difference, at.difference_low, at.difference_high);
        [at.size.clone(), columns::count(at.rows), columns::count(at.a), columns::count(at.b), difference]
    };
    let rows: Vec<[String; 5]> = std::iter::once(head).chain(report.sizes.iter().map(row)).collect();
    lines.extend(columns::aligned(&rows));
    lines
}
