//! What requests would find on the newest snapshot, in a moment.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::NaiveDate;
use tokio::sync::Mutex;

use super::BuildError;
use crate::{
    audience::Cube,
    catalog::Catalog,
    features::Snapshot,
    lake::Store,
    segment::{Conditions, Outlook},
};

/// How long a newer snapshot may go unnoticed.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Counts people from the newest snapshot's small table, which it keeps at hand; reads neither the snapshot nor a model.
#[derive(Debug)]
pub struct Estimator {
    catalog: Arc<Catalog>,
    store: Store,
    at_hand: Mutex<Option<AtHand>>,
}

#[derive(Debug, Clone)]
struct AtHand {
    cube: Arc<Cube>,
    as_of: NaiveDate,
    key: String,
    looked: Instant,
}

impl Estimator {
    /// Reads nothing yet.
    pub fn new(catalog: Arc<Catalog>, store: Store) -> Self {
        Self { catalog, store, at_hand: Mutex::new(None) }
    }

    /// What each of `asked` would find.
    pub async fn estimate(&self, asked: Vec<Conditions>) -> Result<Outlook, BuildError> {
        let AtHand { cube, as_of, .. } = self.newest().await?;
        let (catalog, conversions) = (self.catalog.clone(), cube.conversions().clone());
        let counting = tokio::task::spawn_blocking(move || {
            asked.iter().map(|conditions| cube.estimate(&catalog, conditions)).collect::<Result<Vec<_>, _>>()
        });
        let counted = counting.await.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked.into_panic()));
        Ok(Outlook { as_of, estimates: counted?, conversions })
    }

    async fn newest(&self) -> Result<AtHand, BuildError> {
        let mut at_hand = self.at_hand.lock().await;
        if let Some(fresh) = at_hand.as_ref().filter(|held| held.looked.elapsed() < LOOK_AGAIN) {
            return Ok(fresh.clone());
        }
        let snapshot = Snapshot::newest(&self.store, &self.catalog).await?;
        let key = snapshot.manifest().cube.key.clone();
        let cube = match at_hand.take().filter(|held| held.key == key) {
            Some(same) => same.cube,
            None => Arc::new(Cube::read(&snapshot.local_cube().await?, &self.catalog)?),
        };
        let found = AtHand { cube, as_of: snapshot.as_of(), key, looked: Instant::now() };
        *at_hand = Some(found.clone());
        Ok(found)
    }
}
