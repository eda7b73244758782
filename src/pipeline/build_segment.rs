//! One segment, from what was asked to the files in the store: snapshot → model → audience → files.
//!
//! The same path serves Slack's worker, `segment create` and `segment verify`. Blocks on computation: callers put it on
//! a thread of its own.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use bytes::Bytes;
use chrono::NaiveDate;
use gbdt::sigmoid;
use serde::Serialize;

use crate::{
    audience::{self, LeftOut, Query, Scoring, Selection},
    catalog::Catalog,
    contracts::{Stage, keys},
    digest::sha256_hex,
    export,
    features::{FeatureBatch, Snapshot},
    lake::Store,
    model::{self, Model, Registry, Reuse},
    progress::Report,
    segment::{CONTROL_FILE, Conditions, FileEntry, LeftOutList, Manifest, Promised, Summary},
};

use super::{BuildError, Suppress, left_out, promise::promise, summarise::summarise};

/// Version of the manifest's format.
const MANIFEST_VERSION: u32 = 1;

/// The manifest's name, beside the files that it hashes.
const MANIFEST_FILE: &str = "manifest.json";

/// The seed that decides splits and sampling unless another is asked for.
pub const DEFAULT_SEED: u64 = 1;

/// What every build needs.
#[derive(Debug, Clone, Copy)]
pub struct BuildContext<'a> {
    pub catalog: &'a Catalog,
    pub store: &'a Store,
}

/// One request, as the pipeline sees it.
#[derive(Debug, Clone, Serialize)]
pub struct Ask {
    /// Names the folder below `segments/`.
    pub request: String,
    pub conditions: Conditions,
    /// `None` takes the newest snapshot.
    pub as_of: Option<NaiveDate>,
    pub seed: u64,
    #[serde(skip)]
    pub suppress: Suppress,
    /// Keys of the replays that the promise is learned from; `None` takes those of the snapshot's day.
    #[serde(skip)]
    pub replays: Option<Vec<String>>,
}

/// A finished segment in a folder of its own, not yet in the store.
#[derive(Debug)]
pub struct Built {
    pub summary: Summary,
    pub manifest: Manifest,
    folder: tempfile::TempDir,
}

impl Built {
    /// Every file on the local disk, the manifest last.
    pub fn files(&self) -> Vec<(FileEntry, PathBuf)> {
        self.summary.files.iter().map(|file| (file.clone(), self.folder.path().join(&file.name))).collect()
    }
}

/// Builds a segment and stores it under `segments/<request>/`: the request before any work, the manifest last.
pub async fn build_segment(ctx: BuildContext<'_>, ask: &Ask, report: &dyn Report) -> Result<Built, BuildError> {
    let key = |name: &str| keys::segment_file(&ask.request, name);
    let asked = serde_json::to_vec_pretty(ask).map_err(BuildError::Encode)?;
    ctx.store.write(&key("request.json"), Bytes::from(asked)).await?;
    let built = compute(ctx, ask, Reuse::Allowed, report).await?;
    for (file, path) in built.files() {
        ctx.store.write_file(&key(&file.name), &path).await?;
    }
    Ok(built)
}

/// Builds a segment without storing it; with [`Reuse::Never`] from nothing but the snapshots.
pub async fn compute(ctx: BuildContext<'_>, ask: &Ask, reuse: Reuse, report: &dyn Report) -> Result<Built, BuildError> {
    let mut stages = Stages::new(report);
    let prepared = Prepared::new(ctx, ask, reuse, &mut stages).await?;
    stages.enter(Stage::Scoring);
    let selection = prepared.select(report)?;
    stages.enter(Stage::Writing);
    let folder = tempfile::tempdir().map_err(BuildError::Scratch)?;
    let mut files = vec![export::write_people(folder.path(), export::SEGMENT_FILE, &selection.picked)?];
    if !selection.control.is_empty() {
        files.push(export::write_people(folder.path(), CONTROL_FILE, &selection.control)?);
    }
    let (quality, promised) = promise(&prepared, &selection).await?;
    let manifest = prepared.manifest(&selection, files, promised);
    let bytes = serde_json::to_vec_pretty(&manifest).map_err(BuildError::Encode)?;
    let manifest_file = write_manifest(folder.path(), &bytes)?;
    let mut summary = summarise(&prepared, &selection, quality)?;
    summary.suppression = suppressed(&manifest.left_out).map(|list| list.sha256.clone());
    summary.files = manifest.files.iter().cloned().chain([manifest_file]).collect();
    summary.stages_ms = stages.finish();
    Ok(Built { summary, manifest, folder })
}

