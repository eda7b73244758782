//! Models before anybody asks: an idle worker trains those of the newest snapshot that requests will probably need.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chrono::NaiveDate;
use sqlx::PgPool;
use tokio::{runtime::Handle, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{BuildError, build_segment::DEFAULT_SEED};
use crate::{
    catalog::{Catalog, Product, ProductId, Warm},
    clock,
    features::{FeaturesError, Snapshot},
    lake::{Report, Store},
    model::{ModelError, Registry, Reuse},
    queue::{self, JobKind},
};

/// Between two looks for something to train.
const LOOK: Duration = Duration::from_mins(1);
/// A request that comes in meanwhile waits for the processor no longer than this, and the steps of a training.
const YIELD: Duration = Duration::from_millis(500);

/// What was made of one product's model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warmed {
    /// It was there.
    Ready {
        model: String,
    },
    Trained {
        model: String,
    },
    /// Today's answer for everybody who asks, in words.
    NoModel(String),
}

/// Makes sure that the model of a product for this snapshot is there. Blocks on computation.
pub async fn warm(
    catalog: &Catalog,
    store: &Store,
    snapshot: &Snapshot,
    product: &Product,
    report: &dyn Report,
) -> Result<Warmed, ModelError> {
    let registry = Registry { store, catalog, seed: DEFAULT_SEED, reuse: Reuse::Allowed };
    // Boxed, because everything that training holds would otherwise be in the caller's future.
    match Box::pin(registry.find_or_train(product, snapshot, report)).await {
        Ok(model) if model.reused => Ok(Warmed::Ready { model: model.id }),
        Ok(model) => Ok(Warmed::Trained { model: model.id }),
        Err(error @ (ModelError::TooFewConversions { .. } | ModelError::OneClass { .. })) => {
            Ok(Warmed::NoModel(error.to_string()))
        }
        Err(error) => Err(error),
    }
}

/// Trains missing models while no segment waits or is built, until `stopping`. What a request interrupts begins anew later;
/// a finished model stays.
pub async fn warm_when_idle(mut idle: Idle, stopping: CancellationToken) {
    while !stopping.is_cancelled() {
        tokio::select! {
            () = stopping.cancelled() => return,
            () = sleep(idle.look) => {}
        }
        if let Err(error) = idle.pass(&stopping).await {
            tracing::warn!(error = format!("{:#}", anyhow::Error::new(error)), "no model is trained beforehand");
        }
    }
}

/// A worker that has nothing else to do.
#[derive(Debug)]
pub struct Idle {
    pool: PgPool,
    catalog: Arc<Catalog>,
    store: Store,
    /// Idle workers begin at different products, so that few models are trained twice at a time.
    turn: usize,
    /// Between two looks for something to train.
    look: Duration,
    /// What cannot be trained on a day's data is not tried again on the same.
    no_model: BTreeSet<(NaiveDate, ProductId)>,
}

impl Idle {
    /// The worker of this name.
    pub fn new(name: &str, pool: PgPool, catalog: Arc<Catalog>, store: Store) -> Self {
        Self {
            pool,
            catalog,
            store,
            turn: crc32fast::hash(name.as_bytes()) as usize,
            look: LOOK,
            no_model: BTreeSet::new(),
        }
    }

    /// Looks for something to train as often as this.
    #[must_use]
    pub fn looking_every(self, look: Duration) -> Self {
        Self { look, ..self }
    }

