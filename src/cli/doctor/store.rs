//! Where snapshots, models and segments go: each right by itself, who else may read it, and the newest snapshot.

use anyhow::ensure;
use bytes::Bytes;

use super::Finding;
use crate::{
    catalog::Catalog,
    config::Config,
    features::Snapshot,
    lake::{LakeError, Store, StoreOptions, tables::Misfit},
    model::{Registry, Reuse},
    pipeline::build_segment::DEFAULT_SEED,
};

const PROBE: &str = "doctor/probe";
const FIX: &str = "SEGMENT_STORE must be a folder or bucket that this user may list, read, write and delete in";
/// The folders that segment-bot makes; what else is there is the operator's.
const OURS: &[&str] = &["doctor", "models", "partials", "replays", "segments", "snapshots", "suppression"];

pub(super) async fn check(
    config: &Config,
    catalog: Option<&Catalog>,
    options: &StoreOptions,
    mend: bool,
) -> Vec<Finding> {
    let store = match Store::open(&config.store, options).await {
        Ok(store) => store,
        Err(error) => return vec![Finding::failed("store", &error.into(), FIX)],
    };
    let mut findings = rights(&store).await;
    if findings.is_empty() {
        findings.extend(snapshot(&store, catalog, &config.store).await);
    }
    findings.extend(exposed(&store, mend).await);
    findings
}

/// Every right that is lacking, not only the first.
async fn rights(store: &Store) -> Vec<Finding> {
    let failed = |what: &str, error: anyhow::Error| {
        Finding::failed("store", &error, FIX).in_front(&format!("cannot be {what}: "))
    };
    if let Err(error) = store.write(PROBE, Bytes::from_static(b"written by segment-bot doctor")).await {
        let mut findings = vec![failed("written", error.into())];
        findings.extend(store.list("doctor/").await.err().map(|error| failed("listed", error.into())));
        return findings;
    }
    let mut findings = Vec::new();
    findings.extend(listed(store).await.err().map(|error| failed("listed", error)));
    findings.extend(store.read(PROBE).await.err().map(|error| failed("read", error.into())));
    findings.extend(store.delete(PROBE).await.err().map(|error| failed("deleted from", error.into())));
    findings
}

async fn listed(store: &Store) -> anyhow::Result<()> {
    let found = store.list("doctor/").await?;
    ensure!(found.iter().any(|object| object.key == PROBE), "a listing does not show what was written just now");
    Ok(())
}

async fn snapshot(store: &Store, catalog: Option<&Catalog>, place: &str) -> Vec<Finding> {
    let checksums = if store.refuses_checksums() {
        "; this server takes no checksum headers, so they are left out (every body's SHA-256 is signed)"
    } else {
        ""
    };
    let Some(catalog) = catalog else { return vec![Finding::well("store", format!("{place}{checksums}"))] };
    match Snapshot::newest(store, catalog).await {
        Ok(snapshot) => {
            let well = Finding::well("store", format!("{place}, newest snapshot {}{checksums}", snapshot.as_of()));
            let models = models(store, catalog, &snapshot).await;
            std::iter::once(well).chain(snapshot.manifest().misfits().map(misfit)).chain(models).collect()
        }
        Err(error) => vec![Finding::wrong("store", format!("{error}{checksums}"), "run `segment-bot features build`")],
    }
}

/// Products whose first request of the day will wait for training; `None` where that cannot be known yet.
async fn models(store: &Store, catalog: &Catalog, snapshot: &Snapshot) -> Option<Finding> {
    let registry = Registry { store, catalog, seed: DEFAULT_SEED, reuse: Reuse::Allowed };
    let cold = registry.cold(catalog.products.iter(), snapshot).await.ok()?;
    let cold: Vec<String> = cold.iter().map(|product| format!("`{}`", product.id)).collect();
    let of_all = catalog.products.len();
    Some(if cold.is_empty() {
        Finding::well("models", format!("those of all {of_all} products are trained for {}", snapshot.as_of()))
    } else {
        let words = format!(
            "{} of {of_all} products have none for {} yet, so their first request trains one: {} (`segment-bot segment warm` does it beforehand)",
            cold.len(),
            snapshot.as_of(),
            cold.join(", ")
        );
        Finding::well("models", words)
    })
}

/// Values of the newest snapshot's input that matched nothing.
fn misfit((table, misfit): (&str, &Misfit)) -> Finding {
    let what = format!("table `{table}`: {misfit}");
    if misfit.is_misspelt() {
        Finding::wrong(
            "codes",
            what,
            "write it in the catalog as the table does, then run `segment-bot features build`",
        )
    } else {
        Finding::well("codes", what)
    }
}

async fn exposed(store: &Store, mend: bool) -> Option<Finding> {
    let found = match store.open_to_others(OURS, mend).await {
        Ok(found) => found?,
        Err(error @ LakeError::Io { .. }) => {
            let fix = "run doctor as the user whom the store belongs to";
            return Some(Finding::failed("files", &error.into(), fix));
        }
        Err(error) => return Some(Finding::failed("files", &error.into(), FIX)),
    };
    let count = format!("{} files and {} folders", found.files, found.folders);
    Some(if found.is_nothing() {
        Finding::well("files", "nobody else on this machine may read the store")
    } else if mend {
        Finding::well("files", format!("{count} of the store were open to others on this machine and are not any more"))
    } else {
        Finding::wrong(
            "files",
            format!("others on this machine may read {count} of the store, people's ids among them"),
            "run `segment-bot doctor --mend`",
        )
    })
}

impl Finding {
    fn in_front(mut self, words: &str) -> Self {
        if let Err((what, _)) = &mut self.found {
            *what = format!("{words}{what}");
        }
        self
    }
}