/// What a list is made from, once its model is there.
pub(super) struct Prepared<'a> {
    pub(super) ctx: BuildContext<'a>,
    pub(super) ask: &'a Ask,
    pub(super) snapshot: Snapshot,
    /// The snapshot's files on this machine.
    parts: Vec<PathBuf>,
    left_out: LeftOut,
    /// The files that `left_out` comes from.
    lists: Vec<LeftOutList>,
    pub(super) model: Model,
}

impl<'a> Prepared<'a> {
    async fn new(
        ctx: BuildContext<'a>,
        ask: &'a Ask,
        reuse: Reuse,
        stages: &mut Stages<'_>,
    ) -> Result<Self, BuildError> {
        let product = ctx.catalog.product(&ask.conditions.product).ok_or(BuildError::CatalogChanged)?;
        stages.enter(Stage::Assembling);
        let snapshot = match ask.as_of {
            Some(as_of) => Snapshot::open(ctx.store, ctx.catalog, as_of).await?,
            None => Snapshot::newest(ctx.store, ctx.catalog).await?,
        };
        let parts = snapshot.local_parts().await?;
        let (left_out, lists) = left_out::find(ctx.store, &ask.conditions, &ask.suppress).await?;
        stages.enter(Stage::Training);
        let registry = Registry { store: ctx.store, catalog: ctx.catalog, seed: ask.seed, reuse };
        // Boxed, because everything that training holds would otherwise be in every caller's future.
        let model = Box::pin(registry.find_or_train(product, &snapshot, stages.report)).await?;
        Ok(Self { ctx, ask, snapshot, parts, left_out, lists, model })
    }

    fn select(&self, report: &dyn Report) -> Result<Selection, BuildError> {
        let query = Query {
            parts: &self.parts,
            catalog: self.ctx.catalog,
            conditions: &self.ask.conditions,
            as_of: self.snapshot.as_of(),
            left_out: &self.left_out,
            features: &self.model.features,
            seed: self.ask.seed,
            request: &self.ask.request,
        };
        let raw = |people: &FeatureBatch| self.model.raw_scores(people);
        let scoring = Scoring { raw: &raw, probability: &sigmoid };
        let progress = |done, of| {
            report.advance(done, of);
            !report.stopped()
        };
        Ok(audience::select(&query, &scoring, &progress)?)
    }

    fn manifest(&self, selection: &Selection, files: Vec<FileEntry>, promised: Promised) -> Manifest {
        Manifest {
            version: MANIFEST_VERSION,
            request: self.ask.request.clone(),
            conditions: self.ask.conditions.clone(),
            scored: model::reference(&self.snapshot),
            trained_on: self.model.trained_on.clone(),
            left_out: self.lists.clone(),
            catalog_sha256: self.ctx.catalog.sha256.clone(),
            model_id: self.model.id.clone(),
            model_sha256: self.model.sha256.clone(),
            seed: self.ask.seed,
            code_version: env!("CARGO_PKG_VERSION").to_owned(),
            waterfall: selection.waterfall,
            promised: Some(promised),
            files,
        }
    }
}

/// Of the lists that a segment was built with, the suppression list: the one that is no earlier segment's.
pub(super) fn suppressed(left_out: &[LeftOutList]) -> Option<&LeftOutList> {
    left_out.iter().find(|list| !list.key.starts_with(keys::SEGMENTS))
}

fn write_manifest(folder: &Path, bytes: &[u8]) -> Result<FileEntry, BuildError> {
    std::fs::write(folder.join(MANIFEST_FILE), bytes).map_err(BuildError::Scratch)?;
    Ok(FileEntry { name: MANIFEST_FILE.to_owned(), bytes: bytes.len() as u64, sha256: sha256_hex(bytes) })
}

/// Names the stages to whoever listens, and remembers how long each took.
struct Stages<'a> {
    report: &'a dyn Report,
    done: Vec<(String, u64)>,
    current: Option<(Stage, Instant)>,
}

impl<'a> Stages<'a> {
    fn new(report: &'a dyn Report) -> Self {
        Self { report, done: Vec::new(), current: None }
    }

    fn enter(&mut self, stage: Stage) {
        self.close();
        self.report.stage(stage.as_str());
        self.current = Some((stage, Instant::now()));
    }

    fn close(&mut self) {
        if let Some((stage, since)) = self.current.take() {
            let milliseconds = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.done.push((stage.as_str().to_owned(), milliseconds));
        }
    }

    fn finish(mut self) -> Vec<(String, u64)> {
        self.close();
        self.done
    }
}
