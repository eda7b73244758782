//! `exp`, `ln` and sums whose bits depend on neither the machine's C library nor the number of threads.

use rayon::prelude::*;

/// Rows that are summed one after the other; a constant, so that the order of additions is always the same.
pub(super) const BLOCK: usize = 8192;

/// A count as a number.
#[expect(clippy::cast_precision_loss, reason = "counts are below 2^53")]
pub(super) fn real(count: usize) -> f64 {
    count as f64
}

/// The probability that belongs to log-odds.
pub fn sigmoid(log_odds: f64) -> f64 {
    1.0 / (1.0 + exp(-log_odds))
}

/// `ln(1 + e^x)` without overflow.
pub(super) fn softplus(x: f64) -> f64 {
    x.max(0.0) + ln(1.0 + exp(-x.abs()))
}

/// `e^x`; `x` beyond ±700 counts as ±700. Within 2 ulp.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the exponent is within ±1010")]
pub(super) fn exp(x: f64) -> f64 {
    const LN_2_HIGH: f64 = 6.931_471_803_691_238e-1;
    const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    let x = x.clamp(-700.0, 700.0);
    let power = (x * std::f64::consts::LOG2_E).round();
    let rest = (x - power * LN_2_HIGH) - power * LN_2_LOW;
    // Taylor, from the smallest term; |rest| <= ln 2 / 2, so the term after the last is below 1e-17.
    let series = (1..=13).rev().fold(1.0, |sum, term| 1.0 + rest / f64::from(term) * sum);
    series * f64::from_bits(((power as i64 + 1023) as u64) << 52)
}

/// `e^x` for `x <= 0`, in `f32`; below -87 as at -87. Within 2 ulp, without branches.
#[inline]
pub(super) fn exp_f32(x: f32) -> f32 {
    /// Adding it leaves a whole number in the lowest bits of the sum.
    const ROUNDER: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let x = if x < -87.0 { -87.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + ROUNDER;
    let power = shifted - ROUNDER;
    let rest = (x - power * LN_2_HIGH) - power * LN_2_LOW;
    // Taylor to the sixth power; |rest| <= ln 2 / 2, so the next term is below 1.3e-7.
    let series = 1.0 / 120.0 + rest * (1.0 / 720.0 + rest * (1.0 / 5040.0));
    let series = 1.0 + rest * (1.0 + rest * (0.5 + rest * (1.0 / 6.0 + rest * (1.0 / 24.0 + rest * series))));
    let exponent = shifted.to_bits().wrapping_sub(ROUNDER.to_bits()).wrapping_add(127);
    series * f32::from_bits(exponent << 23)
}

/// The natural logarithm of a positive, normal number. Within 2 ulp.
pub(super) fn ln(x: f64) -> f64 {
    let bits = x.to_bits();
    let exponent = i32::try_from(bits >> 52).expect("the sign bit is 0 and eleven bits fit") - 1023;
    let mantissa = f64::from_bits((bits & ((1 << 52) - 1)) | (1023 << 52));
    let (mantissa, exponent) =
        if mantissa > std::f64::consts::SQRT_2 { (mantissa / 2.0, exponent + 1) } else { (mantissa, exponent) };
    // ln m = 2 artanh((m - 1) / (m + 1)), |ratio| < 0.172.
    let ratio = (mantissa - 1.0) / (mantissa + 1.0);
    let square = ratio * ratio;
    let series = (0..12).rev().fold(0.0, |sum, term| sum * square + 1.0 / f64::from(2 * term + 1));
    f64::from(exponent) * std::f64::consts::LN_2 + 2.0 * ratio * series
}

/// The sum of `term(index)` over `0..count`, in blocks of fixed size.
pub(super) fn block_sum(count: usize, term: impl Fn(usize) -> f64 + Sync) -> f64 {
    let blocks: Vec<f64> = (0..count.div_ceil(BLOCK))
        .into_par_iter()
        .map(|block| (block * BLOCK..count.min((block + 1) * BLOCK)).map(&term).sum())
        .collect();
    blocks.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_and_ln_agree_with_the_standard_library() {
        for step in -7000..=7000 {
            let x = f64::from(step) / 10.0 + 0.0123;
            assert!((exp(x) / x.clamp(-700.0, 700.0).exp() - 1.0).abs() < 1e-15, "{x}");
            let y = x.clamp(-700.0, 700.0).exp();
            assert!((ln(y) - y.ln()).abs() <= 1e-15 * y.ln().abs().max(1.0), "{y}");
        }
        for step in 0..=8700_u16 {
            let x = -f32::from(step) / 100.0;
            assert!((f64::from(exp_f32(x)) / f64::from(x).exp() - 1.0).abs() < 3e-7, "{x}");
        }
        assert!(exp_f32(f32::NEG_INFINITY) > 0.0);
        assert!((softplus(0.0) - 2.0_f64.ln()).abs() < 1e-15);
        assert!((softplus(800.0) - 800.0).abs() < 1e-12);
        assert!(sigmoid(-1e300) >= 0.0 && sigmoid(1e300) <= 1.0);
    }
}
