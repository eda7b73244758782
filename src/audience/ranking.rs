//! The best so many people of a stream, in memory for twice as many.

use std::cmp::Ordering;

use super::UserId;

/// Somebody who may be picked.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Candidate {
    pub(super) user_id: UserId,
    pub(super) raw: f64,
    pub(super) probability: f64,
    /// Cells of the breakdown, see [`super::breakdown::Groups`].
    pub(super) groups: [u16; 3],
    /// Feature values, if the person was drawn for the explanation.
    pub(super) drawn: Option<Drawn>,
}

/// Somebody drawn for the explanation.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Drawn {
    /// Uniform; whoever has the smaller lot is taken first.
    pub(super) lot: u64,
    pub(super) values: Box<[f32]>,
}

/// A place in the ranking: raw score descending, then id ascending.
pub(super) fn order(a: (f64, &UserId), b: (f64, &UserId)) -> Ordering {
    b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1))
}

impl Candidate {
    fn order(&self, other: &Self) -> Ordering {
        order((self.raw, &self.user_id), (other.raw, &other.user_id))
    }
}

/// Keeps the best `wanted`; the order of adding does not matter.
pub(super) struct Ranking {
    wanted: usize,
    kept: Vec<Candidate>,
    /// Who scores less is certainly not among the best.
    cut: f64,
}

impl Ranking {
    pub(super) fn new(wanted: usize) -> Self {
        Self { wanted, kept: Vec::new(), cut: f64::NEG_INFINITY }
    }

    /// Whether somebody with this score may still be among the best.
    pub(super) fn may_hold(&self, raw: f64) -> bool {
        raw.total_cmp(&self.cut).is_ge()
    }

    pub(super) fn add(&mut self, candidate: Candidate) {
        if self.may_hold(candidate.raw) {
            self.kept.push(candidate);
            if self.kept.len() >= self.wanted.saturating_mul(2).max(1024) {
                self.shrink();
            }
        }
    }

    fn shrink(&mut self) {
        if self.wanted > 0 && self.kept.len() > self.wanted {
            self.kept.select_nth_unstable_by(self.wanted - 1, Candidate::order);
            self.kept.truncate(self.wanted);
            self.cut = self.kept[self.wanted - 1].raw;
        }
    }

    /// The best, in order.
    pub(super) fn into_best(mut self) -> Vec<Candidate> {
        self.shrink();
        self.kept.sort_unstable_by(Candidate::order);
        self.kept
    }
}
