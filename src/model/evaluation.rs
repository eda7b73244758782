//! How good scores are, from scores and what happened. Pure functions; equal scores are never put in an order.

use serde::{Deserialize, Serialize};

use gbdt::sigmoid;

mod paired;

pub use paired::{auc_difference, positives_among};

/// Groups of rows, by probability, that calibration is judged in.
const RELIABILITY_BINS: usize = 10;

/// Shares of the rows with the highest scores, in percent, that lift is measured in.
const LIFT_PERCENT: [u8; 3] = [1, 5, 10];

/// How good a model is on rows that it did not learn from; all weigh the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    pub rows: usize,
    pub positives: usize,
    pub base_rate: f64,
    pub auc: f64,
    /// 95 % interval of the AUC.
    pub auc_low: f64,
    pub auc_high: f64,
    pub average_precision: f64,
    pub log_loss: f64,
    pub lift: Vec<Lift>,
    pub expected_calibration_error: f64,
    /// What was predicted and what happened; the lowest probabilities first.
    pub reliability: Vec<ReliabilityBin>,
}

/// How many times more positives the rows with the highest scores hold than as many picked at random.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Lift {
    /// Of all rows.
    pub percent: u8,
    pub lift: f64,
}

/// A 95 % confidence interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

/// Rows of similar predicted probability.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    pub rows: usize,
    pub mean_probability: f64,
    /// Share of positives.
    pub observed: f64,
}

/// A point of the cumulative gain curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GainPoint {
    /// Share of all rows, those with the highest scores.
    pub share_of_rows: f64,
    /// Share of all positives that are among them.
    pub share_of_positives: f64,
}

/// Rows with equal scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tie {
    rows: usize,
    positives: usize,
}

impl Evaluation {
    /// Judges calibrated log-odds by what happened. `None` with fewer than two rows of a class: they tell nothing.
    pub fn of(log_odds: &[f64], labels: &[bool]) -> Option<Self> {
        let Interval { low, high } = auc_interval(log_odds, labels)?;
        let probabilities: Vec<f64> = log_odds.iter().map(|&score| sigmoid(score)).collect();
        let reliability = reliability(&probabilities, labels, RELIABILITY_BINS);
        let positives = labels.iter().filter(|&&label| label).count();
        let lift = |percent| Some(Lift { percent, lift: lift_at(log_odds, labels, f64::from(percent) / 100.0)? });
        Some(Self {
            rows: labels.len(),
            positives,
            base_rate: real(positives) / real(labels.len()),
            auc: auc(log_odds, labels)?,
            auc_low: low,
            auc_high: high,
            average_precision: average_precision(log_odds, labels)?,
            log_loss: log_loss(&probabilities, labels)?,
            lift: LIFT_PERCENT.into_iter().filter_map(lift).collect(),
            expected_calibration_error: expected_calibration_error(&reliability),
            reliability,
        })
    }
}

/// Area under the ROC curve: how often a positive scores above a negative, ties counting half (Hanley and `McNeil` 1982).
/// `None` when a class is missing.
pub fn auc(scores: &[f64], labels: &[bool]) -> Option<f64> {
    let ties = ties_from_the_top(scores, labels);
    let (rows, positives) = (scores.len(), total_positives(&ties));
    let pairs = real(positives) * real(rows - positives);
    let (mut won, mut above) = (0.0, 0.0);
    for tie in &ties {
        won += real(tie.rows - tie.positives) * (above + real(tie.positives) / 2.0);
        above += real(tie.positives);
    }
    (pairs > 0.0).then(|| won / pairs)
}

