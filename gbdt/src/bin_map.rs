//! Bins many values of one feature: a small table tells how many cuts certainly lie below a value, and comparisons with
//! the next few cuts tell the rest.

#![expect(clippy::inline_always, reason = "what is not inlined into a kernel's function does not use its instructions")]

mod key;

use std::iter;

use super::binning::FeatureBins;
use super::simd::{Kernel, Lane, Work};
use key::{CELLS_MAX, Key};

/// Up to so many cuts, counting those below a value is faster than looking it up.
const COUNTED_MAX: usize = 12;

/// Up to so many comparisons after the table are faster than halving the cuts again and again.
const ROUNDS_MAX: usize = 4;

/// Codes of categories that a table holds.
const CODES_MAX: u32 = 1 << 15;

/// Values that are worked on together: they and what becomes of them fit a core's first cache.
const CHUNK: usize = 256;

/// Bins values of one feature as [`FeatureBins::bin`] does.
#[derive(Debug, Clone)]
pub(super) struct BinMap {
    way: Way,
    missing: u8,
}

#[derive(Debug, Clone)]
enum Way {
    /// The bin is the number of cuts below the value.
    Counted {
        cuts: Vec<f32>,
    },
    LookedUp(Cells),
    /// The bin is found by halving the cuts, eight times.
    Halved {
        cuts: Box<[f32; 256]>,
    },
    /// The code of each bin, rising; for codes that are too large for a table.
    Sought {
        codes: Vec<u32>,
    },
}

/// For each number that a value can have, the bin of the smallest such value.
#[derive(Debug, Clone)]
struct Cells {
    key: Key,
    bins: Vec<u8>,
    /// Followed by infinity, which no value is above.
    cuts: Box<[f32; 256]>,
    /// The most cuts between values of the same number.
    rounds: usize,
}

impl BinMap {
    pub(super) fn new(bins: &FeatureBins) -> Self {
        let missing = bins.missing_bin();
        let way = match bins {
            FeatureBins::Numeric(cuts) => {
                // Adding 0 turns -0.0 into 0.0: one value.
                Way::of_cuts(cuts.as_slice().iter().map(|&cut| floor_f32(cut) + 0.0).collect(), missing)
            }
            FeatureBins::Categorical(categories) => Way::of_codes(categories.codes(), missing),
        };
        Self { way, missing }
    }

    pub(super) fn missing(&self) -> u8 {
        self.missing
    }

    /// Writes the bin of each value. Panics unless there is a place for each value.
    pub(super) fn fill(&self, values: &[f32], bins: &mut [u8]) {
        assert_eq!(values.len(), bins.len(), "a place for each value");
        Kernel::best().run(Fill { map: self, values, bins });
    }

    #[inline(always)]
    fn fill_chunk(&self, values: &[f32; CHUNK], bins: &mut [u8; CHUNK]) {
        let missing = self.missing;
        match &self.way {
            Way::Counted { cuts } => count_below(cuts, values, bins, missing),
            Way::LookedUp(cells) => cells.look_up(values, bins),
            Way::Halved { cuts } => map(values, bins, missing, |value| halve(cuts, value)),
            Way::Sought { codes } => map(values, bins, missing, |value| {
                let place = code(value).and_then(|code| codes.binary_search(&code).ok());
                place.map_or(missing, |place| u8::try_from(place).expect("at most 255 categories"))
            }),
        }
    }
}

struct Fill<'a> {
    map: &'a BinMap,
    values: &'a [f32],
    bins: &'a mut [u8],
}

impl Work for Fill<'_> {
    #[inline(always)]
    fn run<L: Lane>(self, _: L) {
        let (values, rest) = self.values.as_chunks();
        let (bins, bins_of_rest) = self.bins.as_chunks_mut();
        for (values, bins) in values.iter().zip(bins) {
            self.map.fill_chunk(values, bins);
        }
        if !rest.is_empty() {
            let (mut values, mut bins) = ([f32::NAN; CHUNK], [0; CHUNK]);
            values[..rest.len()].copy_from_slice(rest);
            self.map.fill_chunk(&values, &mut bins);
            bins_of_rest.copy_from_slice(&bins[..rest.len()]);
        }
    }
}

impl Way {
    fn of_cuts(cuts: Vec<f32>, missing: u8) -> Self {
        if cuts.len() <= COUNTED_MAX {
            return Self::Counted { cuts };
        }
        let cells = Cells::of_cuts(&cuts, missing);
        if cells.rounds <= ROUNDS_MAX { Self::LookedUp(cells) } else { Self::Halved { cuts: cells.cuts } }
    }

    fn of_codes(codes: &[u32], missing: u8) -> Self {
        let last = codes.last().copied().unwrap_or(0);
        if last >= CODES_MAX {
            return Self::Sought { codes: codes.to_vec() };
        }
        let mut bins = vec![missing; last as usize + 2];
        for (bin, &code) in (0_u8..).zip(codes) {
            bins[code as usize + 1] = bin;
        }
        let last = f32::from(u16::try_from(last).expect("below CODES_MAX"));
        Self::LookedUp(Cells { key: Key::Codes { last }, bins, cuts: Box::new([f32::INFINITY; 256]), rounds: 0 })
    }
}

