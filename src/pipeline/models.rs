//! Models of the newest snapshot: which products have theirs, and training those that do not.

use std::{collections::BTreeSet, sync::Arc};

use chrono::NaiveDate;
use tokio::runtime::Handle;

use super::{BuildError, build_segment::DEFAULT_SEED};
use crate::{
    catalog::{Catalog, Product, ProductId},
    features::{FeaturesError, Snapshot},
    lake::Store,
    model::{ModelError, Registry, Reuse},
    progress::Report,
};

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
    let registry = registry(catalog, store);
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

/// The models that the newest snapshot still lacks, for whoever has time to train them.
#[derive(Debug)]
pub struct MissingModels {
    catalog: Arc<Catalog>,
    store: Store,
    newest: Option<Snapshot>,
    /// Products that need no more work for `newest`: their model is there, or the data gives none.
    settled: BTreeSet<ProductId>,
}

impl MissingModels {
    /// Looks at nothing yet.
    pub fn new(catalog: Arc<Catalog>, store: Store) -> Self {
        Self { catalog, store, newest: None, settled: BTreeSet::new() }
    }

    /// Of the first `most` products with these ids, those without a model for the newest snapshot, in the order given.
    pub async fn among(&mut self, ids: &[String], most: usize) -> Result<Vec<ProductId>, BuildError> {
        let newest = Snapshot::newest(&self.store, &self.catalog).await?;
        if self.newest.as_ref().is_none_or(|known| known.sha256() != newest.sha256()) {
            self.settled.clear();
        }
        let products: Vec<&Product> = ids
            .iter()
            .filter_map(|id| self.catalog.products.iter().find(|product| product.id.as_str() == id))
            .take(most)
            .filter(|product| !self.settled.contains(&product.id))
            .collect();
        let cold = registry(&self.catalog, &self.store).cold(products.iter().copied(), &newest).await?;
        let missing: Vec<ProductId> = cold.into_iter().map(|product| product.id.clone()).collect();
        self.settled.extend(products.into_iter().map(|product| product.id.clone()).filter(|id| !missing.contains(id)));
        self.newest = Some(newest);
        Ok(missing)
    }

    /// Trains one that [`Self::among`] named, on a thread of its own; until it ended otherwise than by an error, it stays missing.
    pub async fn train(
        &mut self,
        product: &ProductId,
        report: impl Report + Send + 'static,
    ) -> Result<Warmed, BuildError> {
        let Some(snapshot) = self.newest.clone() else { return Err(FeaturesError::NoSnapshots.into()) };
        let (catalog, store, id) = (self.catalog.clone(), self.store.clone(), product.clone());
        let training = tokio::task::spawn_blocking(move || {
            let product = catalog.product(&id).ok_or(BuildError::CatalogChanged)?;
            Ok(Handle::current().block_on(warm(&catalog, &store, &snapshot, product, &report))?)
        });
        let trained = training.await.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked.into_panic()));
        if trained.is_ok() {
            self.settled.insert(product.clone());
        }
        trained
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
    let models = match registry(catalog, store).cold(catalog.products.iter(), &snapshot).await {
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

/// The models that requests are scored with.
fn registry<'a>(catalog: &'a Catalog, store: &'a Store) -> Registry<'a> {
    Registry { store, catalog, seed: DEFAULT_SEED, reuse: Reuse::Allowed }
}
