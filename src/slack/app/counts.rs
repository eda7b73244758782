//! How many people there are, and how many conversions each product has: asked of whoever can read snapshots, and remembered.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use futures::future::BoxFuture;

use crate::{
    catalog::Product,
    segment::{Conditions, Conversions, Outlook},
};

type Count = dyn Fn(Vec<Conditions>) -> BoxFuture<'static, Option<Outlook>> + Send + Sync;

/// Counts people for the form. `None` stands for "not now"; the cause is logged where it is known.
#[derive(Clone)]
pub struct Estimates {
    count: Arc<Count>,
    /// As of the last count, so that a form that opens need not wait for one.
    conversions: Arc<Mutex<Arc<Conversions>>>,
}

impl Estimates {
    /// Wraps whatever can read snapshots.
    pub fn new<F, Counted>(count: F) -> Self
    where
        F: Fn(Vec<Conditions>) -> Counted + Send + Sync + 'static,
        Counted: Future<Output = Option<Outlook>> + Send + 'static,
    {
        Self { count: Arc::new(move |asked| Box::pin(count(asked))), conversions: Arc::default() }
    }

    pub(crate) async fn ask(&self, asked: Vec<Conditions>) -> Option<Outlook> {
        let outlook = (self.count)(asked).await?;
        *self.conversions.lock().unwrap_or_else(PoisonError::into_inner) = outlook.conversions.clone();
        Some(outlook)
    }

    /// As of the last count; nothing is known before.
    pub(crate) fn conversions(&self) -> Arc<Conversions> {
        self.conversions.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// How many conversions there are, if they are known to be too few to learn from.
pub(crate) fn too_few(product: &Product, conversions: &Conversions) -> Option<u64> {
    conversions.get(&product.id).copied().filter(|found| *found < u64::from(product.min_conversions))
}