impl Cells {
    /// With the key that leaves the fewest comparisons; of such keys, the one with the fewest cells.
    fn of_cuts(cuts: &[f32], missing: u8) -> Self {
        let keys = keys(cuts).into_iter();
        let counted = keys.map(|key| (rounds(&numbers(key, cuts)), key.number(f32::INFINITY), key));
        let best = counted.min_by_key(|&(rounds, last, _)| (rounds, last));
        let (rounds, last, key) = best.expect("there is always a key of ranks");
        let numbers = numbers(key, cuts);
        let below = |number: u16| numbers.partition_point(|&of_cut| of_cut < number);
        let bins = (1..=last).map(|number| u8::try_from(below(number)).expect("at most 254 cuts"));
        Self { key, bins: iter::once(missing).chain(bins).collect(), cuts: followed_by_infinity(cuts), rounds }
    }

    #[inline(always)]
    fn look_up(&self, values: &[f32; CHUNK], bins: &mut [u8; CHUNK]) {
        match self.rounds {
            0 => self.look_up_and_compare::<0>(values, bins),
            1 => self.look_up_and_compare::<1>(values, bins),
            2 => self.look_up_and_compare::<2>(values, bins),
            3 => self.look_up_and_compare::<3>(values, bins),
            _ => self.look_up_and_compare::<ROUNDS_MAX>(values, bins),
        }
    }

    /// NaN is above no cut, so it keeps the bin of the number 0, which is that of missing values.
    #[inline(always)]
    fn look_up_and_compare<const ROUNDS: usize>(&self, values: &[f32; CHUNK], bins: &mut [u8; CHUNK]) {
        let mut numbers = [0; CHUNK];
        self.key.numbers(values, &mut numbers);
        let (cells, cuts) = (self.bins.as_slice(), &*self.cuts);
        for place in 0..CHUNK {
            let mut bin = cells[usize::from(numbers[place])];
            for _ in 0..ROUNDS {
                bin += u8::from(values[place] > cuts[usize::from(bin)]);
            }
            bins[place] = bin;
        }
    }
}

/// Keys to choose from. A few values far from all others would widen the cells of all, so that up to two cuts at either
/// end may share a cell with the next one.
fn keys(cuts: &[f32]) -> Vec<Key> {
    let mut keys = Vec::new();
    let last = cuts.len() - 1;
    for (first, last) in [(0, last), (1, last), (0, last - 1), (1, last - 1), (2, last - 2)] {
        let (low, high) = (cuts[first], cuts[last]);
        for cells in [CELLS_MAX, CELLS_MAX / 2, CELLS_MAX / 4, CELLS_MAX / 8, CELLS_MAX / 16] {
            let cells = u16::try_from(cells - 1).expect("CELLS_MAX is below 2^16");
            keys.extend(Key::even(low, high, cells));
            keys.push(Key::ranks(low, high, cells));
        }
    }
    keys
}

fn numbers(key: Key, cuts: &[f32]) -> Vec<u16> {
    let mut numbers = vec![0; cuts.len()];
    key.numbers(cuts, &mut numbers);
    numbers
}

/// The most cuts with the same number.
fn rounds(numbers: &[u16]) -> usize {
    numbers.chunk_by(|one, other| one == other).map(<[u16]>::len).max().unwrap_or(0)
}

fn followed_by_infinity(cuts: &[f32]) -> Box<[f32; 256]> {
    let mut all = Box::new([f32::INFINITY; 256]);
    all[..cuts.len()].copy_from_slice(cuts);
    all
}

#[inline(always)]
fn map(values: &[f32; CHUNK], bins: &mut [u8; CHUNK], missing: u8, bin_of: impl Fn(f32) -> u8) {
    for (&value, bin) in values.iter().zip(bins) {
        *bin = if value.is_nan() { missing } else { bin_of(value) };
    }
}

/// Compares all values with one cut after the other.
#[inline(always)]
fn count_below(cuts: &[f32], values: &[f32; CHUNK], bins: &mut [u8; CHUNK], missing: u8) {
    // NaN is above no cut, so it keeps the bin that it starts with.
    for (bin, value) in bins.iter_mut().zip(values) {
        *bin = u8::from(value.is_nan()) * missing;
    }
    for &cut in cuts {
        for (bin, &value) in bins.iter_mut().zip(values) {
            *bin += u8::from(value > cut);
        }
    }
}

#[inline(always)]
fn halve(cuts: &[f32; 256], value: f32) -> u8 {
    [128, 64, 32, 16, 8, 4, 2, 1].into_iter().fold(0, |bin: u8, half| {
        let above = value > cuts[usize::from(bin + half - 1)];
        bin + half * u8::from(above)
    })
}

