//! `segment create`, `estimate` and `verify`: the whole job without Slack, on the same path.

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, OpenOptions, Permissions},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context as _;
use chrono::NaiveDate;
use serde::Serialize;

use super::{output, progress::Bars, stores::Stores, words};
use crate::{
    catalog::Catalog,
    config::Config,
    digest::sha256_hex,
    features::Snapshot,
    pipeline::{
        Estimator, Suppress,
        build_segment::{Ask, BuildContext, Built, DEFAULT_SEED, build_segment},
    },
    segment::{self, Conditions, Draft, LeftOutList, Summary},
    suppression,
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Find the people most likely to convert and write them as a CSV.
    Create(Create),
    /// Say how many people a request would find, without building anything.
    Estimate(Estimate),
    /// Build a segment again and compare every byte with its manifest.
    Verify(super::verify::Args),
    /// Train the models of a day beforehand, so that its first requests need no training; those that are there are kept.
    Warm(super::warm::Args),
}

#[derive(Debug, clap::Args)]
pub(super) struct Estimate {
    #[command(flatten)]
    wanted: Wanted,
    /// Say it as one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Create {
    #[command(flatten)]
    wanted: Wanted,
    /// Campaign name.
    #[arg(long)]
    name: Option<String>,
    /// The snapshot's day; without it, the newest.
    #[arg(long)]
    as_of: Option<NaiveDate>,
    /// Where copies of the files go.
    #[arg(long, default_value = "segment")]
    out: PathBuf,
    /// Say everything as one JSON object.
    #[arg(long)]
    json: bool,
    /// Threads; `SEGMENT_THREADS` otherwise. Changes the time, never the result.
    #[arg(long)]
    threads: Option<usize>,
}

/// Whom a request asks for.
#[derive(Debug, clap::Args)]
struct Wanted {
    /// A product of the catalog.
    #[arg(long)]
    product: String,
    /// Genders, separated by commas; without it, everyone.
    #[arg(long, value_delimiter = ',')]
    gender: Vec<String>,
    /// From and to in years, such as 25-39; without it, every age.
    #[arg(long)]
    age: Option<String>,
    /// Regions or areas, separated by commas; without it, everywhere.
    #[arg(long, value_delimiter = ',')]
    region: Vec<String>,
    /// A choice of an attribute of the catalog, such as `rank=gold,silver`; may be given several times.
    #[arg(long, value_name = "ATTRIBUTE=CHOICES")]
    attribute: Vec<String>,
    /// People, or a share of the eligible such as 5%.
    #[arg(long)]
    size: String,
    /// Whom to leave out who already converted: never, ever or days such as 90d; the product's default otherwise.
    #[arg(long)]
    converted: Option<String>,
    /// Folders of earlier segments whose people are left out, separated by commas.
    #[arg(long, value_delimiter = ',')]
    without: Vec<String>,
    /// Share of the picked who are kept out of delivery and go to control.csv, such as 10%; the product's default otherwise.
    #[arg(long)]
    control: Option<String>,
}

pub(super) async fn run(command: Command, config: &Config) -> anyhow::Result<ExitCode> {
    match command {
        Command::Create(create) => self::create(create, config).await.map(|()| ExitCode::SUCCESS),
        Command::Estimate(estimate) => self::estimate(&estimate, config).await.map(|()| ExitCode::SUCCESS),
        Command::Verify(args) => super::verify::run(&args, config).await,
        Command::Warm(args) => super::warm::run(args, config).await.map(|()| ExitCode::SUCCESS),
    }
}

async fn create(create: Create, config: &Config) -> anyhow::Result<()> {
    super::threads(create.threads.unwrap_or(config.threads))?;
    let stores = Stores::open(config).await?;
    let conditions = conditions(&create.wanted, create.name.clone(), &stores.catalog)?;
    let as_of = match create.as_of {
        Some(day) => day,
        None => Snapshot::newest(&stores.store, &stores.catalog).await?.as_of(),
    };
    let suppressed = suppression::current(&stores.store).await?.map(|(list, _)| list);
    let ask = Ask {
        request: folder_of(&conditions, as_of, suppressed.as_ref()),
        conditions,
        as_of: Some(as_of),
        seed: DEFAULT_SEED,
        suppress: Suppress::Recorded(suppressed),
        replays: None,
    };
    let bars = Bars::default();
    let context = BuildContext { catalog: &stores.catalog, store: &stores.store };
    let built = build_segment(context, &ask, &bars).await;
    bars.finish();
    let built = built.context("the segment could not be built")?;
    copy_out(&built, &create.out)?;
    let counted = estimate_of(stores, &ask.conditions, as_of).await?;
    if create.json {
        output::line(serde_json::to_string_pretty(&Said::of(&built.summary, counted.as_ref()))?);
        return Ok(());
    }
    words::summary(&built.summary, &ask.conditions).into_iter().for_each(output::line);
    counted.as_ref().and_then(words::age_unknown).into_iter().for_each(output::line);
    output::line(format!("Files: {}", create.out.display()));
    Ok(())
}

