//! `model train`: from a table with outcomes to a model file.

use std::path::PathBuf;

use anyhow::{Context as _, bail, ensure};
use gbdt::{Gbdt, Kind, Round, Tree};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::{
    bar::Bar,
    fitting::{Auc, Fitted, Wanted, divided, watched_by},
    options::BoosterOptions,
    out_file::OutFile,
    say_json,
    usage::{MemoryMeter, Meter, Usage},
    warn,
};
use crate::{
    cli::{columns, csv::CsvArgs, output},
    model::table_file::{DataFile, LabelledTable, Roles},
};

/// Columns that the summary names.
const TOP_FEATURES: usize = 10;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The table: .parquet, .csv or .csv.gz. Text becomes categories by itself, true and false become 1 and 0; a column
    /// of dates must be left out or turned into numbers.
    #[arg(long)]
    data: PathBuf,
    /// The column that says whether it happened: 0 or 1, true or false, yes or no, or two numbers of which the larger means yes.
    #[arg(long)]
    label: String,
    /// Where the model goes.
    #[arg(long)]
    out: PathBuf,
    /// Columns to leave out, separated by commas.
    #[arg(long, value_delimiter = ',')]
    ignore: Vec<String>,
    /// Columns whose numbers are codes of categories, separated by commas.
    #[arg(long, value_delimiter = ',')]
    categorical: Vec<String>,
    /// Columns that must be numbers, separated by commas.
    #[arg(long, value_delimiter = ',')]
    numeric: Vec<String>,
    /// A column with the weight of each row.
    #[arg(long)]
    weight: Option<String>,
    /// A table with the same columns that decides when to stop; without it, a fifth of the rows does.
    #[arg(long)]
    validation: Option<PathBuf>,
    /// A column whose equal values stay together when rows are set aside, such as the id of a person with several rows.
    #[arg(long, conflicts_with_all = ["validation", "time"])]
    group: Option<String>,
    /// A column that says when a row is from: what is set aside is later than what is learned from.
    #[arg(long, conflicts_with = "validation")]
    time: Option<String>,
    /// Share of the rows, such as 0.2, that take no part in training and judge the model before it learns again from all.
    #[arg(long, conflicts_with = "validation", default_value_t = 0.0)]
    holdout: f64,
    /// Whether the model learns again from all rows once it is known how many trees help.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, value_name = "true|false")]
    refit: bool,
    /// Threads; `SEGMENT_THREADS` otherwise. Changes the time, never the result.
    #[arg(long)]
    pub(super) threads: Option<usize>,
    /// Say the result as one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    csv: CsvArgs,
    #[command(flatten)]
    booster: BoosterOptions,
}

/// What `--json` says.
#[derive(Serialize)]
struct Report {
    rows: usize,
    positives: usize,
    features: usize,
    trees: usize,
    /// Of all trees.
    leaves: usize,
    negatives_kept: f64,
    validation_loss: Option<f64>,
    /// On the rows that decided when to stop, before the model learned from them, too.
    validation_auc: Option<Auc>,
    /// On rows that took no part in training.
    holdout_auc: Option<Auc>,
    read_seconds: f64,
    fit_wall_seconds: f64,
    fit_cpu_seconds: f64,
    peak_growth_bytes: Option<u64>,
    model_bytes: usize,
}

/// What there is to learn from.
struct Prepared {
    train: LabelledTable,
    validation: Option<LabelledTable>,
    read_seconds: f64,
}

pub(super) fn run(args: &Args, stopping: &CancellationToken) -> anyhow::Result<()> {
    let inputs: Vec<&std::path::Path> =
        std::iter::once(&args.data).chain(&args.validation).map(PathBuf::as_path).collect();
    let out = OutFile::begin(&args.out, &inputs)?;
    let Prepared { train, validation, read_seconds } = prepare(args)?;
    let (rows, positives, label_values) = (train.labels.len(), train.positives(), train.label_values);
    let categorical = train.table.kinds().iter().filter(|kind| **kind != Kind::Numeric).count();
    let params = args.booster.params(positives, args.refit)?;
    let order = train.order.clone();
    let (dataset, validation) = (train.into_dataset(), validation.map(LabelledTable::into_dataset));

    let bar = Bar::new("growing trees");
    let mut grown = 0;
    let (memory, meter) = (MemoryMeter::start(), Meter::start());
    let mut going_on = |round: Round| {
        if round.trees < grown {
            bar.say("learning again from all rows");
        }
        grown = round.trees;
        bar.advance(round.trees, round.trees_max);
        !stopping.is_cancelled()
    };
    let fitted = match &validation {
        Some(validation) => watched_by(&params, (&dataset, validation), &mut going_on),
        None => {
            divided(Wanted { holdout: args.holdout, refit: args.refit }, &params, (&dataset, &order), &mut going_on)
        }
    };
    let (fit, peak_growth_bytes) = (meter.stop(), memory.peak_growth_bytes());
    drop(bar);
    let Fitted { model, validation_auc, holdout_auc } =
        fitted.with_context(|| format!("{} was not written", args.out.display()))?;
    let bytes = model.to_bytes();
    out.fill(&bytes)?;

    let Usage { wall_seconds: fit_wall_seconds, cpu_seconds: fit_cpu_seconds } = fit;
    let report = Report {
        rows,
        positives,
        features: model.feature_names().len(),
        trees: model.trees().len(),
        leaves: leaves(&model),
        negatives_kept: model.facts().negatives_kept,
        validation_loss: model.facts().validation_loss,
        validation_auc,
        holdout_auc,
        read_seconds,
        fit_wall_seconds,
        fit_cpu_seconds,
        peak_growth_bytes,
        model_bytes: bytes.len(),
    };
    if args.json {
        return say_json(&report);
    }
    summary(&report, &model, categorical, label_values).into_iter().for_each(output::line);
    output::line(format!("Wrote {} ({} bytes)", args.out.display(), columns::count(bytes.len())));
    Ok(())
}

