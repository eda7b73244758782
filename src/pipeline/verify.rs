//! `segment verify`: builds a segment again from what its manifest names, and compares every byte.

use std::path::Path;

use crate::{
    digest::sha256_hex,
    features::Snapshot,
    model::{Reuse, reference},
    progress::Report,
    segment::{Manifest, Promised},
};

use super::{
    BuildError, Suppress,
    build_segment::{Ask, BuildContext, compute, suppressed},
};

/// One comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was compared, such as `segment.csv as delivered`.
    pub what: String,
    pub expected: String,
    pub found: String,
}

impl Check {
    /// Whether both sides are the same.
    pub fn holds(&self) -> bool {
        self.expected == self.found
    }
}

/// Reads a manifest from the disk.
pub fn read_manifest(path: &Path) -> Result<Manifest, BuildError> {
    let unreadable = |source: anyhow::Error| BuildError::Manifest { path: path.to_owned(), source };
    let bytes = std::fs::read(path).map_err(|error| unreadable(error.into()))?;
    serde_json::from_slice(&bytes).map_err(|error| unreadable(error.into()))
}

/// Compares the files beside the manifest, and the same segment built anew, with what the manifest says.
pub async fn verify(ctx: BuildContext<'_>, path: &Path, report: &dyn Report) -> Result<Vec<Check>, BuildError> {
    let manifest = read_manifest(path)?;
    let mut checks = delivered(path, &manifest);
    for (what, wanted) in [("scored snapshot", &manifest.scored), ("training snapshot", &manifest.trained_on)] {
        let snapshot = Snapshot::open(ctx.store, ctx.catalog, wanted.as_of).await?;
        checks.push(check(format!("{what} {}", wanted.as_of), &wanted.sha256, &reference(&snapshot).sha256));
    }
    let ask = Ask {
        request: manifest.request.clone(),
        conditions: manifest.conditions.clone(),
        as_of: Some(manifest.scored.as_of),
        seed: manifest.seed,
        suppress: Suppress::Recorded(suppressed(&manifest.left_out).cloned()),
        replays: manifest.promised.as_ref().map(|promised| promised.replays.clone()),
    };
    let rebuilt = compute(ctx, &ask, Reuse::Never, report).await?;
    checks.push(check("catalog".to_owned(), &manifest.catalog_sha256, &rebuilt.manifest.catalog_sha256));
    checks.push(check("model, trained again".to_owned(), &manifest.model_sha256, &rebuilt.manifest.model_sha256));
    if let Some(promised) = &manifest.promised {
        checks.push(check(
            "promise".to_owned(),
            &figures(Some(promised)),
            &figures(rebuilt.manifest.promised.as_ref()),
        ));
    }
    for list in &manifest.left_out {
        let found = rebuilt.manifest.left_out.iter().find(|other| other.key == list.key);
        checks.push(check(list.key.clone(), &list.sha256, found.map_or("nothing", |list| &list.sha256)));
    }
    for file in &manifest.files {
        let found = rebuilt.manifest.files.iter().find(|other| other.name == file.name);
        checks.push(check(
            format!("{} built again", file.name),
            &file.sha256,
            found.map_or("nothing", |file| &file.sha256),
        ));
    }
    Ok(checks)
}

/// What is promised and what came of the same request before, on one line.
fn figures(promised: Option<&Promised>) -> String {
    let Some(promised) = promised else { return "nothing".to_owned() };
    let Promised { expected, expected_low, expected_high, factor, spread, replay, .. } = promised;
    let replay = replay.map_or_else(String::new, |replay| {
        format!("; on {} {} of {}, at random {:.3}", replay.day, replay.came, replay.picked, replay.random)
    });
    format!("{expected:.6} ({expected_low} to {expected_high}), factor {factor:.6}, spread {spread:.6}{replay}")
}

fn delivered(path: &Path, manifest: &Manifest) -> Vec<Check> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let one = |file: &crate::segment::FileEntry| {
        let found = std::fs::read(folder.join(&file.name)).map_or_else(|error| error.to_string(), sha256_hex);
        check(format!("{} beside the manifest", file.name), &file.sha256, &found)
    };
    manifest.files.iter().map(one).collect()
}

fn check(what: String, expected: &str, found: &str) -> Check {
    Check { what, expected: expected.to_owned(), found: found.to_owned() }
}