/// The interval of the AUC by `DeLong`, `DeLong` and Clarke-Pearson (1988), computed from ranks as in Sun and Xu (2014),
/// cut at 0 and 1. `None` when a class has fewer than two rows.
pub fn auc_interval(scores: &[f64], labels: &[bool]) -> Option<Interval> {
    let ties = ties_from_the_top(scores, labels);
    let positives = total_positives(&ties);
    let negatives = scores.len() - positives;
    if positives < 2 || negatives < 2 {
        return None;
    }
    let auc = auc(scores, labels)?;
    // For each positive the share of negatives below it, for each negative the share of positives above it.
    let (mut positives_above, mut negatives_above) = (0.0, 0.0);
    let (mut positive_squares, mut negative_squares) = (0.0, 0.0);
    for tie in &ties {
        let (tied_positives, tied_negatives) = (real(tie.positives), real(tie.rows - tie.positives));
        let below = (real(negatives) - negatives_above - tied_negatives / 2.0) / real(negatives);
        let above = (positives_above + tied_positives / 2.0) / real(positives);
        positive_squares += tied_positives * (below - auc) * (below - auc);
        negative_squares += tied_negatives * (above - auc) * (above - auc);
        positives_above += tied_positives;
        negatives_above += tied_negatives;
    }
    let variance = positive_squares / real(positives - 1) / real(positives)
        + negative_squares / real(negatives - 1) / real(negatives);
    let margin = 1.96 * variance.sqrt();
    Some(Interval { low: (auc - margin).max(0.0), high: (auc + margin).min(1.0) })
}

/// The 95 % interval of a share of which `hits` of `tries` were seen, by Wilson (1927). `None` without tries.
pub fn share_interval(hits: usize, tries: usize) -> Option<Interval> {
    const Z: f64 = 1.96;
    if tries == 0 {
        return None;
    }
    let (tries, seen) = (real(tries), real(hits) / real(tries));
    let scale = 1.0 + Z * Z / tries;
    let middle = (seen + Z * Z / (2.0 * tries)) / scale;
    let margin = Z / scale * (seen * (1.0 - seen) / tries + Z * Z / (4.0 * tries * tries)).sqrt();
    Some(Interval { low: (middle - margin).max(0.0), high: (middle + margin).min(1.0) })
}

/// Area under the precision-recall curve as average precision, without interpolation (Davis and Goadrich 2006).
/// `None` without positives. A random order gets the share of positives.
pub fn average_precision(scores: &[f64], labels: &[bool]) -> Option<f64> {
    let ties = ties_from_the_top(scores, labels);
    let positives = total_positives(&ties);
    let (mut rows_above, mut positives_above, mut area) = (0, 0, 0.0);
    for tie in &ties {
        rows_above += tie.rows;
        positives_above += tie.positives;
        area += real(tie.positives) * real(positives_above) / real(rows_above);
    }
    (positives > 0).then(|| area / real(positives))
}

/// Mean negative log-likelihood. Probabilities are held within 1e-15 of 0 and 1. `None` without rows.
pub fn log_loss(probabilities: &[f64], labels: &[bool]) -> Option<f64> {
    let loss = |(&probability, &label): (&f64, &bool)| {
        let probability = probability.clamp(1e-15, 1.0 - 1e-15);
        -(if label { probability } else { 1.0 - probability }).ln()
    };
    let sum: f64 = probabilities.iter().zip(labels).map(loss).sum();
    (!labels.is_empty()).then(|| sum / real(labels.len()))
}

/// How many times more positives the `share` (0..=1, at least one row) with the highest scores holds than as many rows
/// picked at random. `None` without positives.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 <= share <= 1")]
pub fn lift_at(scores: &[f64], labels: &[bool], share: f64) -> Option<f64> {
    let ties = ties_from_the_top(scores, labels);
    let positives = total_positives(&ties);
    let top = ((real(scores.len()) * share.clamp(0.0, 1.0)).round() as usize).max(1);
    let base_rate = real(positives) / real(scores.len().max(1));
    (positives > 0).then(|| positives_in_top(&ties, top) / real(top) / base_rate)
}

