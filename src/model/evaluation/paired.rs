//! Two models on the same rows: how far they differ, beyond what both find easy or hard.

use super::{Interval, auc, real, same};

/// The 95 % interval of the AUC of `a` less that of `b` on the same rows, by `DeLong`, `DeLong` and Clarke-Pearson (1988): what
/// both find easy counts for neither. `None` when a class has fewer than two rows.
pub fn auc_difference(a: &[f64], b: &[f64], labels: &[bool]) -> Option<Interval> {
    let difference = auc(a, labels)? - auc(b, labels)?;
    let shares: Vec<f64> = placed(a, labels).into_iter().zip(placed(b, labels)).map(|(a, b)| a - b).collect();
    let variance_of = |class: bool| {
        let of_class: Vec<f64> =
            shares.iter().zip(labels).filter(|(_, label)| **label == class).map(|(share, _)| *share).collect();
        let mean = of_class.iter().sum::<f64>() / real(of_class.len());
        let squares: f64 = of_class.iter().map(|share| (share - mean) * (share - mean)).sum();
        (of_class.len() > 1).then(|| squares / real(of_class.len() - 1) / real(of_class.len()))
    };
    let margin = 1.96 * (variance_of(true)? + variance_of(false)?).sqrt();
    Some(Interval { low: difference - margin, high: difference + margin })
}

/// For each positive the share of negatives below it, for each negative the share of positives above it; ties count half.
fn placed(scores: &[f64], labels: &[bool]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|x, y| scores[*y].total_cmp(&scores[*x]));
    let positives = labels.iter().filter(|label| **label).count();
    let negatives = labels.len() - positives;
    let (mut shares, mut positives_above, mut negatives_above) = (vec![0.0; scores.len()], 0, 0);
    for tied in order.chunk_by(|x, y| same(scores[*x], scores[*y])) {
        let tied_positives = tied.iter().filter(|row| labels[**row]).count();
        let tied_negatives = tied.len() - tied_positives;
        for row in tied {
            shares[*row] = if labels[*row] {
                (real(negatives - negatives_above) - real(tied_negatives) / 2.0) / real(negatives)
            } else {
                (real(positives_above) + real(tied_positives) / 2.0) / real(positives)
            };
        }
        positives_above += tied_positives;
        negatives_above += tied_negatives;
    }
    shares
}

/// The positives among the first `rows`, ascending; of equal scores the earlier rows come first.
pub fn positives_among(scores: &[f64], labels: &[bool], rows: usize) -> Vec<u32> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|x, y| scores[*y].total_cmp(&scores[*x]));
    let mut found: Vec<u32> = order
        .into_iter()
        .take(rows)
        .filter(|row| labels[*row])
        .map(|row| u32::try_from(row).expect("rows are fewer than 2^32"))
        .collect();
    found.sort_unstable();
    found
}

#[cfg(test)]
mod tests {
    use super::{super::auc_interval, *};

    #[test]
    fn a_model_differs_from_chance_as_its_own_interval_says_and_from_itself_by_nothing() {
        let scores: Vec<f64> = (0..60).map(|row| f64::from(row * 37 % 23)).collect();
        let labels: Vec<bool> = (0..60).map(|row| row * 29 % 60 < 5 + row % 23).collect();
        let (own, chance) = (auc_interval(&scores, &labels).unwrap(), vec![0.0; 60]);
        let over_chance = auc_difference(&scores, &chance, &labels).unwrap();
        assert!(
            (over_chance.low - (own.low - 0.5)).abs() < 1e-12 && (over_chance.high - (own.high - 0.5)).abs() < 1e-12
        );
        assert_eq!(auc_difference(&scores, &scores, &labels).unwrap(), Interval { low: 0.0, high: 0.0 });
        let first = positives_among(&scores, &labels, 60);
        assert_eq!(first.len(), labels.iter().filter(|label| **label).count());
    }
}
