//! What a request would find, before anything is built.

use serde::Serialize;

/// People that a request would find, and what there is to learn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Estimate {
    /// Who meets gender, age and region.
    pub matching: u64,
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