    async fn pass(&mut self, stopping: &CancellationToken) -> Result<(), BuildError> {
        if !self.catalog.warm.is_time(clock::now().with_timezone(&self.catalog.time_zone).time()) {
            return Ok(());
        }
        let snapshot = Snapshot::newest(&self.store, &self.catalog).await?;
        let day = snapshot.as_of();
        self.no_model.retain(|(of, _)| *of == day);
        for product in self.wanted(&snapshot).await? {
            if stopping.is_cancelled() || !self.is_idle().await {
                return Ok(());
            }
            match self.train(&snapshot, &product, stopping).await {
                Ok(Warmed::Ready { .. }) => {}
                Ok(Warmed::Trained { model }) => {
                    tracing::info!(product = product.as_str(), model, %day, "trained a model beforehand");
                }
                Ok(Warmed::NoModel(why)) => {
                    tracing::info!(product = product.as_str(), %day, why, "no model can be trained");
                    self.no_model.insert((day, product));
                }
                Err(BuildError::Model(ModelError::Stopped)) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Products that are asked for and have no model for this snapshot.
    async fn wanted(&self, snapshot: &Snapshot) -> Result<Vec<ProductId>, BuildError> {
        let Warm { asked_days, products_max, .. } = self.catalog.warm;
        let asked = queue::products_asked(&self.pool, asked_days).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the database does not say what is asked for");
            Vec::new()
        });
        let registry =
            Registry { store: &self.store, catalog: &self.catalog, seed: DEFAULT_SEED, reuse: Reuse::Allowed };
        let asked =
            asked.iter().filter_map(|id| self.catalog.products.iter().find(|product| product.id.as_str() == id));
        let cold = registry.cold(asked.take(usize::from(products_max)), snapshot).await?;
        let new = |product: &ProductId| !self.no_model.contains(&(snapshot.as_of(), product.clone()));
        let mut wanted: Vec<ProductId> = cold.into_iter().map(|product| product.id.clone()).filter(new).collect();
        let first = self.turn.checked_rem(wanted.len()).unwrap_or_default();
        wanted.rotate_left(first);
        Ok(wanted)
    }

    async fn train(
        &self,
        snapshot: &Snapshot,
        product: &ProductId,
        stopping: &CancellationToken,
    ) -> Result<Warmed, BuildError> {
        let (catalog, store, snapshot, product) =
            (self.catalog.clone(), self.store.clone(), snapshot.clone(), product.clone());
        let stop = Arc::new(AtomicBool::new(false));
        let report = Quiet(stop.clone());
        // Blocks for as long as it computes, so it gets a thread of its own.
        let mut training = tokio::task::spawn_blocking(move || {
            let product = catalog.product(&product).ok_or(BuildError::CatalogChanged)?;
            Ok(Handle::current().block_on(warm(&catalog, &store, &snapshot, product, &report))?)
        });
        loop {
            tokio::select! {
                trained = &mut training => {
                    return trained.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked.into_panic()));
                }
                () = sleep(YIELD) => {
                    if stopping.is_cancelled() || !self.is_idle().await {
                        stop.store(true, Ordering::Relaxed);
                    }
                }
            }
        }
    }

    /// Whether nobody waits for a segment; a database that does not answer is no sign of it.
    async fn is_idle(&self) -> bool {
        queue::is_idle(&self.pool, JobKind::Segment).await.unwrap_or(false)
    }
}

/// The newest snapshot, and for each product whether its model is there.
#[derive(Debug, Clone)]
pub struct Freshness {
    pub as_of: NaiveDate,
    /// Empty where the snapshots that models learn from are missing.
    pub models: Vec<(ProductId, bool)>,
}

/// How fresh data and models are; `None` where there is no snapshot yet that this catalog describes.
pub async fn freshness(catalog: &Catalog, store: &Store) -> Result<Option<Freshness>, BuildError> {
    let snapshot = match Snapshot::newest(store, catalog).await {
        Ok(snapshot) => snapshot,
        Err(FeaturesError::NoSnapshots | FeaturesError::OtherDefinition { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let registry = Registry { store, catalog, seed: DEFAULT_SEED, reuse: Reuse::Allowed };
    let models = match registry.cold(catalog.products.iter(), &snapshot).await {
        Ok(cold) => {
            let is_there = |id: &ProductId| !cold.iter().any(|product| product.id == *id);
            catalog.products.iter().map(|product| (product.id.clone(), is_there(&product.id))).collect()
        }
        Err(ModelError::Features(FeaturesError::NoSnapshot { .. } | FeaturesError::OtherDefinition { .. })) => {
            Vec::new()
        }
        Err(error) => return Err(error.into()),
    };
    Ok(Some(Freshness { as_of: snapshot.as_of(), models }))
}

/// Tells nobody of its progress, and ends when it is told to.
struct Quiet(Arc<AtomicBool>);

impl Report for Quiet {
    fn stage(&self, _: &'static str) {}

    fn advance(&self, _: u64, _: u64) {}

    fn stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
