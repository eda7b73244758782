//! The ways to compute on this processor.

use super::lane::{Portable, Work};
#[cfg(target_arch = "x86_64")]
use super::x86::{Avx2, Avx512};

/// Whose instructions are used. All ways give the same results.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kernel {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

impl Kernel {
    /// The fastest way. Costs next to nothing: the processor is asked once, then the answer is remembered.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn best() -> Self {
        match (Avx512::detect(), Avx2::detect()) {
            (Some(lane), _) => Self::Avx512(lane),
            (None, Some(lane)) => Self::Avx2(lane),
            (None, None) => Self::Portable,
        }
    }

    /// The fastest way.
    #[cfg(not(target_arch = "x86_64"))]
    pub(crate) fn best() -> Self {
        Self::Portable
    }

    #[inline]
    pub(crate) fn run(self, work: impl Work) {
        match self {
            Self::Portable => work.run(Portable),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(lane) => lane.run(work),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(lane) => lane.run(work),
        }
    }

    /// Every way that this processor has; says which one it has not.
    #[cfg(test)]
    pub(crate) fn all() -> Vec<Self> {
        #[cfg(target_arch = "x86_64")]
        let others = [Avx2::detect().map(Self::Avx2), Avx512::detect().map(Self::Avx512)];
        #[cfg(not(target_arch = "x86_64"))]
        let others = [None, None];
        if others.iter().any(Option::is_none) {
            eprintln!(
                "of AVX2 and AVX-512, only these are tested here: {:?}",
                others.iter().flatten().collect::<Vec<_>>()
            );
        }
        std::iter::once(Self::Portable).chain(others.into_iter().flatten()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::lane::{Lane, row_of_place};
    use super::super::strip::{STEP, Strip, Sums};
    use super::*;

    /// The outcome of every instruction of a lane.
    struct TryAll<'a> {
        one: &'a Strip,
        other: &'a Strip,
        outcomes: &'a mut [Strip; 9],
        sums: &'a mut Sums,
    }

    impl Work for TryAll<'_> {
        #[inline(always)]
        fn run<L: Lane>(self, lane: L) {
            for place in (0..STEP).step_by(L::LENGTH) {
                let (one, other) = (lane.load(self.one, place), lane.load(self.other, place));
                let outcomes = [
                    lane.splat(200),
                    lane.add(one, other),
                    lane.add_saturating(one, other),
                    lane.and(one, other),
                    lane.or(one, other),
                    lane.eighth(one),
                    lane.select(one, other, one, lane.splat(7)),
                    lane.look_up(&std::array::from_fn(|entry| self.other.0[entry]), one),
                    one,
                ];
                for (outcome, strip) in outcomes.into_iter().zip(self.outcomes.iter_mut()) {
                    lane.store(outcome, strip, place);
                }
                let mut numbers = place;
                for pairs in lane.interleave_8(one, other) {
                    for quads in lane.interleave_16(pairs, pairs) {
                        lane.add_to_sums(quads, self.sums, numbers);
                        numbers += L::LENGTH / 4;
                    }
                }
            }
        }
    }

    #[test]
    fn every_lane_does_what_plain_code_does() {
        let one = Strip(std::array::from_fn(|place| u8::try_from(place).unwrap()));
        let other = Strip(std::array::from_fn(|place| u8::try_from(place * 89 % 251).unwrap()));
        for kernel in Kernel::all() {
            let (mut outcomes, mut sums) = ([Strip([0; STEP]); 9], Sums([1; STEP]));
            kernel.run(TryAll { one: &one, other: &other, outcomes: &mut outcomes, sums: &mut sums });
            for place in 0..STEP {
                let (one, other) = (one.0[place], other.0[place]);
                let above = one.cast_signed() > other.cast_signed();
                let expected = [
                    200,
                    one.wrapping_add(other),
                    one.saturating_add(other),
                    one & other,
                    one | other,
                    one / 8,
                    if above { one } else { 7 },
                    if one < 128 { u8::try_from(usize::from(one % 16) * 89 % 251).unwrap() } else { 0 },
                    one,
                ];
                assert_eq!(outcomes.map(|strip| strip.0[place]), expected, "{kernel:?}, row {place}");
            }
            let length = match kernel {
                Kernel::Portable => 16,
                #[cfg(target_arch = "x86_64")]
                Kernel::Avx2(_) => 32,
                #[cfg(target_arch = "x86_64")]
                Kernel::Avx512(_) => 64,
            };
            for place in 0..STEP {
                let row = row_of_place(length, place);
                let number = i32::from_le_bytes([one.0[row], other.0[row], one.0[row], other.0[row]]);
                assert_eq!(sums.0[place], number.wrapping_add(1), "{kernel:?}, row {row}");
            }
        }
    }
}
