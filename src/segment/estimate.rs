//! What a request would find, before anything is built.

use std::{collections::BTreeMap, sync::Arc};

use chrono::NaiveDate;
use serde::Serialize;

use crate::catalog::ProductId;

/// For each product: people of any kind who converted within its horizon.
pub type Conversions = BTreeMap<ProductId, u64>;

/// What some requests would find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlook {
    /// The day up to which the data goes.
    pub as_of: NaiveDate,
    /// In the order that was asked.
    pub estimates: Vec<Estimate>,
    /// Of all products in the data, whatever was asked.
    pub conversions: Arc<Conversions>,
}

/// People that a request would find, and what there is to learn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Estimate {
    /// Who meets gender, age, region and attributes.
    pub matching: u64,
    /// Who meets the others, but whose age is not known, so that asking for an age leaves them out; 0 without one.
    pub age_unknown: u64,
    /// Of the matching: who opted out.
    pub opted_out: u64,
    /// Of the rest: who converted before; `None` for other days than the form offers.
    pub converted: Option<u64>,
    /// People of any kind who converted within the product's horizon: what a model learns from.
    pub conversions: u64,
}

impl Estimate {
    /// Who could be picked; `None` when it is not known how many converted.
    pub fn eligible(&self) -> Option<u64> {
        self.converted.map(|converted| self.matching - self.opted_out - converted)
    }
}
