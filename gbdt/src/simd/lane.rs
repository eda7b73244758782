//! What a processor does to many bytes at once, and the plain way for processors without such instructions.

use super::strip::{STEP, Strip, Sums};

/// Instructions on [`Lane::LENGTH`] bytes. A value of the type proves that the processor has them.
///
/// Methods are inlined always: only then are the instructions of the function that [`Work`] is done in used for them.
pub(crate) trait Lane: Copy {
    type Bytes: Copy;

    /// Bytes; a multiple of 16 that divides [`STEP`].
    const LENGTH: usize;

    /// Whether [`Lane::look_up`] is an instruction.
    const LOOKS_UP: bool;

    fn splat(self, byte: u8) -> Self::Bytes;

    /// Bytes from `place` on. Panics when the strip ends before.
    fn load(self, strip: &Strip, place: usize) -> Self::Bytes;

    /// Writes bytes from `place` on. Panics when the strip ends before.
    fn store(self, bytes: Self::Bytes, strip: &mut Strip, place: usize);

    /// Wraps round.
    fn add(self, one: Self::Bytes, other: Self::Bytes) -> Self::Bytes;

    /// Stops at 255.
    fn add_saturating(self, one: Self::Bytes, other: Self::Bytes) -> Self::Bytes;

    fn and(self, one: Self::Bytes, other: Self::Bytes) -> Self::Bytes;

    fn or(self, one: Self::Bytes, other: Self::Bytes) -> Self::Bytes;

    /// Each byte divided by 8.
    fn eighth(self, bytes: Self::Bytes) -> Self::Bytes;

    /// For each byte of `value`: of `above` where it is greater than that of `limit`, both signed; else of `otherwise`.
    fn select(self, value: Self::Bytes, limit: Self::Bytes, above: Self::Bytes, otherwise: Self::Bytes) -> Self::Bytes;

    /// For each index: 0 from 128 on, else the entry that the lower four bits tell.
    fn look_up(self, table: &[u8; 16], indices: Self::Bytes) -> Self::Bytes;

    /// For each 16 bytes on their own: the lower eight of `one` and `other` in turn, and the upper eight.
    fn interleave_8(self, one: Self::Bytes, other: Self::Bytes) -> [Self::Bytes; 2];

    /// The same for pairs of bytes.
    fn interleave_16(self, one: Self::Bytes, other: Self::Bytes) -> [Self::Bytes; 2];

    /// Adds 32-bit numbers to the sums from `place` on. Panics when the sums end before.
    fn add_to_sums(self, numbers: Self::Bytes, sums: &mut Sums, place: usize);
}

/// What can be done with the instructions of any lane. `run` must be `#[inline(always)]`.
pub(crate) trait Work {
    fn run<L: Lane>(self, lane: L);
}

/// 16 bytes by plain code, which compilers turn into what every processor of the kind has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Portable;

/// A plain loop, which compilers turn into one instruction; they do not for iterators over arrays.
#[inline(always)]
fn zip(one: [u8; 16], other: [u8; 16], both: impl Fn(u8, u8) -> u8) -> [u8; 16] {
    let mut result = one;
    for place in 0..16 {
        result[place] = both(result[place], other[place]);
    }
    result
}

impl Lane for Portable {
    type Bytes = [u8; 16];

    const LENGTH: usize = 16;

    const LOOKS_UP: bool = false;

    #[inline(always)]
    fn splat(self, byte: u8) -> [u8; 16] {
        [byte; 16]
    }

    #[inline(always)]
    fn load(self, strip: &Strip, place: usize) -> [u8; 16] {
        *strip.0[place..].first_chunk().expect("a place within the strip")
    }

    #[inline(always)]
    fn store(self, bytes: [u8; 16], strip: &mut Strip, place: usize) {
        *strip.0[place..].first_chunk_mut().expect("a place within the strip") = bytes;
    }

    #[inline(always)]
    fn add(self, one: [u8; 16], other: [u8; 16]) -> [u8; 16] {
        zip(one, other, u8::wrapping_add)
    }

    #[inline(always)]
    fn add_saturating(self, one: [u8; 16], other: [u8; 16]) -> [u8; 16] {
        zip(one, other, u8::saturating_add)
    }

    #[inline(always)]
    fn and(self, one: [u8; 16], other: [u8; 16]) -> [u8; 16] {
        zip(one, other, |one, other| one & other)
    }

    #[inline(always)]
    fn or(self, one: [u8; 16], other: [u8; 16]) -> [u8; 16] {
        zip(one, other, |one, other| one | other)
    }

    #[inline(always)]
    fn eighth(self, bytes: [u8; 16]) -> [u8; 16] {
        bytes.map(|byte| byte >> 3)
    }

    #[inline(always)]
    fn select(self, value: [u8; 16], limit: [u8; 16], above: [u8; 16], otherwise: [u8; 16]) -> [u8; 16] {
        let mask =
            zip(value, limit, |value, limit| if value.cast_signed() > limit.cast_signed() { u8::MAX } else { 0 });
        zip(
            zip(above, mask, |above, mask| above & mask),
            zip(otherwise, mask, |otherwise, mask| otherwise & !mask),
            |one, other| one | other,
        )
    }

    #[inline(always)]
    fn look_up(self, table: &[u8; 16], indices: [u8; 16]) -> [u8; 16] {
        let mut entries = indices;
        for entry in &mut entries {
            // Shifting a negative number right fills it with ones.
            *entry = table[usize::from(*entry & 15)] & !(entry.cast_signed() >> 7).cast_unsigned();
        }
        entries
    }

    #[inline(always)]
    fn interleave_8(self, one: [u8; 16], other: [u8; 16]) -> [[u8; 16]; 2] {
        let half = |from: usize| {
            std::array::from_fn(|place| if place % 2 == 0 { one[from + place / 2] } else { other[from + place / 2] })
        };
        [half(0), half(8)]
    }

    #[inline(always)]
    fn interleave_16(self, one: [u8; 16], other: [u8; 16]) -> [[u8; 16]; 2] {
        let half = |from: usize| {
            std::array::from_fn(|place| {
                let at = from + place / 4 * 2 + place % 2;
                if place % 4 < 2 { one[at] } else { other[at] }
            })
        };
        [half(0), half(8)]
    }

    #[inline(always)]
    fn add_to_sums(self, numbers: [u8; 16], sums: &mut Sums, place: usize) {
        let (numbers, _) = numbers.as_chunks::<4>();
        for (sum, &number) in sums.0[place..place + 4].iter_mut().zip(numbers) {
            *sum += i32::from_le_bytes(number);
        }
    }
}

/// The row whose sum is in `place` after [`Lane::interleave_16`] of [`Lane::interleave_8`] spread the rows of a lane of
/// `length` bytes: 16 bytes at a time stay together, and each four of them go to the next vector of sums.
pub(crate) const fn row_of_place(length: usize, place: usize) -> usize {
    let (lane, within) = (place / length, place % length);
    let vectors = length / 4;
    let (vector, number) = (within / vectors, within % vectors);
    lane * length + number / 4 * 16 + vector * 4 + number % 4
}

const _: () = assert!(STEP.is_multiple_of(64), "a step is a whole number of lanes");