/// Reads the tables and refuses what cannot be learned from.
fn prepare(args: &Args) -> anyhow::Result<Prepared> {
    let roles = Roles {
        label: args.label.clone(),
        weight: args.weight.clone(),
        group: args.group.clone(),
        time: args.time.clone(),
        ignore: args.ignore.clone(),
        categorical: args.categorical.clone(),
        numeric: args.numeric.clone(),
    };
    let bar = Bar::new("reading");
    let meter = Meter::start();
    let file = |path: &PathBuf| DataFile { path: path.clone(), csv: args.csv.options() };
    let train = LabelledTable::read(&file(&args.data), &roles)?;
    let like_train = |path: &PathBuf| LabelledTable::read_like(&file(path), &roles, &train.table);
    let validation = args.validation.as_ref().map(like_train).transpose()?;
    let read_seconds = meter.stop().wall_seconds;
    drop(bar);
    warn(&train.notes);
    let (rows, positives) = (train.labels.len(), train.positives());
    if positives == 0 || positives == rows {
        let (label, data) = (&args.label, args.data.display());
        let only = if positives == 0 { train.label_values.0 } else { train.label_values.1 };
        bail!(
            "the label `{label}` of {data} is {only} in all {} rows; a model needs rows of both kinds to learn from",
            columns::count(rows)
        );
    }
    if let Some(validation) = &validation {
        warn(&validation.notes);
        let same = validation.label_values.1.total_cmp(&train.label_values.1).is_eq();
        ensure!(
            same,
            "yes is {} in the label of the table to learn from and {} in that of the validation table",
            train.label_values.1,
            validation.label_values.1
        );
    }
    Ok(Prepared { train, validation, read_seconds })
}

fn leaves(model: &Gbdt) -> usize {
    model.trees().iter().map(Tree::leaves).map(<[_]>::len).sum()
}

#[expect(clippy::cast_precision_loss, reason = "row counts are below 2^53")]
fn summary(report: &Report, model: &Gbdt, categorical: usize, label_values: (f64, f64)) -> Vec<String> {
    let share = report.positives as f64 / report.rows as f64;
    let facts = model.facts();
    let validation = match report.validation_loss {
        Some(loss) => {
            format!("log-loss {loss:.5} on {} rows, before calibration", columns::count(facts.validation_rows))
        }
        None => "none: all trees were grown".to_owned(),
    };
    let mut lines = columns::facts(&[
        ("rows", columns::count(report.rows)),
        ("positives", format!("{} ({})", columns::count(report.positives), columns::percent(share))),
        ("features", format!("{}, {categorical} of them categories", columns::count(report.features))),
        ("trees", format!("{} with {} leaves", columns::count(report.trees), columns::count(report.leaves))),
        ("validation", validation),
        ("validation AUC", said(report.validation_auc)),
        ("hold-out AUC", said(report.holdout_auc)),
        (
            "time",
            format!(
                "{:.1} s to read, {:.1} s to learn ({:.1} s of processors)",
                report.read_seconds, report.fit_wall_seconds, report.fit_cpu_seconds
            ),
        ),
    ]);
    if label_values.1.total_cmp(&1.0).is_ne() {
        lines.push(format!("In the label, {} is yes and {} is no.", label_values.1, label_values.0));
    }
    if facts.negatives_kept < 1.0 {
        lines.push(format!("Learned from {} of the negatives.", columns::percent(facts.negatives_kept)));
    }
    lines.extend(top_features(model));
    lines
}

fn said(auc: Option<Auc>) -> String {
    let words = |Auc { rows, value, low, high }: Auc| {
        format!("{value:.4} ({low:.4}–{high:.4}) on {} rows", columns::count(rows))
    };
    auc.map_or_else(|| "none".to_owned(), words)
}

fn top_features(model: &Gbdt) -> Vec<String> {
    let shares = model.gain_shares();
    let mut features: Vec<(&String, f64)> = model.feature_names().iter().zip(shares).collect();
    features.sort_by(|one, other| other.1.total_cmp(&one.1));
    let used = features.iter().filter(|(_, share)| *share > 0.0).take(TOP_FEATURES);
    let rows: Vec<[String; 2]> = used.map(|(name, share)| [(*name).clone(), columns::percent(*share)]).collect();
    if rows.is_empty() {
        return vec!["No column tells positives from negatives: every row gets the same probability.".to_owned()];
    }
    std::iter::once("What tells most, by share of gain:".to_owned()).chain(columns::aligned(&rows)).collect()
}
