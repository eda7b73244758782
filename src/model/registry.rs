//! Models in the store: `models/<product>/<model id>/model.json`, `report.json` and `replay.parquet`; the same id is the same model.

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};

use crate::{
    catalog::{Catalog, Product},
    contracts::{columns, keys},
    digest::sha256_hex,
    features::{ColumnRole, FeatureBatch, FeaturesError, Snapshot, SnapshotManifest, TRAINING_WINDOWS},
    lake::{LakeError, Store},
    progress::Report,
    segment::SnapshotRef,
};

use super::{
    ModelError, ModelReport,
    replay::Replay,
    replays::Replays,
    train::{Fitted, fit},
    training::{Source, Window},
};

/// Raised whenever the same inputs would give another model.
const MODEL_VERSION: u32 = 8;

/// Columns that say who may be learned from or picked, and not what somebody is like.
const OF_NO_MODEL: [&str; 2] = [columns::OPTED_OUT, columns::HAS_EVENTS];

/// Share of the features, in percent, that an older snapshot must have to be learned from as well.
const FEATURES_SHARED_PERCENT: usize = 90;

/// A model that can score, and how it was judged.
#[derive(Debug)]
pub struct Model {
    pub id: String,
    /// SHA-256 of `model.json`.
    pub sha256: String,
    /// Columns it reads, in order.
    pub features: Vec<String>,
    pub booster: gbdt::Gbdt,
    scorer: gbdt::Scorer,
    pub report: ModelReport,
    /// What its promises are judged by.
    pub replay: Replay,
    /// The newest of the snapshots whose features it learned from.
    pub trained_on: SnapshotRef,
    /// Whether it was found in the store.
    pub reused: bool,
}

impl Model {
    /// Calibrated log-odds, one number a person, in their order.
    ///
    /// # Panics
    /// When `people` has other columns than [`Model::features`], which it was encoded by.
    pub fn raw_scores(&self, people: &FeatureBatch) -> Vec<f64> {
        assert_eq!(people.names, self.features, "people are encoded by the model's features");
        let columns: Vec<Option<&[f32]>> = people.columns.iter().map(|column| Some(column.as_slice())).collect();
        let mut scores = vec![0.0; people.rows()];
        self.scorer.log_odds(&columns, &mut scores);
        scores
    }
}

/// Whether a stored model may serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    Allowed,
    /// Train again and store nothing: for verifying.
    Never,
}

/// `report.json`: what made the model, and how it was judged.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    id: String,
    decided_by: Identity,
    report: ModelReport,
}

/// Everything that decides a model; its hash is the model's id.
#[derive(Debug, Serialize, Deserialize)]
struct Identity {
    version: u32,
    gbdt_format: u32,
    product: String,
    horizon_days: u16,
    /// Whose features it learned from, the newest first; each is labelled by the one before it.
    trained_on: Vec<SnapshotRef>,
    labelled_by: SnapshotRef,
    features: Vec<String>,
    seed: u64,
}

impl Identity {
    fn id(&self) -> Result<String, ModelError> {
        Ok(sha256_hex(serde_json::to_vec(self)?)[..16].to_owned())
    }
}

/// A model before it is there.
struct Plan {
    identity: Identity,
    past: Vec<Snapshot>,
}

/// Snapshots that were looked for, by day; `None` where there is none that this catalog describes.
type Opened = BTreeMap<NaiveDate, Option<Snapshot>>;

/// Where models come from and go to.
pub struct Registry<'a> {
    pub store: &'a Store,
    pub catalog: &'a Catalog,
    pub seed: u64,
    pub reuse: Reuse,
}

