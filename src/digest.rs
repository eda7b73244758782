//! SHA-256 in lower-case hexadecimal, as every manifest writes it.

use sha2::{Digest, Sha256};

/// The digest of `bytes`.
pub fn sha256_hex(bytes: impl AsRef<[u8]>) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// The digest of everything that `reader` gives, a piece at a time.
pub fn sha256_of(mut reader: impl std::io::Read) -> std::io::Result<String> {
    let (mut digest, mut piece) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match reader.read(&mut piece)? {
            0 => return Ok(hex::encode(digest.finalize())),
            read => digest.update(&piece[..read]),
        }
    }
}

/// A 64-bit hash of `bytes` that is the same on every machine and in every version: FNV-1a, finished with `SplitMix64`.
///
/// For splitting people into parts, never for security.
pub fn stable_hash(seed: u64, bytes: &[u8]) -> u64 {
    let fnv = bytes.iter().fold(0xcbf2_9ce4_8422_2325 ^ splitmix(seed), |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    splitmix(fnv)
}

/// The finisher of Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014), figure 17.
fn splitmix(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
