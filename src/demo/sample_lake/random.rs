//! Random numbers that depend on the seed and on what they are for, never on who asks first.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What a stream is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Use {
    People = 1,
    Profile = 2,
    Events = 3,
}

/// The stream of a block of people on a day (0 where days do not matter).
pub(super) fn stream(seed: u64, purpose: Use, block: u64, day: u32) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream((purpose as u64) << 62 ^ block << 32 ^ u64::from(day));
    rng
}

/// A well mixed number of `a` and `b`: a fixed trait of a person in a period costs no stored state.
pub(super) fn mix(a: u64, b: u64) -> u64 {
    // The finalizer of splitmix64.
    let mut x = a.wrapping_add(b.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The upper bits of `x` as a number in `0.0..1.0`.
#[expect(clippy::cast_precision_loss, reason = "24 bits fit an f32")]
pub(super) fn unit(x: u64) -> f32 {
    (x >> 40) as f32 / (1_u32 << 24) as f32
}
