//! `doctor`: every dependency, one line each, with what to fix. Each check is a file of its own.

mod database;
mod lake;
mod machine;
mod slack;
mod store;
mod tables;

use std::process::ExitCode;

use super::output;
use crate::{
    app,
    catalog::{Catalog, CatalogError},
    config::Config,
    lake::LakeError,
    queue::QueueError,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Also mend what doctor itself can: files of the store that others on this machine may read become the owner's alone.
    #[arg(long)]
    mend: bool,
}

/// What one check found: words for a person, or what is wrong and how to mend it.
#[derive(Debug)]
struct Finding {
    name: &'static str,
    found: Result<String, (String, String)>,
}

impl Finding {
    fn well(name: &'static str, words: impl Into<String>) -> Self {
        Self { name, found: Ok(words.into()) }
    }

    fn wrong(name: &'static str, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name, found: Err((what.into(), fix.into())) }
    }

    /// What failed; `fix` where the failure does not know its own remedy.
    fn failed(name: &'static str, error: &anyhow::Error, fix: &str) -> Self {
        let (what, remedy) = parts(error);
        Self::wrong(name, what, remedy.unwrap_or_else(|| fix.to_owned()))
    }

    fn say(&self) {
        match &self.found {
            Ok(words) => output::line(format!("ok     {:<9} {words}", self.name)),
            Err((what, fix)) => {
                output::line(format!("WRONG  {:<9} {what}", self.name));
                output::line(format!("       {:<9} → {fix}", ""));
            }
        }
    }
}

/// A failure's words, and its remedy where it knows one.
fn parts(error: &anyhow::Error) -> (String, Option<String>) {
    let (what, remedy) = match (error.downcast_ref::<LakeError>(), error.downcast_ref::<QueueError>()) {
        (Some(LakeError::S3(trouble)), _) => (trouble.what(), trouble.remedy()),
        (_, Some(QueueError::Database(trouble))) => (trouble.what(), trouble.remedy()),
        _ => return (format!("{error:#}"), None),
    };
    (what.to_owned(), remedy.map(str::to_owned))
}

pub(super) async fn run(args: &Args, config: &Config) -> anyhow::Result<ExitCode> {
    let mut report = Report { well: true };
    let catalog = report.inputs(config).await;
    let options = app::store_options(config);
    report.say(store::check(config, catalog.as_ref(), &options, args.mend).await);
    report.say(database::check(config).await);
    report.say(slack::check(config, catalog.as_ref()).await);
    report.say(machine::check(config));
    Ok(report.code())
}

/// What `catalog check` says: the catalog, and the lake as the catalog describes it.
pub(super) async fn tables_only(config: &Config) -> ExitCode {
    let mut report = Report { well: true };
    report.inputs(config).await;
    report.code()
}

/// What has been said so far.
struct Report {
    well: bool,
}

impl Report {
    fn say(&mut self, findings: Vec<Finding>) {
        for finding in findings {
            self.well &= finding.found.is_ok();
            finding.say();
        }
    }

    /// Checks the catalog and, through it, the lake; the catalog where it can be used.
    async fn inputs(&mut self, config: &Config) -> Option<Catalog> {
        let catalog = Catalog::load(&config.catalog);
        let options = app::store_options(config);
        self.say(vec![catalog_found(&catalog)]);
        let catalog = catalog.ok();
        self.say(lake::check(config, catalog.as_ref(), &options).await);
        self.say(tables::check(config, catalog.as_ref(), &options).await);
        catalog
    }

    fn code(&self) -> ExitCode {
        if self.well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

fn catalog_found(catalog: &Result<Catalog, CatalogError>) -> Finding {
    match catalog {
        Ok(catalog) => Finding::well(
            "catalog",
            format!("{} products, {} features", catalog.products.len(), catalog.features.len()),
        ),
        Err(error) => Finding::wrong(
            "catalog",
            error.to_string(),
            "mend the file, or let SEGMENT_CATALOG name another; src/demo/catalog.toml is an example",
        ),
    }
}

/// A clock that is off by more than this makes signatures fail and days end at the wrong moment.
const CLOCK_OFF_SECONDS: i64 = 60;

/// What to say where another's clock differs from this machine's; `ahead` is how far theirs is before ours, in seconds.
fn clock(whose: &str, ahead: i64) -> Option<Finding> {
    if ahead.abs() <= CLOCK_OFF_SECONDS {
        return None;
    }
    let side = if ahead > 0 { "behind" } else { "ahead of" };
    let what = format!("this machine's clock is {} seconds {side} that of {whose}", ahead.abs());
    Some(Finding::wrong("clock", what, "set the clock that is wrong, and let NTP keep both"))
}