/// Cuts the rows by probability into at most `bins` parts of equally many rows; equal probabilities stay together.
/// The lowest first (Niculescu-Mizil and Caruana 2005).
pub fn reliability(probabilities: &[f64], labels: &[bool], bins: usize) -> Vec<ReliabilityBin> {
    let rows = ordered_from_the_top(probabilities, labels);
    let (mut table, mut start) = (Vec::new(), 0);
    for bin in 1..=bins {
        let mut end = rows.len() * bin / bins;
        while end < rows.len() && end > 0 && same(rows[end].0, rows[end - 1].0) {
            end += 1;
        }
        if end > start {
            table.push(reliability_bin(&rows[start..end]));
            start = end;
        }
    }
    table.reverse();
    table
}

/// Mean distance between what was predicted and what happened, over the rows of a reliability table (Naeini, Cooper and
/// Hauskrecht 2015); 0 without rows.
pub fn expected_calibration_error(table: &[ReliabilityBin]) -> f64 {
    let rows: usize = table.iter().map(|bin| bin.rows).sum();
    let error: f64 = table.iter().map(|bin| real(bin.rows) * (bin.mean_probability - bin.observed).abs()).sum();
    if rows == 0 { 0.0 } else { error / real(rows) }
}

/// The curve from (0, 0) to (1, 1) in `points` equal steps; empty without positives.
pub fn gain_curve(scores: &[f64], labels: &[bool], points: usize) -> Vec<GainPoint> {
    let ties = ties_from_the_top(scores, labels);
    let positives = total_positives(&ties);
    if positives == 0 || points == 0 {
        return Vec::new();
    }
    let point = |step: usize| {
        let top = scores.len() * step / points;
        GainPoint {
            share_of_rows: real(top) / real(scores.len()),
            share_of_positives: positives_in_top(&ties, top) / real(positives),
        }
    };
    (0..=points).map(point).collect()
}

/// Positives to expect among the first `top` rows when equal scores are in random order.
fn positives_in_top(ties: &[Tie], top: usize) -> f64 {
    let (mut left, mut positives) = (top, 0.0);
    for tie in ties {
        let taken = left.min(tie.rows);
        positives += real(tie.positives) * real(taken) / real(tie.rows);
        left -= taken;
    }
    positives
}

fn reliability_bin(rows: &[(f64, bool)]) -> ReliabilityBin {
    let positives = rows.iter().filter(|row| row.1).count();
    ReliabilityBin {
        rows: rows.len(),
        mean_probability: rows.iter().map(|row| row.0).sum::<f64>() / real(rows.len()),
        observed: real(positives) / real(rows.len()),
    }
}

fn ties_from_the_top(scores: &[f64], labels: &[bool]) -> Vec<Tie> {
    ordered_from_the_top(scores, labels)
        .chunk_by(|one, other| same(one.0, other.0))
        .map(|tied| Tie { rows: tied.len(), positives: tied.iter().filter(|row| row.1).count() })
        .collect()
}

fn ordered_from_the_top(scores: &[f64], labels: &[bool]) -> Vec<(f64, bool)> {
    // Adding 0 turns -0.0 into 0.0, so that they tie.
    let mut rows: Vec<(f64, bool)> = scores.iter().map(|score| score + 0.0).zip(labels.iter().copied()).collect();
    rows.sort_by(|one, other| other.0.total_cmp(&one.0));
    rows
}

fn same(one: f64, other: f64) -> bool {
    one.total_cmp(&other).is_eq()
}

fn total_positives(ties: &[Tie]) -> usize {
    ties.iter().map(|tie| tie.positives).sum()
}

