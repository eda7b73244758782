//! What a leaf with given sums of derivatives is worth.

use super::super::params::Direction;

/// No step in log-odds is longer than this, however little regularised.
const STEP_MAX: f64 = 100.0;

/// Between which values a leaf must stay, so that no monotone feature above it is contradicted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in super::super) struct Bounds {
    low: f64,
    high: f64,
}

/// Sums of derivatives and what regularises them.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct LeafMath {
    pub(in super::super) first: f64,
    pub(in super::super) second: f64,
    pub(in super::super) l1: f64,
    pub(in super::super) l2: f64,
}

impl Bounds {
    pub(in super::super) const NONE: Self = Self { low: f64::NEG_INFINITY, high: f64::INFINITY };

    /// The bounds of the left and the right child: a monotone split parts them half-way between the children's steps
    /// (the basic method of `LightGBM` and `XGBoost`).
    pub(in super::super) fn part(self, direction: Option<Direction>, left: f64, right: f64) -> (Self, Self) {
        let middle = f64::midpoint(left, right);
        let (below, above) = (Self { high: middle, ..self }, Self { low: middle, ..self });
        match direction {
            None => (self, self),
            Some(Direction::Rising) => (below, above),
            Some(Direction::Falling) => (above, below),
        }
    }

    fn hold(self, step: f64) -> f64 {
        step.max(self.low).min(self.high)
    }

    fn are_none(self) -> bool {
        self == Self::NONE
    }
}

impl LeafMath {
    /// The leaf's value before the learning rate: a Newton step, held within bounds.
    pub(in super::super) fn step(self, bounds: Bounds) -> f64 {
        let denominator = self.second + self.l2;
        let step = if denominator > 0.0 { -self.soft_first() / denominator } else { 0.0 };
        bounds.hold(step.clamp(-STEP_MAX, STEP_MAX))
    }

    /// Twice the loss that the step saves (Chen and Guestrin 2016, equation 6; with l1 as in their code).
    pub(in super::super) fn score(self, bounds: Bounds) -> f64 {
        let denominator = self.second + self.l2;
        if denominator <= 0.0 {
            return 0.0;
        }
        let first = self.soft_first();
        if bounds.are_none() {
            return first * first / denominator;
        }
        let step = self.step(bounds);
        -(2.0 * first * step + denominator * step * step)
    }

    /// The first derivative, drawn towards 0 by l1.
    fn soft_first(self) -> f64 {
        if self.l1 <= 0.0 { self.first } else { self.first.signum() * (self.first.abs() - self.l1).max(0.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(first: f64, second: f64, l1: f64, l2: f64) -> LeafMath {
        LeafMath { first, second, l1, l2 }
    }

    #[test]
    fn steps_are_regularised_and_bounded() {
        let steps = [
            leaf(-6.0, 2.0, 0.0, 1.0),
            leaf(-6.0, 2.0, 3.0, 1.0),
            leaf(2.0, 2.0, 3.0, 1.0),
            leaf(1.0, 0.0, 0.0, 0.0),
            leaf(1.0, 1e-30, 0.0, 0.0),
        ];
        assert_eq!(steps.map(|leaf| leaf.step(Bounds::NONE).abs()).as_slice(), [2.0, 1.0, 0.0, 0.0, STEP_MAX]);
        let bounds = Bounds { low: -1.0, high: 0.5 };
        assert_eq!([leaf(-6.0, 2.0, 0.0, 1.0).step(bounds)].as_slice(), [0.5]);
    }

    #[test]
    fn a_bound_step_saves_less() {
        let free = leaf(-6.0, 2.0, 0.0, 1.0);
        let bounds = [Bounds::NONE, Bounds { low: -9.0, high: 9.0 }, Bounds { low: -9.0, high: 1.0 }];
        assert_eq!(bounds.map(|bounds| free.score(bounds)).as_slice(), [12.0, 12.0, 9.0]);
    }

    #[test]
    fn monotone_splits_part_the_bounds_half_way() {
        let (left, right) = Bounds::NONE.part(Some(Direction::Falling), 3.0, 1.0);
        assert_eq!((left.low, left.high, right.low, right.high), (2.0, f64::INFINITY, f64::NEG_INFINITY, 2.0));
        assert_eq!(left.part(None, 9.0, 9.0), (left, left));
    }
}
