//! `model score`: a probability for each row of a table, read piece by piece.

use std::path::PathBuf;

use anyhow::ensure;
use gbdt::{Gbdt, Scorer};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::{
    bar::Bar,
    out_file::OutFile,
    read_model, say_json,
    usage::{Meter, Usage},
    warn,
};
use crate::{
    cli::{columns, csv::CsvArgs, output},
    model::table_file::{Absent, Batch, DataFile, ScoringFile},
};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The model, as `model train` wrote it.
    #[arg(long)]
    model: PathBuf,
    /// The table: .parquet, .csv or .csv.gz. Columns that the model does not know are ignored.
    #[arg(long)]
    data: PathBuf,
    /// Where the scores go, as .csv or .parquet: the row's number (from 1) or id, probability and log-odds.
    #[arg(long)]
    out: PathBuf,
    /// A column of the table to write instead of row numbers.
    #[arg(long)]
    id: Option<String>,
    #[command(flatten)]
    csv: CsvArgs,
    /// Let columns that the model has and the table has not count as missing.
    #[arg(long)]
    allow_missing_columns: bool,
    /// Threads; `SEGMENT_THREADS` otherwise. Changes the time, never the result.
    #[arg(long)]
    pub(super) threads: Option<usize>,
    /// Say the result as one JSON object.
    #[arg(long)]
    json: bool,
    /// Also measure scoring alone, from values that are in bins already; for comparisons.
    #[arg(long)]
    measure_prebinned: bool,
}

/// What `--json` says.
#[derive(Serialize)]
struct Report {
    rows: usize,
    read_seconds: f64,
    score_wall_seconds: f64,
    score_cpu_seconds: f64,
    prebinned_cpu_seconds: Option<f64>,
}

/// What the parts of the work took.
#[derive(Default)]
struct Spent {
    reading: Usage,
    scoring: Usage,
    prebinned: Usage,
}

pub(super) fn run(args: &Args, stopping: &CancellationToken) -> anyhow::Result<()> {
    let model = read_model(&args.model)?;
    let out = OutFile::begin_private(&args.out, &[&args.model, &args.data])?;
    let bar = Bar::new("scoring");
    let mut spent = Spent::default();
    let meter = Meter::start();
    let absent = if args.allow_missing_columns { Absent::Missing } else { Absent::Refused };
    let data = DataFile { path: args.data.clone(), csv: args.csv.options() };
    let file = ScoringFile::open(&data, &model, args.id.as_deref(), absent)?;
    spent.reading.add(meter.stop());
    let mut table = file.scores(&args.out, out.handle()?)?;
    let model = model.ranked();
    let (scorer, mut unknown) = (model.scorer(), vec![0; model.feature_names().len()]);
    let (mut done, mut batches) = (0, file.batches());
    loop {
        let meter = Meter::start();
        let Some(batch) = batches.next() else { break };
        let batch = batch?;
        spent.reading.add(meter.stop());
        ensure!(!stopping.is_cancelled(), "scoring was stopped; {} was not written", args.out.display());
        batch.add_unknown(&mut unknown);
        let log_odds = score(&scorer, &batch, &mut spent);
        if args.measure_prebinned {
            measure_prebinned(&model, &scorer, &batch, &mut spent)?;
        }
        table.write(&batch, &log_odds)?;
        done += batch.rows();
        bar.advance(done, file.rows());
    }
    table.finish()?;
    out.keep()?;
    drop(bar);
    if !file.absent().is_empty() {
        warn(&[format!(
            "{} lacks columns, which counted as missing: {}",
            args.data.display(),
            file.absent().join(", ")
        )]);
    }
    warn(&file.notes(&unknown));
    report(args, done, &spent)
}

fn score(scorer: &Scorer, batch: &Batch, spent: &mut Spent) -> Vec<f64> {
    let (columns, mut log_odds) = (batch.columns(), vec![0.0; batch.rows()]);
    let meter = Meter::start();
    scorer.log_odds(&columns, &mut log_odds);
    spent.scoring.add(meter.stop());
    log_odds
}

fn measure_prebinned(model: &Gbdt, scorer: &Scorer, batch: &Batch, spent: &mut Spent) -> anyhow::Result<()> {
    let table = batch.table(model)?;
    if table.names().is_empty() {
        return Ok(());
    }
    let (bins, mut log_odds) = (model.bin_columns(&table), vec![0.0; batch.rows()]);
    let meter = Meter::start();
    scorer.log_odds_of_bins(&bins, &mut log_odds);
    spent.prebinned.add(meter.stop());
    Ok(())
}

fn report(args: &Args, rows: usize, spent: &Spent) -> anyhow::Result<()> {
    let Spent { reading, scoring, prebinned } = spent;
    if args.json {
        return say_json(&Report {
            rows,
            read_seconds: reading.wall_seconds,
            score_wall_seconds: scoring.wall_seconds,
            score_cpu_seconds: scoring.cpu_seconds,
            prebinned_cpu_seconds: args.measure_prebinned.then_some(prebinned.cpu_seconds),
        });
    }
    output::line(format!(
        "Wrote {}: {} rows; {:.1} s to read, {:.1} s to score ({:.1} s of processors)",
        args.out.display(),
        columns::count(rows),
        reading.wall_seconds,
        scoring.wall_seconds,
        scoring.cpu_seconds,
    ));
    if args.measure_prebinned {
        output::line(format!("Scoring alone, from bins: {:.2} s of processors", prebinned.cpu_seconds));
    }
    Ok(())
}
