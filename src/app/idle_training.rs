//! Models before anybody asks: an idle worker trains those of the newest snapshot that requests will probably need.

use std::{sync::Arc, time::Duration};

use sqlx::PgPool;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{
    catalog::{Catalog, ProductId, Warm},
    clock,
    lake::Store,
    pipeline::{BuildError, MissingModels, Warmed},
    progress::Report,
    queue::{self, JobKind},
};

/// Between two looks for something to train.
const LOOK: Duration = Duration::from_mins(1);
/// A request that comes in meanwhile waits for the processor no longer than this, and the steps of a training.
const YIELD: Duration = Duration::from_millis(500);

/// A worker that has nothing else to do.
#[derive(Debug)]
pub struct Idle {
    pool: PgPool,
    catalog: Arc<Catalog>,
    models: MissingModels,
    /// Idle workers begin at different products, so that few models are trained twice at a time.
    turn: usize,
    /// Between two looks for something to train.
    look: Duration,
}

impl Idle {
    /// The worker of this name.
    pub fn new(name: &str, pool: PgPool, catalog: Arc<Catalog>, store: Store) -> Self {
        let models = MissingModels::new(catalog.clone(), store);
        Self { pool, catalog, models, turn: crc32fast::hash(name.as_bytes()) as usize, look: LOOK }
    }

    /// Looks for something to train as often as this.
    #[must_use]
    pub fn looking_every(self, look: Duration) -> Self {
        Self { look, ..self }
    }

    /// Trains missing models while no segment waits or is built, until `stopping`. What a request interrupts begins anew
    /// later; a finished model stays.
    pub async fn train_until(mut self, stopping: CancellationToken) {
        while !stopping.is_cancelled() {
            tokio::select! {
                () = stopping.cancelled() => return,
                () = sleep(self.look) => {}
            }
            if let Err(error) = self.pass(&stopping).await {
                tracing::warn!(error = format!("{:#}", anyhow::Error::new(error)), "no model is trained beforehand");
            }
        }
    }

    async fn pass(&mut self, stopping: &CancellationToken) -> Result<(), BuildError> {
        let Warm { asked_days, products_max, .. } = self.catalog.warm;
        if !self.catalog.warm.is_time(clock::now().with_timezone(&self.catalog.time_zone).time())
            || !is_idle(&self.pool).await
        {
            return Ok(());
        }
        let asked = queue::products_asked(&self.pool, asked_days).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the database does not say what is asked for");
            Vec::new()
        });
        let mut missing = self.models.among(&asked, usize::from(products_max)).await?;
        let first = self.turn.checked_rem(missing.len()).unwrap_or_default();
        missing.rotate_left(first);
        for product in missing {
            if stopping.is_cancelled() || !is_idle(&self.pool).await {
                return Ok(());
            }
            match self.train(&product, stopping).await {
                Ok(Warmed::Ready { .. }) => {}
                Ok(Warmed::Trained { model }) => {
                    tracing::info!(product = product.as_str(), model, "trained a model beforehand");
                }
                Ok(Warmed::NoModel(why)) => {
                    tracing::info!(product = product.as_str(), why, "no model can be trained");
                }
                // Stopped, for somebody who asked.
                Err(error) if error.failure().is_none() => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Trains one, and stops when somebody asks for a segment.
    async fn train(&mut self, product: &ProductId, stopping: &CancellationToken) -> Result<Warmed, BuildError> {
        let stop = stopping.child_token();
        let training = self.models.train(product, Quiet(stop.clone()));
        tokio::pin!(training);
        loop {
            tokio::select! {
                trained = &mut training => return trained,
                () = sleep(YIELD) => {
                    if !is_idle(&self.pool).await {
                        stop.cancel();
                    }
                }
            }
        }
    }
}

/// Whether nobody waits for a segment; a database that does not answer is no sign of it.
async fn is_idle(pool: &PgPool) -> bool {
    queue::is_idle(pool, JobKind::Segment).await.unwrap_or(false)
}

/// Tells nobody of its progress, and ends when it is told to.
struct Quiet(CancellationToken);

impl Report for Quiet {
    fn stage(&self, _: &'static str) {}

    fn advance(&self, _: u64, _: u64) {}

    fn stopped(&self) -> bool {
        self.0.is_cancelled()
    }
}
