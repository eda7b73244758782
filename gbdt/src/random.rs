//! Randomness without a state: a number for each (seed, purpose, round, index), so that threads cannot change it.

/// What the numbers are for; different purposes never share a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    BinningRows = 1,
    ValidationRows = 2,
    TreeRows = 3,
    TreeFeatures = 4,
    GradientRounding = 5,
    NegativeRows = 6,
    SmallGradients = 7,
}

/// The numbers of one purpose in one round.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stream(u64);

impl Stream {
    pub(super) fn new(seed: u64, purpose: Purpose, round: usize) -> Self {
        Self(mix(mix(seed ^ mix(purpose as u64)).wrapping_add(round as u64)))
    }

    /// 64 random bits for `index`.
    pub(super) fn bits(self, index: u64) -> u64 {
        mix(self.0.wrapping_add(index.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// What [`chance`] takes for this stream.
    pub(super) fn seed(self) -> u32 {
        (self.0 >> 32) as u32 ^ (self.0 & 0xffff_ffff) as u32
    }

    /// Uniform in `0.0..1.0`.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit an f64")]
    pub(super) fn unit(self, index: u64) -> f64 {
        (self.bits(index) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// 32 random bits for `index`, cheap and free of branches (Wellons 2018, `lowbias32`).
#[inline]
pub(super) fn chance(seed: u32, index: u32) -> u32 {
    let bits = index ^ seed;
    let bits = (bits ^ (bits >> 16)).wrapping_mul(0x7feb_352d);
    let bits = (bits ^ (bits >> 15)).wrapping_mul(0x846c_a68b);
    bits ^ (bits >> 16)
}

/// A key for a name, so that a column keeps its luck when columns change places (FNV-1a).
pub(super) fn key(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The finalizer of `SplitMix64` (Steele, Lea, Flood 2014).
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_uniform_and_differ_between_rounds() {
        let first = Stream::new(7, Purpose::TreeRows, 0);
        let second = Stream::new(7, Purpose::TreeRows, 1);
        let mean = (0..10_000).map(|index| first.unit(index)).sum::<f64>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
        assert!((0..100).all(|index| first.bits(index) != second.bits(index)));
    }
}
