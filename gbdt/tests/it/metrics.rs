//! How good scores are, in the plainest way.

/// Share of pairs of a positive and a negative that are in the right order, ties as halves; `None` without any pair.
pub(crate) fn auc(scores: &[f64], labels: &[bool]) -> Option<f64> {
    let mut rows: Vec<(f64, bool)> = scores.iter().copied().zip(labels.iter().copied()).collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut negatives, mut positives, mut right) = (0.0, 0.0, 0.0);
    for tied in rows.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let tied_positives = count(tied.iter().filter(|row| row.1).count());
        let tied_negatives = count(tied.len()) - tied_positives;
        right += tied_positives * (negatives + tied_negatives / 2.0);
        positives += tied_positives;
        negatives += tied_negatives;
    }
    (positives > 0.0 && negatives > 0.0).then(|| right / (positives * negatives))
}

/// Mean negative logarithm of the probability of what happened.
pub(crate) fn log_loss(probabilities: &[f64], labels: &[bool]) -> f64 {
    let of_row = |(p, &label): (&f64, &bool)| -(if label { *p } else { 1.0 - p }).max(1e-15).ln();
    probabilities.iter().zip(labels).map(of_row).sum::<f64>() / count(labels.len())
}

/// Mean distance between predicted and seen shares over ten groups of rows of similar probability.
pub(crate) fn calibration_error(probabilities: &[f64], labels: &[bool]) -> f64 {
    let mut rows: Vec<(f64, bool)> = probabilities.iter().copied().zip(labels.iter().copied()).collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    let distance = |rows: &[(f64, bool)]| {
        let predicted: f64 = rows.iter().map(|row| row.0).sum();
        (predicted - count(rows.iter().filter(|row| row.1).count())).abs()
    };
    rows.chunks(rows.len().div_ceil(10)).map(distance).sum::<f64>() / count(rows.len())
}

fn count(rows: usize) -> f64 {
    f64::from(u32::try_from(rows).unwrap())
}
