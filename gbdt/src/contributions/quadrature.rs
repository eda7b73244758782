//! Gauss-Legendre quadrature: the integral of a polynomial from a few of its values.

use super::super::math::real;

/// Points of the largest rule, exact up to degree 255. Products of more features are so smooth that it stays within
/// rounding of exact.
pub(super) const POINTS_MAX: usize = 128;

/// `Σ weight × f(point)` is the integral of `f` over 0..1 for polynomials `f` of degree below twice the points.
#[derive(Debug)]
pub(super) struct Rule {
    /// Inside 0..1, rising.
    pub(super) points: Vec<f64>,
    pub(super) weights: Vec<f64>,
}

impl Rule {
    /// The points are the roots of the Legendre polynomial, by Newton's method (Abramowitz and Stegun 1964, 25.4.30).
    pub(super) fn new(count: usize) -> Self {
        let (points, weights) = (0..count)
            .map(|index| {
                let angle = std::f64::consts::PI * (real(index) + 0.75) / (real(count) + 0.5);
                let mut root = -angle.cos();
                // Doubles the right digits each time, from about three.
                for _ in 0..5 {
                    let (value, derivative) = legendre(count, root);
                    root -= value / derivative;
                }
                let (_, derivative) = legendre(count, root);
                (f64::midpoint(1.0, root), 1.0 / ((1.0 - root) * (1.0 + root) * derivative * derivative))
            })
            .unzip();
        Self { points, weights }
    }
}

/// The Legendre polynomial of a degree of at least 1 and its derivative, for |x| < 1.
fn legendre(degree: usize, x: f64) -> (f64, f64) {
    let (mut before, mut value) = (1.0, x);
    for next in 2..=degree {
        let next = real(next);
        (before, value) = (value, ((2.0 * next - 1.0) * x * value - (next - 1.0) * before) / next);
    }
    (value, real(degree) * (before - x * value) / ((1.0 - x) * (1.0 + x)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_are_integrated_exactly() {
        for count in [1, 2, 3, 7, 32, 128] {
            let rule = Rule::new(count);
            assert!(rule.points.windows(2).all(|pair| pair[0] < pair[1]), "{count}");
            assert!(rule.points.iter().all(|point| (0.0..1.0).contains(point)), "{count}");
            for power in 0..2 * i32::try_from(count).unwrap() {
                let found: f64 = rule.points.iter().zip(&rule.weights).map(|(t, weight)| weight * t.powi(power)).sum();
                let expected = 1.0 / f64::from(power + 1);
                assert!((found / expected - 1.0).abs() < 1e-12, "{count} points, power {power}: {found}");
            }
        }
    }
}
