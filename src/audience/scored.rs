//! The second pass: the features of the eligible people, their scores, and the best of them.

use std::collections::BTreeSet;

use polars::prelude::DataFrame;
use rayon::prelude::*;

use super::{
    AudienceError, FeatureBatch, Progress, Query, Scoring,
    breakdown::Groups,
    eligible::{Eligible, EligiblePiece, PROFILE, Profiles},
    explained::{Lottery, Pool},
    ids::Ids,
    ranking::{Candidate, Drawn, Ranking},
};

use crate::{contracts::columns, features::wrong_type};

/// Whether a person did anything up to the snapshot's day.
/// Log-odds below every score of a model.
const RAW_WITHOUT_EVENTS: f64 = -1e3;

/// What the second pass leaves.
pub(super) struct Scored {
    pub(super) ranking: Ranking,
    /// Of all eligible people.
    pub(super) probability_sum: f64,
    pub(super) pool: Pool,
}

/// Scores everyone eligible and keeps the best `wanted`.
pub(super) fn score(
    query: &Query<'_>,
    scoring: &Scoring<'_>,
    eligible: &Eligible,
    wanted: u64,
    progress: &Progress<'_>,
) -> Result<Scored, AudienceError> {
    let people = eligible.waterfall.eligible;
    let lottery = Lottery::new(query.seed, people, wanted);
    let pass = Pass { query, scoring, groups: &eligible.groups, columns: columns(query), lottery };
    let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
    let mut scored = Scored { ranking: Ranking::new(wanted), probability_sum: 0.0, pool: Pool::default() };
    let mut done = 0;
    for wave in eligible.pieces.chunks(rayon::current_num_threads()) {
        if !progress(done, people) {
            return Err(AudienceError::Stopped);
        }
        let pieces: Vec<Result<ScoredPiece, AudienceError>> =
            wave.par_iter().map(|piece| pass.score(piece, &scored.ranking)).collect();
        // In the order of the snapshot, so that neither sums nor errors depend on threads.
        for piece in pieces {
            let piece = piece?;
            done += piece.people;
            scored.probability_sum += piece.probability_sum;
            scored.pool.extend(piece.pool);
            piece.candidates.into_iter().for_each(|candidate| scored.ranking.add(candidate));
        }
    }
    if progress(done, people) { Ok(scored) } else { Err(AudienceError::Stopped) }
}

fn columns(query: &Query<'_>) -> BTreeSet<String> {
    let always = PROFILE.into_iter().chain([columns::USER_ID]).map(str::to_owned);
    always.chain(query.features.iter().cloned()).collect()
}

/// Models that know nothing of people without any event cannot rank them: they come after everybody else.
fn put_last(raws: &mut [f64], frame: &DataFrame) -> Result<(), AudienceError> {
    let there = frame.column(columns::HAS_EVENTS)?;
    let there = there.bool().map_err(|_| wrong_type(there, "true or false"))?;
    for (raw, there) in raws.iter_mut().zip(there.iter()) {
        if there == Some(false) {
            *raw = RAW_WITHOUT_EVENTS;
        }
    }
    Ok(())
}

/// What every piece needs.
struct Pass<'a> {
    query: &'a Query<'a>,
    scoring: &'a Scoring<'a>,
    groups: &'a Groups,
    columns: BTreeSet<String>,
    lottery: Lottery,
}

/// What a piece leaves.
struct ScoredPiece {
    people: u64,
    probability_sum: f64,
    candidates: Vec<Candidate>,
    pool: Pool,
}

impl Pass<'_> {
    fn score(&self, piece: &EligiblePiece, best: &Ranking) -> Result<ScoredPiece, AudienceError> {
        let by_events = self.query.catalog.users.registered.is_none() && piece.piece.has(columns::HAS_EVENTS)?;
        let mut columns = self.columns.clone();
        columns.extend(by_events.then(|| columns::HAS_EVENTS.to_owned()));
        let frame = piece.piece.read(&columns)?.filter(&piece.mask)?;
        let batch = FeatureBatch::of(&frame, self.query.features, self.query.catalog)?;
        let mut raws = self.raw_scores(&batch, frame.height())?;
        if by_events {
            put_last(&mut raws, &frame)?;
        }
        let profiles = Profiles::of(&frame, self.query.catalog)?;
        let ids = Ids::of(&frame)?;
        let mut scored = ScoredPiece {
            people: frame.height() as u64,
            probability_sum: 0.0,
            candidates: Vec::new(),
            pool: Pool::default(),
        };
        for (row, raw) in raws.into_iter().enumerate() {
            let probability = (self.scoring.probability)(raw);
            scored.probability_sum += probability;
            let user_id = ids.get(row);
            let lot = self.lottery.lot(&user_id);
            if self.lottery.wins_of_all(lot) {
                scored.pool.add(user_id.clone(), raw, Drawn { lot, values: batch.row(row) });
            }
            if best.may_hold(raw) {
                let drawn = self.lottery.wins_of_picked(lot).then(|| Drawn { lot, values: batch.row(row) });
                let groups = self.groups.of(&profiles, row);
                scored.candidates.push(Candidate { user_id, raw, probability, groups, drawn });
            }
        }
        Ok(scored)
    }

    fn raw_scores(&self, batch: &FeatureBatch, people: usize) -> Result<Vec<f64>, AudienceError> {
        let raws = (self.scoring.raw)(batch);
        let scores = raws.iter().filter(|raw| raw.is_finite()).count();
        if scores == people && raws.len() == people { Ok(raws) } else { Err(AudienceError::Scores { scores, people }) }
    }
}