impl Registry<'_> {
    /// The model of `product` that scores `scored`: found in the store, or trained on the snapshots one, two and three
    /// horizons earlier, as far as they are there.
    pub async fn find_or_train(
        &self,
        product: &Product,
        scored: &Snapshot,
        report: &dyn Report,
    ) -> Result<Model, ModelError> {
        let Plan { identity, past } = self.plan(product, scored, &mut Opened::new()).await?;
        let features = identity.features.clone();
        if self.reuse == Reuse::Allowed
            && let Some(model) = self.stored(product, &identity).await?
        {
            return Ok(model);
        }
        let source = Source { catalog: self.catalog, product: &product.id, features: &features, seed: self.seed };
        let later = std::iter::once(scored).chain(&past);
        let windows: Vec<Window<'_>> =
            past.iter().zip(later).map(|(features_of, labels_of)| Window { features_of, labels_of }).collect();
        let fitted = fit(&source, product, &windows, report).await?;
        self.keep(product, identity, fitted).await
    }

    /// Of these products, those whose model for `scored` is not in the store yet, in their order.
    pub async fn cold<'p>(
        &self,
        products: impl Iterator<Item = &'p Product>,
        scored: &Snapshot,
    ) -> Result<Vec<&'p Product>, ModelError> {
        let (mut opened, mut cold) = (Opened::new(), Vec::new());
        for product in products {
            let id = self.plan(product, scored, &mut opened).await?.identity.id()?;
            if !self.store.exists(&keys::model_file(&product.id, &id, "model.json")).await? {
                cold.push(product);
            }
        }
        Ok(cold)
    }

    /// What decides the model, and the snapshots that it learns from, the newest first.
    async fn plan(&self, product: &Product, scored: &Snapshot, opened: &mut Opened) -> Result<Plan, ModelError> {
        let horizon = TimeDelta::days(i64::from(product.horizon_days));
        let first = scored.as_of() - horizon;
        let earlier = match self.optional(first, opened).await? {
            Some(earlier) => earlier,
            // Says why it is not there.
            None => Snapshot::open(self.store, self.catalog, first).await?,
        };
        let mut features = model_features(product, earlier.manifest(), scored.manifest())?;
        let mut past = vec![earlier];
        while past.len() < usize::from(TRAINING_WINDOWS)
            && let Some(older) = self.optional(past[past.len() - 1].as_of() - horizon, opened).await?
            && let Some(shared) = shared_features(&features, older.manifest())
        {
            features = shared;
            past.push(older);
        }
        let identity = Identity {
            version: MODEL_VERSION,
            gbdt_format: gbdt::FORMAT_VERSION,
            product: product.id.to_string(),
            horizon_days: product.horizon_days,
            trained_on: past.iter().map(reference).collect(),
            labelled_by: reference(scored),
            features,
            seed: self.seed,
        };
        Ok(Plan { identity, past })
    }

    async fn optional(&self, as_of: NaiveDate, opened: &mut Opened) -> Result<Option<Snapshot>, ModelError> {
        if let Some(snapshot) = opened.get(&as_of) {
            return Ok(snapshot.clone());
        }
        let snapshot = match Snapshot::open(self.store, self.catalog, as_of).await {
            Ok(snapshot) => Some(snapshot),
            Err(FeaturesError::NoSnapshot { .. } | FeaturesError::OtherDefinition { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        opened.insert(as_of, snapshot.clone());
        Ok(snapshot)
    }

    async fn stored(&self, product: &Product, identity: &Identity) -> Result<Option<Model>, ModelError> {
        let id = identity.id()?;
        let stored = LakeError::found(self.store.read(&keys::model_file(&product.id, &id, "model.json")).await)?;
        let Some(bytes) = stored else { return Ok(None) };
        let record = self.store.read(&keys::model_file(&product.id, &id, "report.json")).await?;
        let record: Record = serde_json::from_slice(&record)?;
        let booster = gbdt::Gbdt::from_bytes(&bytes)?;
        let replay = self.store.read(&keys::model_file(&product.id, &id, "replay.parquet")).await?;
        Ok(Some(Model {
            replay: Replay::from_bytes(record.report.replay, replay)?,
            sha256: sha256_hex(&bytes),
            features: record.decided_by.features,
            scorer: booster.scorer(),
            booster,
            report: record.report,
            trained_on: newest(&record.decided_by.trained_on),
            reused: true,
            id,
        }))
    }

    /// Writes the rest first: `model.json` is what makes the model exist.
    async fn keep(&self, product: &Product, decided_by: Identity, fitted: Fitted) -> Result<Model, ModelError> {
        let id = decided_by.id()?;
        let bytes = fitted.booster.to_bytes();
        let sha256 = sha256_hex(&bytes);
        let record = Record { id: id.clone(), decided_by, report: fitted.report };
        if self.reuse == Reuse::Allowed {
            let report = serde_json::to_vec_pretty(&record)?;
            self.store.write(&keys::model_file(&product.id, &id, "report.json"), Bytes::from(report)).await?;
            self.store.write(&keys::model_file(&product.id, &id, "replay.parquet"), fitted.replay.to_bytes()?).await?;
            if record.report.replay.is_past {
                let (day, replays) = (record.decided_by.labelled_by.as_of, Replays { store: self.store });
                replays.keep(day, product.id.as_str(), &id, &record.report.kept).await?;
            }
            self.store.write(&keys::model_file(&product.id, &id, "model.json"), Bytes::from(bytes)).await?;
        }
        let Record { decided_by, report, .. } = record;
        let (features, trained_on) = (decided_by.features, newest(&decided_by.trained_on));
        let booster = fitted.booster;
        let scorer = booster.scorer();
        let replay = fitted.replay;
        Ok(Model { id, sha256, features, booster, scorer, report, replay, trained_on, reused: false })
    }
}

fn newest(snapshots: &[SnapshotRef]) -> SnapshotRef {
    snapshots.first().cloned().expect("a model learned from one snapshot at least")
}

/// The features that an older snapshot has too; `None` where they are too few.
fn shared_features(features: &[String], older: &SnapshotManifest) -> Option<Vec<String>> {
    let has = |name: &&String| older.columns.iter().any(|column| column.name == **name);
    let shared: Vec<String> = features.iter().filter(has).cloned().collect();
    (shared.len() * 100 >= features.len() * FEATURES_SHARED_PERCENT).then_some(shared)
}

/// A snapshot as manifests name it.
pub fn reference(snapshot: &Snapshot) -> SnapshotRef {
    SnapshotRef { as_of: snapshot.as_of(), sha256: snapshot.sha256().to_owned() }
}

/// What the earlier snapshot chose and the scored one has too, less what the product forbids.
fn model_features(
    product: &Product,
    earlier: &SnapshotManifest,
    scored: &SnapshotManifest,
) -> Result<Vec<String>, ModelError> {
    let forbidden = |name: &String| product.forbidden_features.contains(name);
    let features: Vec<String> = earlier
        .columns
        .iter()
        .filter(|column| {
            matches!(column.role, ColumnRole::Profile | ColumnRole::Feature)
                && !OF_NO_MODEL.contains(&column.name.as_str())
        })
        .filter(|column| column.product.as_ref().is_none_or(|of| *of == product.id))
        .filter(|column| column.own && !forbidden(&column.feature) && !forbidden(&column.name))
        .map(|column| column.name.clone())
        .collect();
    match features.iter().find(|name| !scored.columns.iter().any(|column| column.name == **name)) {
        Some(missing) => Err(ModelError::ColumnGone { column: missing.clone(), as_of: scored.as_of }),
        None => Ok(features),
    }
}
