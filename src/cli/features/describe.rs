//! `features describe`: a snapshot's columns as one table.

use std::process::ExitCode;

use chrono::NaiveDate;
use serde::Serialize;

use crate::{
    cli::{columns, output, stores::Stores},
    config::Config,
    features::{self, Distribution, FeaturesError, Numbers, Snapshot, Values},
};

/// Above these, a population stability index is called a shift or a drift.
const SHIFTED: f64 = 0.1;
const DRIFTED: f64 = 0.25;
/// Texts of a column that are shown.
const TEXTS_SHOWN: usize = 5;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The snapshot's day; without it, the newest snapshot.
    #[arg(long)]
    as_of: Option<NaiveDate>,
    /// Say everything as one JSON object.
    #[arg(long)]
    json: bool,
}

/// What `--json` says.
#[derive(Serialize)]
struct Report {
    as_of: NaiveDate,
    /// The snapshot that drift is measured against.
    earlier: Option<NaiveDate>,
    people: u64,
    columns: Vec<Distribution>,
}

pub(super) async fn run(args: Args, config: &Config) -> anyhow::Result<ExitCode> {
    let store = Stores::open(config).await?.store;
    let as_of = match args.as_of {
        Some(day) => day,
        None => Snapshot::days(&store).await?.pop().ok_or(FeaturesError::NoSnapshots)?,
    };
    let snapshot = Snapshot::of(&store, as_of).await?;
    let earlier = Snapshot::before(&store, as_of).await?;
    let report = Report {
        as_of,
        earlier: earlier.as_ref().map(Snapshot::as_of),
        people: snapshot.manifest().rows,
        columns: features::describe(&snapshot, earlier.as_ref()).await?,
    };
    if args.json {
        output::line(serde_json::to_string_pretty(&report)?);
    } else {
        lines(&report).into_iter().for_each(output::line);
    }
    Ok(ExitCode::SUCCESS)
}

fn lines(report: &Report) -> Vec<String> {
    let people = crate::texts::grouped(report.people);
    let drift = match report.earlier {
        Some(day) => format!("PSI: drift since the snapshot of {day}; ! above {SHIFTED}, !! above {DRIFTED}"),
        None => "No earlier snapshot to measure drift against".to_owned(),
    };
    let heading = ["column", "missing", "mean", "min", "25 %", "median", "75 %", "max", "PSI", ""].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(heading).chain(report.columns.iter().map(row)).collect();
    let mut lines = vec![format!("Snapshot of {}: {people} people. {drift}.", report.as_of)];
    lines.extend(columns::aligned(&rows));
    lines.extend(report.columns.iter().filter_map(texts));
    lines
}

fn row(distribution: &Distribution) -> [String; 10] {
    let Distribution { column, people, missing, values, psi } = distribution;
    let [mean, min, quarter, median, three_quarters, max] = match values {
        Values::Numbers(Some(numbers)) => {
            let Numbers { mean, min, quarter, median, three_quarters, max } = *numbers;
            [mean, min, quarter, median, three_quarters, max].map(number)
        }
        Values::Numbers(None) => std::array::from_fn(|_| columns::or_dash(None, 0)),
        Values::Texts(_) => std::array::from_fn(|_| String::new()),
    };
    let sign = match psi {
        Some(psi) if *psi > DRIFTED => "!!",
        Some(psi) if *psi > SHIFTED => "!",
        _ => "",
    };
    let (name, missing) = (column.name.clone(), columns::percent(share(*missing, *people)));
    let psi = columns::or_dash(*psi, 3);
    [name, missing, mean, min, quarter, median, three_quarters, max, psi, sign.to_owned()]
}

/// Whole numbers as they are, others with as many decimals as tell something.
fn number(value: f64) -> String {
    if value.fract() == 0.0 || value.abs() >= 1000.0 {
        format!("{value:.0}")
    } else if value.abs() >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.3}")
    }
}

/// The commonest texts of a column that holds text.
fn texts(distribution: &Distribution) -> Option<String> {
    let Values::Texts(texts) = &distribution.values else { return None };
    let shown = texts.iter().take(TEXTS_SHOWN);
    let mut shown: Vec<String> = shown
        .map(|(text, people)| format!("{text} {}", columns::percent(share(*people, distribution.people))))
        .collect();
    if texts.len() > TEXTS_SHOWN {
        shown.push(format!("{} more", texts.len() - TEXTS_SHOWN));
    }
    Some(format!("  {}: {}", distribution.column.name, shown.join(", ")))
}

#[expect(clippy::cast_precision_loss, reason = "people are fewer than 2^53")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