#[expect(clippy::cast_precision_loss, reason = "row counts are below 2^53")]
pub(super) fn real(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCORES: [f64; 6] = [0.9, 0.8, 0.8, 0.3, 0.2, 0.1];
    const LABELS: [bool; 6] = [true, true, false, false, true, false];

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
    }

    #[test]
    fn auc_counts_pairs_and_half_of_ties() {
        // Of nine pairs: 3 + 2.5 + 1 are won.
        close(auc(&SCORES, &LABELS).unwrap(), 6.5 / 9.0);
        close(auc(&[0.5; 4], &[true, false, true, false]).unwrap(), 0.5);
        assert_eq!(auc(&SCORES, &[true; 6]), None);
        assert_eq!(auc(&[], &[]), None);
    }

    #[test]
    fn the_auc_interval_is_delongs() {
        // The positives have 1, 5/6 and 1/3 of the negatives below them, the negatives 1/2, 2/3 and 1 of the positives
        // above; either three has the mean 13/18, the AUC.
        let variance = |values: [f64; 3]| {
            let mean = values.iter().sum::<f64>() / 3.0;
            values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 2.0
        };
        let margin = 1.96 * ((variance([1.0, 5.0 / 6.0, 1.0 / 3.0]) + variance([0.5, 2.0 / 3.0, 1.0])) / 3.0).sqrt();
        let interval = auc_interval(&SCORES, &LABELS).unwrap();
        close(interval.low, 13.0 / 18.0 - margin);
        close(interval.high, 1.0);
        assert_eq!(auc_interval(&[0.1, 0.2, 0.3], &[true, false, false]), None);
    }

    #[test]
    fn average_precision_is_the_mean_precision_at_positives() {
        close(average_precision(&SCORES, &LABELS).unwrap(), (1.0 + 2.0 / 3.0 + 3.0 / 5.0) / 3.0);
        assert_eq!(average_precision(&SCORES, &[false; 6]), None);
    }

    #[test]
    fn log_loss_of_even_odds_is_ln_2_and_certain_mistakes_are_bounded() {
        close(log_loss(&[0.5, 0.5], &[true, false]).unwrap(), 2.0_f64.ln());
        assert!(log_loss(&[0.0], &[true]).unwrap() < 35.0);
        assert_eq!(log_loss(&[], &[]), None);
    }

    #[test]
    fn lift_and_gain_share_ties() {
        close(lift_at(&SCORES, &LABELS, 2.0 / 6.0).unwrap(), 1.5 / 2.0 / 0.5);
        close(lift_at(&SCORES, &LABELS, 1.0).unwrap(), 1.0);
        let curve = gain_curve(&SCORES, &LABELS, 3);
        let positives: Vec<f64> = curve.iter().map(|point| point.share_of_positives).collect();
        for (found, expected) in positives.iter().zip([0.0, 0.5, 2.0 / 3.0, 1.0]) {
            close(*found, expected);
        }
        assert_eq!(gain_curve(&SCORES, &[false; 6], 3), []);
    }

    #[test]
    fn an_evaluation_needs_two_rows_of_each_class() {
        let log_odds = SCORES.map(|score| (score / (1.0 - score)).ln());
        let judged = Evaluation::of(&log_odds, &LABELS).unwrap();
        assert_eq!((judged.rows, judged.positives, judged.lift.len()), (6, 3, 3));
        close(judged.auc, auc(&SCORES, &LABELS).unwrap());
        close(judged.log_loss, log_loss(&SCORES, &LABELS).unwrap());
        assert_eq!(Evaluation::of(&log_odds, &[true, false, false, false, false, false]), None);
        assert_eq!(Evaluation::of(&[], &[]), None);
    }

    #[test]
    fn reliability_keeps_equal_probabilities_together() {
        let table = reliability(&SCORES, &LABELS, 3);
        assert_eq!(table.iter().map(|bin| bin.rows).collect::<Vec<_>>(), [2, 1, 3]);
        close(table[2].mean_probability, 2.5 / 3.0);
        close(table[2].observed, 2.0 / 3.0);
        close(expected_calibration_error(&table), (2.0 * 0.35 + 0.3 + 3.0 * (0.5 / 3.0)) / 6.0);
        close(expected_calibration_error(&[]), 0.0);
    }
}
