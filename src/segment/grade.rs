//! How far the order of a segment is better than chance, by what such an order brought.

use serde::{Deserialize, Serialize};

/// One word for a segment, from the conversions that the same request would have found and how sure that number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// Nothing shows that the order is worth more than a random one.
    NoBetterThanChance,
    Weak,
    Useful,
    Strong,
}

/// What a grade is given for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    /// 95 % interval of how many times more conversions the order found than chance; `None` where nobody converted.
    pub lift: Option<(f64, f64)>,
    /// Share of the eligible that was picked, above 0 and at most 1.
    pub share: f64,
    /// Lower end of the 95 % interval of the AUC.
    pub auc_low: f64,
}

/// A lift that is surely as large is worth a grade. Where many of the eligible are picked, no order reaches these, and the
/// part of the way to the best possible counts: half of it, a fifth.
const STRONG: (f64, f64) = (2.0, 0.5);
const USEFUL: (f64, f64) = (1.3, 0.2);
/// The same for an AUC, where nobody converted whose order could be judged.
const STRONG_AUC: f64 = 0.75;
const USEFUL_AUC: f64 = 0.62;
const CHANCE_AUC: f64 = 0.5;

impl Grade {
    /// The grade that the evidence is good for; `None` where everybody eligible was picked, so that there is no order to judge.
    pub fn of(evidence: Evidence) -> Option<Self> {
        let Evidence { lift, share, auc_low } = evidence;
        if share >= 1.0 {
            return None;
        }
        let reaches = |(enough, part): (f64, f64), auc: f64| match lift {
            Some((low, _)) => low >= enough.min(1.0 + (1.0 / share - 1.0) * part),
            None => auc_low >= auc,
        };
        let better = auc_low > CHANCE_AUC || lift.is_some_and(|(low, _)| low > 1.0);
        Some(match () {
            () if !better => Self::NoBetterThanChance,
            () if reaches(STRONG, STRONG_AUC) => Self::Strong,
            () if reaches(USEFUL, USEFUL_AUC) => Self::Useful,
            () => Self::Weak,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grade(lift: Option<(f64, f64)>, share: f64, auc_low: f64) -> Option<Grade> {
        Grade::of(Evidence { lift, share, auc_low })
    }

    #[test]
    fn a_grade_is_what_the_evidence_is_sure_of() {
        assert_eq!(grade(Some((2.4, 7.6)), 0.04, 0.6), Some(Grade::Strong));
        assert_eq!(grade(Some((1.4, 9.0)), 0.04, 0.6), Some(Grade::Useful), "what may be 9 times is surely 1.4 times");
        assert_eq!(grade(Some((0.5, 9.0)), 0.04, 0.6), Some(Grade::Weak), "the order as a whole is better than chance");
        assert_eq!(grade(Some((1.1, 1.4)), 0.2, 0.45), Some(Grade::Weak));
        assert_eq!(grade(Some((0.5, 2.0)), 0.04, 0.49), Some(Grade::NoBetterThanChance));
    }

    #[test]
    fn a_large_part_of_the_eligible_is_judged_by_what_it_can_reach() {
        assert_eq!(grade(Some((1.16, 1.2)), 0.8, 0.7), Some(Grade::Strong), "1.25 is the most that 80 % can be");
        assert_eq!(grade(Some((1.06, 1.2)), 0.8, 0.7), Some(Grade::Useful));
        assert_eq!(grade(Some((1.0, 1.0)), 1.0, 0.4), None, "nobody was left out, so nothing was ranked");
    }

    #[test]
    fn where_nobody_converted_the_area_decides() {
        let by_area = |auc_low| grade(None, 0.1, auc_low);
        assert_eq!(by_area(0.8), Some(Grade::Strong));
        assert_eq!(by_area(0.7), Some(Grade::Useful));
        assert_eq!(by_area(0.55), Some(Grade::Weak));
        assert_eq!(by_area(0.5), Some(Grade::NoBetterThanChance));
    }
}
