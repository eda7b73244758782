//! `doctor`: every dependency, one line each, with what to fix.

use std::process::ExitCode;

use anyhow::Context as _;
use sqlx::migrate::Migrate as _;

use super::{output, stores};
use crate::{
    app,
    catalog::Catalog,
    config::Config,
    features::Snapshot,
    lake::{Store, StoreOptions},
    queue,
};

/// What a check found: words for a person, or the failure and what to do about it.
type Found = Result<String, (anyhow::Error, &'static str)>;

pub(super) async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    let catalog = Catalog::load(&config.catalog);
    let options = stores::options(config);
    let checks = [
        ("catalog", catalog_found(&catalog)),
        ("lake", lake(config, catalog.as_ref().ok(), &options).await),
        ("store", store(config, catalog.as_ref().ok(), &options).await),
        ("database", database(config).await),
        ("slack", slack(config).await),
    ];
    let operators = operators(config).await.map(|found| ("operators", found));
    let mut well = true;
    for (name, found) in checks.into_iter().chain(operators) {
        match found {
            Ok(words) => output::line(format!("ok     {name:<9} {words}")),
            Err((error, fix)) => {
                well = false;
                output::line(format!("WRONG  {name:<9} {error:#}"));
                output::line(format!("       {:<9} → {fix}", ""));
            }
        }
    }
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn catalog_found(catalog: &Result<Catalog, crate::catalog::CatalogError>) -> Found {
    match catalog {
        Ok(catalog) => Ok(format!("{} products, {} features", catalog.products.len(), catalog.features.len())),
        Err(error) => Err((
            anyhow::anyhow!("{error}"),
            "mend the file, or let SEGMENT_CATALOG name another; src/demo/catalog.toml is an example",
        )),
    }
}

async fn lake(config: &Config, catalog: Option<&Catalog>, options: &StoreOptions) -> Found {
    let count = async {
        let lake = Store::open(&config.lake, options).await?;
        let paths = catalog.map(|catalog| {
            catalog.events.iter().map(|table| &table.path).chain([&catalog.users.path]).cloned().collect::<Vec<_>>()
        });
        let mut files = 0;
        for path in paths.unwrap_or_default() {
            let fixed = path.split(['*', '?', '[', '{']).next().unwrap_or_default();
            let folder = fixed.rsplit_once('/').map_or("", |(folder, _)| folder);
            let found = lake.list(folder).await?.len();
            anyhow::ensure!(found > 0, "no file lies where `{path}` looks");
            files += found;
        }
        Ok(format!("{} ({files} files)", config.lake))
    };
    count.await.map_err(|error| (error, "SEGMENT_LAKE names the folder or bucket above the paths in the catalog"))
}

async fn store(config: &Config, catalog: Option<&Catalog>, options: &StoreOptions) -> Found {
    const PROBE: &str = "doctor/probe";
    let written = async {
        let store = Store::open(&config.store, options).await?;
        store.write(PROBE, bytes::Bytes::from_static(b"written by segment-bot doctor")).await?;
        store.read(PROBE).await?;
        anyhow::Ok(store)
    };
    let store = written
        .await
        .context("cannot be written")
        .map_err(|error| (error, "SEGMENT_STORE must be a folder or bucket that this user may write"))?;
    let Some(catalog) = catalog else { return Ok(config.store.clone()) };
    match Snapshot::newest(&store, catalog).await {
        Ok(snapshot) => Ok(format!("{}, newest snapshot {}", config.store, snapshot.as_of())),
        Err(error) => Err((error.into(), "run `segment-bot features build`")),
    }
}

async fn database(config: &Config) -> Found {
    let fix = "DATABASE_URL must name a Postgres that answers, such as postgres://user:password@host/database";
    let connected = async {
        let pool = queue::connect(config.require_database()?).await?;
        anyhow::Ok(pool.acquire().await?)
    };
    let mut connection = connected.await.map_err(|error| (error, fix))?;
    // Without the table of migrations, none has run.
    let applied = connection.list_applied_migrations("_sqlx_migrations").await.unwrap_or_default();
    let known = queue::MIGRATOR.iter().filter(|migration| !migration.migration_type.is_down_migration());
    let missing = known.filter(|migration| applied.iter().all(|done| done.version != migration.version)).count();
    if missing > 0 {
        return Err((anyhow::anyhow!("{missing} migrations have not run"), "run `segment-bot migrate`"));
    }
    Ok(format!("{} migrations applied", applied.len()))
}

async fn slack(config: &Config) -> Found {
    let asked = async {
        let identity = app::slack_identity(config).await?;
        anyhow::Ok(format!("connected as {identity}"))
    };
    asked.await.map_err(|error| {
        (error, "copy SLACK_BOT_TOKEN (OAuth & Permissions) and SLACK_SIGNING_SECRET (Basic Information) from the app's pages")
    })
}

/// Nothing without Slack, whose own line says so.
async fn operators(config: &Config) -> Option<Found> {
    config.require_slack().ok()?;
    Some(match app::operators_channel(config).await {
        Ok(Some(name)) => Ok(format!("failures that need you are told in {name}")),
        Ok(None) => {
            Ok("failures that need you are in the log alone, for SLACK_OPERATORS_CHANNEL is not set".to_owned())
        }
        Err(error) => Err((error, "SLACK_OPERATORS_CHANNEL must be the id of a channel that the bot was invited to")),
    })
}
