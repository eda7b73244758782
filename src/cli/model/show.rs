//! `model show`: what a model is made of and, with data, how good it is.

mod evaluation;

use std::path::PathBuf;

use gbdt::{Calibration, FORMAT_VERSION, FeatureBins, Gbdt, GbdtValidParams, TrainingFacts, Tree};
use serde::Serialize;

use super::{bar::Bar, read_model, say_json, warn};
use crate::{
    cli::{columns, csv::CsvArgs, output},
    model::{
        evaluation::Evaluation,
        table_file::{DataFile, LabelledTable},
    },
};

/// Rows that contributions are averaged over, at most.
const SAMPLE_ROWS: usize = 2000;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The model, as `model train` wrote it.
    #[arg(long)]
    model: PathBuf,
    /// A table with outcomes to judge the model by: .parquet, .csv or .csv.gz; best one that it has not learned from.
    #[arg(long, requires = "label")]
    data: Option<PathBuf>,
    /// The column of the table that says whether it happened.
    #[arg(long, requires = "data")]
    label: Option<String>,
    #[command(flatten)]
    csv: CsvArgs,
    /// Say everything as one JSON object.
    #[arg(long)]
    json: bool,
}

/// What `--json` says.
#[derive(Serialize)]
struct Report<'a> {
    format_version: u32,
    params: &'a GbdtValidParams,
    facts: &'a TrainingFacts,
    calibration: Calibration,
    base_score: f64,
    trees: usize,
    /// Of all trees.
    leaves: usize,
    features: Vec<Feature<'a>>,
    evaluation: Option<Evaluation>,
}

#[derive(Serialize)]
struct Feature<'a> {
    name: &'a str,
    kind: &'static str,
    /// Cut points of a number; `None` for categories.
    cuts: Option<usize>,
    /// Categories with a bin of their own; `None` for numbers.
    categories: Option<usize>,
    gain_share: f64,
    splits: usize,
    /// Mean distance by which the feature moves the log-odds of a row; `None` without data.
    mean_absolute_contribution: Option<f64>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let model = read_model(&args.model)?;
    let (mut evaluation, mut contributions) = (None, None);
    if let (Some(data), Some(label)) = (&args.data, &args.label) {
        let bar = Bar::new("judging");
        let data = DataFile { path: data.clone(), csv: args.csv.options() };
        let judged = LabelledTable::read_for(&data, label, &model)?;
        let ranked = model.ranked();
        evaluation = Evaluation::of(&ranked.raw_scores(&judged.table), judged.labels.as_slice());
        contributions = Some(ranked.mean_absolute_contributions(&judged.table.thinned(SAMPLE_ROWS)));
        drop(bar);
        warn(&judged.notes);
        if evaluation.is_none() {
            let (rows, positives) = (columns::count(judged.labels.len()), columns::count(judged.positives()));
            warn(&[format!(
                "the model is not judged: of {rows} rows {positives} are positive; two of each kind are needed"
            )]);
        }
    }
    let report = Report {
        format_version: FORMAT_VERSION,
        params: model.params(),
        facts: model.facts(),
        calibration: model.calibration(),
        base_score: model.base_score(),
        trees: model.trees().len(),
        leaves: model.trees().iter().map(Tree::leaves).map(<[_]>::len).sum(),
        features: features(&model, contributions.as_deref()),
        evaluation,
    };
    if args.json {
        return say_json(&report);
    }
    lines(&report)?.into_iter().for_each(output::line);
    Ok(())
}

fn features<'a>(model: &'a Gbdt, contributions: Option<&[f64]>) -> Vec<Feature<'a>> {
    let (shares, splits) = (model.gain_shares(), model.split_counts());
    let feature = |(index, name): (usize, &'a String)| {
        let (kind, cuts, categories) = match &model.bins()[index] {
            FeatureBins::Numeric(cuts) => ("numeric", Some(cuts.as_slice().len()), None),
            FeatureBins::Categorical(categories) => ("categorical", None, Some(categories.codes().len())),
        };
        Feature {
            name,
            kind,
            cuts,
            categories,
            gain_share: shares[index],
            splits: splits[index],
            mean_absolute_contribution: contributions.map(|means| means[index]),
        }
    };
    model.feature_names().iter().enumerate().map(feature).collect()
}

fn lines(report: &Report<'_>) -> anyhow::Result<Vec<String>> {
    let facts = report.facts;
    let stopping = match facts.validation_loss {
        Some(loss) => {
            format!("log-loss {loss:.5} on {} rows, before calibration", columns::count(facts.validation_rows))
        }
        None => "none".to_owned(),
    };
    let calibration = report.calibration;
    let mut lines = columns::facts(&[
        ("trees", format!("{} with {} leaves", columns::count(report.trees), columns::count(report.leaves))),
        (
            "grown on",
            format!("{} rows, {} of them positive", columns::count(facts.rows), columns::count(facts.positives)),
        ),
        ("negatives kept", columns::percent(facts.negatives_kept)),
        ("validation", stopping),
        ("calibration", format!("log-odds × {:.4} + {:.4}", calibration.slope(), calibration.offset())),
        ("base score", format!("{:.4} log-odds", report.base_score)),
        ("parameters", parameters(report.params)?),
    ]);
    lines.push("Features, by share of gain:".to_owned());
    lines.extend(columns::aligned(&feature_rows(&report.features)));
    if let Some(evaluation) = &report.evaluation {
        lines.extend(evaluation::lines(evaluation));
    }
    Ok(lines)
}

fn parameters(params: &GbdtValidParams) -> anyhow::Result<String> {
    let serde_json::Value::Object(fields) = serde_json::to_value(params)? else { return Ok(String::new()) };
    let parts: Vec<String> = fields.iter().map(|(name, value)| format!("{name} {value}")).collect();
    Ok(parts.join(", "))
}

fn feature_rows(features: &[Feature<'_>]) -> Vec<[String; 6]> {
    let mut sorted: Vec<&Feature<'_>> = features.iter().collect();
    sorted.sort_by(|one, other| other.gain_share.total_cmp(&one.gain_share));
    let head = ["feature", "kind", "bins from", "gain", "splits", "moves log-odds by"].map(str::to_owned);
    let row = |feature: &&Feature<'_>| {
        let bins = match (feature.cuts, feature.categories) {
            (Some(cuts), _) => format!("{} cuts", columns::count(cuts)),
            (_, categories) => format!("{} categories", columns::count(categories.unwrap_or(0))),
        };
        [
            feature.name.to_owned(),
            feature.kind.to_owned(),
            bins,
            columns::percent(feature.gain_share),
            columns::count(feature.splits),
            columns::or_dash(feature.mean_absolute_contribution, 4),
        ]
    };
    std::iter::once(head).chain(sorted.iter().map(row)).collect()
}
