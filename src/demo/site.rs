//! Everything the demo stands on, in one folder: made the first time, reused afterwards.

use std::path::{Path, PathBuf};

use chrono::NaiveDate;

use super::{
    local_slack::{BOT_TOKEN, LocalSlack, OPERATOR, SIGNING_SECRET},
    postgres::{Cluster, PostgresError},
    sample_lake::{self, SampleError, SampleOptions},
};
use crate::{
    catalog::{Catalog, CatalogError},
    config::{Config, ConfigError},
    features::{self, FeaturesError},
    lake::{LakeError, Store, StoreOptions},
    progress::Report,
};

/// Days of events: two horizons, and what features look back on before them.
const DAYS: u16 = 150;
const SEED: u64 = 1;

/// Why the demo's surroundings cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    #[error("cannot create {}: {source}", path.display())]
    Folder { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Sample(#[from] SampleError),
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Lake(#[from] LakeError),
    #[error(transparent)]
    Features(#[from] FeaturesError),
    #[error(transparent)]
    Postgres(#[from] PostgresError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("a part of the preparation broke off")]
    BrokenOff,
}

/// The sample lake with its snapshots.
#[derive(Debug)]
pub struct Site {
    folder: PathBuf,
    pub catalog: Catalog,
    /// Holds the input and everything that is made of it.
    pub store: Store,
    /// The newest day with data.
    pub as_of: NaiveDate,
}

impl Site {
    /// Writes the lake and builds its snapshots in `folder`, or finds both there.
    ///
    /// `today` only decides the last day of a lake that is written anew; one that is there stays as it is.
    pub async fn prepare(
        folder: &Path,
        users: u64,
        last_day: NaiveDate,
        report: &(dyn Report + Send),
    ) -> Result<Self, SiteError> {
        let lake = folder.join("lake");
        std::fs::create_dir_all(&lake).map_err(|source| SiteError::Folder { path: lake.clone(), source })?;
        let options =
            existing(&lake, users).unwrap_or(SampleOptions { users, days: DAYS, visits: 1, seed: SEED, last_day });
        if !sample_lake::is_complete(&lake, &options) {
            report.stage("writing the sample lake");
            let write = || sample_lake::write(&lake, &options, &|done, of| report.advance(done, of));
            tokio::task::block_in_place(write)?;
        }
        let catalog = Catalog::load(&lake.join("catalog.toml"))?;
        let cache = StoreOptions { cache_dir: folder.join("cache"), cache_bytes: 0, s3_path_style: false };
        let store = Store::open(&url(&lake), &cache).await?;
        report.stage("building features");
        features::build(&store, &store, &catalog, options.last_day, report).await?;
        Ok(Self { folder: folder.to_owned(), catalog, store, as_of: options.last_day })
    }

    /// The private database, with its files in the same folder.
    pub async fn cluster(folder: &Path) -> Result<Cluster, SiteError> {
        let folder = folder.join("postgres");
        tokio::task::spawn_blocking(move || Cluster::start(&folder))
            .await
            .map_err(|_| SiteError::BrokenOff)?
            .map_err(SiteError::from)
    }

    /// The variables with which the service and its workers run here.
    pub fn variables(&self, cluster: &Cluster, slack: &LocalSlack) -> Vec<(String, String)> {
        let lake = self.folder.join("lake");
        let variables = [
            ("SEGMENT_CATALOG", lake.join("catalog.toml").display().to_string()),
            ("SEGMENT_LAKE", url(&lake)),
            ("SEGMENT_STORE", url(&lake)),
            ("SEGMENT_CACHE_DIR", self.folder.join("cache").display().to_string()),
            ("DATABASE_URL", cluster.url()),
            ("SLACK_BOT_TOKEN", BOT_TOKEN.to_owned()),
            ("SLACK_SIGNING_SECRET", SIGNING_SECRET.to_owned()),
            // Emptied, because a real one in the environment would open a Socket Mode connection.
            ("SLACK_APP_TOKEN", String::new()),
            ("SLACK_API_URL", slack.api_url()),
            ("SLACK_ADMINS", OPERATOR.to_owned()),
        ];
        variables.map(|(name, value)| (name.to_owned(), value)).to_vec()
    }
}

/// What `variables` make of the configuration; everything else has its default.
pub fn config(variables: &[(String, String)]) -> Result<Config, ConfigError> {
    Config::from_lookup(|name| variables.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone()))
}

/// The options of a finished lake of as many people, whatever its last day.
fn existing(lake: &Path, users: u64) -> Option<SampleOptions> {
    let stamp = std::fs::read(lake.join("_sample.json")).ok()?;
    let options: SampleOptions = serde_json::from_slice(&stamp).ok()?;
    (options.users == users && options.days == DAYS && options.seed == SEED).then_some(options)
}

fn url(folder: &Path) -> String {
    format!("file://{}", folder.display())
}