/// What the conditions find where that is counted in a moment: on the newest snapshot, and where an age was asked for.
async fn estimate_of(
    stores: Stores,
    conditions: &Conditions,
    as_of: NaiveDate,
) -> anyhow::Result<Option<segment::Estimate>> {
    if conditions.age.is_none() {
        return Ok(None);
    }
    let estimator = Estimator::new(Arc::new(stores.catalog), stores.store);
    let outlook = estimator.estimate(vec![conditions.clone()]).await?;
    Ok(outlook.estimates.first().copied().filter(|_| outlook.as_of == as_of))
}

/// What `segment create --json` says: the figures that are asked for most, and everything that the thread says.
#[derive(Serialize)]
struct Said<'s> {
    /// Conversions to expect among the delivered, with a 90 % interval.
    expected: f64,
    expected_low: u64,
    expected_high: u64,
    /// Among those who met the conditions, people whom the model did not learn from, with a 95 % interval.
    auc: f64,
    auc_low: f64,
    auc_high: f64,
    eligible: u64,
    delivered: u64,
    /// People of unknown age whom asking for an age leaves out; `None` where that was not counted.
    age_unknown: Option<u64>,
    summary: &'s Summary,
}

impl<'s> Said<'s> {
    fn of(summary: &'s Summary, counted: Option<&segment::Estimate>) -> Self {
        let Summary { quality, waterfall, .. } = summary;
        Self {
            expected: quality.expected,
            expected_low: quality.expected_low,
            expected_high: quality.expected_high,
            auc: quality.auc,
            auc_low: quality.auc_low,
            auc_high: quality.auc_high,
            eligible: waterfall.eligible,
            delivered: waterfall.delivered,
            age_unknown: counted.map(|counted| counted.age_unknown),
            summary,
        }
    }
}

async fn estimate(args: &Estimate, config: &Config) -> anyhow::Result<()> {
    let stores = Stores::open(config).await?;
    let conditions = conditions(&args.wanted, None, &stores.catalog)?;
    let estimator = Estimator::new(Arc::new(stores.catalog), stores.store);
    let outlook = estimator.estimate(vec![conditions.clone()]).await?;
    let estimate = outlook.estimates.first().context("nothing was counted")?;
    if args.json {
        output::line(serde_json::to_string_pretty(estimate)?);
    } else {
        words::estimate(estimate, &conditions).into_iter().for_each(output::line);
    }
    Ok(())
}

fn conditions(wanted: &Wanted, name: Option<String>, catalog: &Catalog) -> anyhow::Result<Conditions> {
    let attributes = Draft::from_text(catalog, &wanted.attribute.join(" "))?;
    anyhow::ensure!(
        Draft { attributes: BTreeMap::new(), ..attributes.clone() } == Draft::default(),
        "--attribute takes attributes of the catalog alone; other conditions have options of their own"
    );
    let mut draft = Draft {
        name,
        product: Some(wanted.product.clone()),
        genders: wanted.gender.clone(),
        regions: wanted.region.clone(),
        size: Some(wanted.size.clone()),
        converted: wanted.converted.clone(),
        without: wanted.without.clone(),
        control: wanted.control.clone(),
        ..attributes
    };
    if let Some(age) = &wanted.age {
        draft.set_age(age);
    }
    draft.check(catalog).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        anyhow::anyhow!(lines.join("\n"))
    })
}

/// The same question on the same day, with the same people suppressed, has the same folder, so that asking twice gives the same bytes, manifest included.
fn folder_of(conditions: &Conditions, as_of: NaiveDate, suppressed: Option<&LeftOutList>) -> String {
    let list = suppressed.map_or("", |list| &list.sha256);
    format!("cli-{}", &sha256_hex(format!("{as_of} {conditions} {list}"))[..16])
}

fn copy_out(built: &Built, out: &Path) -> anyhow::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(out)
        .with_context(|| format!("cannot create {}", out.display()))?;
    for (file, path) in built.files() {
        let to = out.join(&file.name);
        copy_privately(&path, &to).with_context(|| format!("cannot write {}", to.display()))?;
    }
    Ok(())
}

/// People's ids are for who asked: whoever may read the file is not left to the process's mask.
fn copy_privately(from: &Path, to: &Path) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(to)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    std::io::copy(&mut fs::File::open(from)?, &mut file)?;
    Ok(())
}
