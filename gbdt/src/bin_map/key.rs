//! Numbers values so that a small table tells most of a value's bin.

/// Numbers of cells are below this: tables of so many bytes stay in a core's first cache.
pub(super) const CELLS_MAX: usize = 1 << 12;

/// Adding this to a number from 0 to 2^22 leaves it, rounded and plus 1, in the lowest bits.
const ROUNDING: f32 = 8_388_609.0;

/// What [`ROUNDING`] leaves beside the number.
const NUMBER_BITS: u32 = (1 << 23) - 1;

/// How values are numbered from 1 on, the larger value never before the smaller one; NaN is number 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Key {
    /// Even steps from `low` to `high`; `scale` is steps by length. Values beyond count as the nearest of the two.
    Even { low: f32, high: f32, scale: f32 },
    /// Even steps of [`rank`], each 2^`shift` ranks; for values of many magnitudes.
    Ranks { low: i32, high: i32, shift: u32 },
    /// Whole numbers up to `last`, for codes of categories; all other values are number 0.
    Codes { last: f32 },
}

impl Key {
    /// Even steps that lead from `low` to the number `last`. `None` when they are too small or too large to compute.
    pub(super) fn even(low: f32, high: f32, last: u16) -> Option<Self> {
        let scale = f32::from(last - 1) / (high - low);
        let computable = scale.is_normal() && (high - low).is_normal();
        computable.then_some(Self::Even { low, high, scale })
    }

    /// The smallest steps of ranks that lead from `low` to at most the number `last`.
    pub(super) fn ranks(low: f32, high: f32, last: u16) -> Self {
        let (low, high) = (rank(low), rank(high));
        let ranks = high.abs_diff(low);
        let shift =
            (0..32).find(|&shift| ranks >> shift < u32::from(last)).expect("no number has 32 bits after 31 shifts");
        Self::Ranks { low, high, shift }
    }

    pub(super) fn number(self, value: f32) -> u16 {
        let mut number = [0];
        self.numbers(&[value], &mut number);
        number[0]
    }

    /// Loops without branches, which compilers turn into vector instructions.
    #[inline(always)]
    #[expect(clippy::float_cmp, reason = "a code is a whole number, and its rounding exact")]
    pub(super) fn numbers(self, values: &[f32], numbers: &mut [u16]) {
        match self {
            Self::Even { low, high, scale } => number_all(values, numbers, |value| {
                // Not `clamp`: these comparisons are one instruction each, and a NaN may become anything.
                let value = if value > low { value } else { low };
                let value = if value < high { value } else { high };
                ((value - low) * scale + ROUNDING).to_bits() & NUMBER_BITS
            }),
            Self::Ranks { low, high, shift } => number_all(values, numbers, |value| {
                let rank = rank(value).max(low).min(high);
                (rank.wrapping_sub(low).cast_unsigned() >> shift) + 1
            }),
            Self::Codes { last } => number_all(values, numbers, |value| {
                let code = if value > 0.0 { value } else { 0.0 };
                let code = if code < last { code } else { last };
                let rounded = code + ROUNDING;
                let is_code = rounded - ROUNDING == value;
                if is_code { rounded.to_bits() & NUMBER_BITS } else { 0 }
            }),
        }
    }
}

#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "numbers are below 2^16")]
fn number_all(values: &[f32], numbers: &mut [u16], number: impl Fn(f32) -> u32) {
    for (number_of, &value) in numbers.iter_mut().zip(values) {
        *number_of = if value.is_nan() { 0 } else { number(value) as u16 };
    }
}

/// Rises with the value, by 1 from each `f32` to the next; -0.0 comes before 0.0.
#[inline(always)]
fn rank(value: f32) -> i32 {
    let bits = value.to_bits().cast_signed();
    bits ^ ((bits >> 31).cast_unsigned() >> 1).cast_signed()
}
