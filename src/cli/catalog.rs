//! `catalog`: a catalog for a lake that has none, and does the operator's file fit the lake?

mod proposal;
mod roles;

use std::{
    fs::File,
    io::{ErrorKind, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::{Context as _, bail};

use super::{doctor, output};
use crate::{
    app,
    catalog::Catalog,
    config::Config,
    lake::{Store, tables},
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Look at a lake and propose a catalog for it: columns, codes, kinds and products, with comments that say why.
    Init(Init),
    /// Read the lake through the catalog and say what does not fit; the part of `doctor` that needs no service.
    Check,
}

#[derive(Debug, clap::Args)]
pub(super) struct Init {
    /// Where the tables are: a folder, `file://folder` or `s3://bucket/prefix`; `SEGMENT_LAKE` unless said.
    #[arg(long)]
    lake: Option<String>,
    /// A new file for the catalog; without it, the catalog is printed.
    #[arg(long)]
    out: Option<PathBuf>,
}

pub(super) async fn run(command: Command, config: &Config) -> anyhow::Result<ExitCode> {
    match command {
        Command::Init(args) => init(&args, config).await?,
        Command::Check => return Ok(doctor::tables_only(config).await),
    }
    Ok(ExitCode::SUCCESS)
}

async fn init(args: &Init, config: &Config) -> anyhow::Result<()> {
    let named = args.lake.as_deref().unwrap_or(&config.lake);
    let url = if named.contains("://") { named.to_owned() } else { format!("file://{named}") };
    let lake = Store::open(&url, &app::store_options(config)).await?;
    let surveyed = tables::survey(&lake).await?;
    let found: Vec<&str> = surveyed.iter().map(|table| table.path.as_str()).collect();
    let Some(roles) = roles::Roles::of(&surveyed) else {
        if found.is_empty() {
            bail!("{url} has no .parquet, .csv or .csv.gz file; name the folder above the tables with --lake");
        }
        if let Some(why) = surveyed.iter().find_map(|table| table.trouble.as_ref()) {
            bail!("{why}");
        }
        bail!(
            "{url} has {}, but a catalog needs one table with a row for each person and one with their events, each with a \
             time; write it by hand after docs/catalog.md",
            found.join(", ")
        );
    };
    let text = proposal::text(&roles, &surveyed);
    Catalog::parse(&text).context("the proposed catalog needs a hand")?;
    let Some(path) = &args.out else {
        output::line(text.trim_end());
        return Ok(());
    };
    let mut file = File::create_new(path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => anyhow::anyhow!("{} is there already; name another file", path.display()),
        _ => anyhow::Error::new(error).context(format!("cannot write {}", path.display())),
    })?;
    file.write_all(text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))?;
    output::line(format!("{}: look at its comments, then run `segment-bot catalog check`", path.display()));
    Ok(())
}