/// The category code, unless the value is none.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "compared with the value")]
fn code(value: f32) -> Option<u32> {
    let code = value as u32;
    // Compared as f64, which holds every code.
    f64::from(code).total_cmp(&(f64::from(value) + 0.0)).is_eq().then_some(code)
}

/// The largest `f32` that is at most `value`, so that the same `f32` values lie below either.
#[expect(clippy::cast_possible_truncation, reason = "rounding is corrected")]
pub(super) fn floor_f32(value: f64) -> f32 {
    let rounded = value as f32;
    if f64::from(rounded) > value { rounded.next_down() } else { rounded }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::binning::{Categories, Cuts};
    use super::*;

    const SPECIAL: [f32; 11] = [
        f32::NAN,
        -f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        0.0,
        -0.0,
        f32::MIN_POSITIVE,
        1e-45,
        -1e-45,
        f32::MAX,
        f32::MIN,
    ];

    fn agree(bins: &FeatureBins, values: &[f32]) -> BinMap {
        let map = BinMap::new(bins);
        let mut found = vec![0; values.len()];
        map.fill(values, &mut found);
        let expected: Vec<u8> = values.iter().map(|&value| bins.bin(value)).collect();
        assert_eq!(found, expected, "{bins:?}");
        map
    }

    /// Values at all cuts, next to them, and special ones.
    fn agree_around(cuts: &[f64]) -> BinMap {
        let around = |cut: &f64| {
            let floor = floor_f32(*cut);
            [floor.next_down(), floor, floor.next_up(), floor / 2.0, floor * 2.0]
        };
        let values: Vec<f32> = cuts.iter().flat_map(around).chain(SPECIAL).collect();
        agree(&FeatureBins::Numeric(Cuts::new(cuts.to_vec()).unwrap()), &values)
    }

    #[test]
    fn even_cuts_are_found_at_every_scale() {
        for count in [0, 1, 3, COUNTED_MAX, COUNTED_MAX + 1, 40, 254] {
            for (first, step) in [(-100.0, 2.0), (1000.0 + 1e-9, 0.01), (-3e38, 2e36), (1e-44, 1e-45), (0.0, 1e30)] {
                let cuts: Vec<f64> =
                    (0..count).scan(first, |cut, _| Some(std::mem::replace(cut, *cut + step))).collect();
                agree_around(&cuts);
            }
        }
    }

    #[test]
    fn each_distribution_of_cuts_has_its_way() {
        let spread: Vec<f64> = (0..200).map(|cut| 1.1_f64.powi(cut)).collect();
        assert!(matches!(agree_around(&spread).way, Way::LookedUp(Cells { key: Key::Ranks { .. }, rounds: 1, .. })));
        let even: Vec<f64> = (-100..100).map(f64::from).collect();
        assert!(matches!(agree_around(&even).way, Way::LookedUp(Cells { key: Key::Even { .. }, rounds: 1, .. })));
        let close = (0..100).map(|cut| 1.0 + f64::from(cut) * 1e-6);
        let clustered: Vec<f64> = [-1e30, -1e20, -1e10].into_iter().chain(close).chain([1e10, 1e20, 1e30]).collect();
        assert!(matches!(agree_around(&clustered).way, Way::Halved { .. }));
        assert!(matches!(agree_around(&[-1e39, -1.0, 0.0, 1e-50, 1.0, 1e39]).way, Way::Counted { .. }));
    }

    #[test]
    fn a_value_far_from_all_others_does_not_slow_down_the_rest() {
        let even = (0..250).map(|cut| f64::from(cut) / 250.0);
        let cuts: Vec<f64> = [-999.0].into_iter().chain(even).chain([1e12]).collect();
        assert!(matches!(agree_around(&cuts).way, Way::LookedUp(Cells { rounds: 2, .. })));
    }

    #[test]
    fn codes_are_found_and_all_else_is_missing() {
        let around = |code: u32| [-0.25_f32, 0.0, 0.5, 1.0].map(|step| floor_f32(f64::from(code)) + step);
        let tables =
            [vec![], vec![0, 2, 5, 250], vec![1, CODES_MAX - 1], vec![1, CODES_MAX], vec![7, 16_000_000, u32::MAX]];
        for codes in tables {
            let values: Vec<f32> =
                codes.iter().copied().flat_map(around).chain(SPECIAL).chain([-1.0, 3.0, 4e9, 5e9]).collect();
            agree(&FeatureBins::Categorical(Categories::new(codes, vec![]).unwrap()), &values);
        }
    }

    proptest! {
        #[test]
        fn any_cuts_are_found(
            mut cuts in prop::collection::vec(prop_oneof![-1e3..1e3, any::<f32>().prop_map(f64::from)], 0..254),
            values in prop::collection::vec(any::<f32>(), 0..600),
        ) {
            cuts.retain(|cut: &f64| cut.is_finite());
            cuts.sort_by(f64::total_cmp);
            cuts.dedup_by(|one, other| one <= other);
            agree_around(&cuts);
            agree(&FeatureBins::Numeric(Cuts::new(cuts).unwrap()), &values);
        }
    }
}
