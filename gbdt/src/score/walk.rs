//! Walks all rows of a step through a tree at once, without a branch that depends on a row.

use super::super::simd::{Lane, row_of_place};
use super::super::simd::{STEP, Strip, Sums};
use super::super::tree::Leaf;
use super::program::{Program, Set, SetTest};

/// The values of up to 16 leaves.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(super) struct Values {
    /// Their bytes, the lowest of each value first.
    planes: [[u8; 16]; 4],
    numbers: [i32; 16],
}

/// What [`add_values`] looks labels up in: one entry for each 16 leaves.
pub(super) fn values_of_leaves(leaves: &[Leaf]) -> impl Iterator<Item = Values> {
    leaves.chunks(16).map(|leaves| {
        let mut values = Values { planes: [[0; 16]; 4], numbers: [0; 16] };
        for (place, leaf) in leaves.iter().enumerate() {
            values.numbers[place] = leaf.value;
            for (plane, byte) in values.planes.iter_mut().zip(leaf.value.to_le_bytes()) {
                plane[place] = byte;
            }
        }
        values
    })
}

/// Finds the label of each row's leaf, in the strip `program.root`.
#[inline(always)]
pub(super) fn find_leaves<L: Lane>(lane: L, program: &Program, strips: &mut [Strip]) {
    for test in &program.sets {
        answer(lane, test, strips);
    }
    // What rows came to stays in registers from step to step: a lane is as long as a step divided by one of these.
    match STEP / L::LENGTH {
        4 => pick_all::<L, 4>(lane, program, strips),
        8 => pick_all::<L, 8>(lane, program, strips),
        16 => pick_all::<L, 16>(lane, program, strips),
        _ => unreachable!("lanes have 16, 32 or 64 bytes"),
    }
}

#[inline(always)]
fn pick_all<L: Lane, const VECTORS: usize>(lane: L, program: &Program, strips: &mut [Strip]) {
    let mut outcome = [lane.splat(0); VECTORS];
    for pick in &program.picks {
        let (keep, start) = (lane.splat(pick.keep), lane.splat(pick.start));
        let (shift, limit) = (lane.splat(pick.shift), lane.splat(pick.limit));
        let [side, into] = [pick.side, pick.into].map(usize::from);
        let column = pick.column as usize;
        for (index, outcome) in outcome.iter_mut().enumerate() {
            let place = index * L::LENGTH;
            let value = lane.add(lane.load(&strips[column], place), shift);
            let below = lane.or(lane.and(*outcome, keep), start);
            *outcome = lane.select(value, limit, lane.load(&strips[side], place), below);
            lane.store(*outcome, &mut strips[into], place);
        }
    }
}

#[inline(always)]
fn answer<L: Lane>(lane: L, test: &SetTest, strips: &mut [Strip]) {
    match &test.set {
        Set::Below16(answers) => answer_by(lane, test, strips, answers, is_below_16_and_in),
        Set::Below128(eights) => answer_by(lane, test, strips, eights, is_below_128_and_in),
        Set::Any(eights) => answer_by(lane, test, strips, eights, is_in),
    }
}

#[inline(always)]
fn answer_by<L: Lane, S>(
    lane: L,
    test: &SetTest,
    strips: &mut [Strip],
    set: &S,
    is_in: impl Fn(L, &S, L::Bytes) -> L::Bytes,
) {
    let (column, into) = (test.column as usize, usize::from(test.into));
    for index in 0..STEP / L::LENGTH {
        let place = index * L::LENGTH;
        let answers = is_in(lane, set, lane.load(&strips[column], place));
        lane.store(answers, &mut strips[into], place);
    }
}

/// The bit of each bin in the byte of its eight bins.
const BITS: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128];

#[inline(always)]
fn is_below_16_and_in<L: Lane>(lane: L, answers: &[u8; 16], bins: L::Bytes) -> L::Bytes {
    lane.look_up(answers, bins)
}

#[inline(always)]
fn is_below_128_and_in<L: Lane>(lane: L, eights: &[u8; 16], bins: L::Bytes) -> L::Bytes {
    lane.and(lane.look_up(eights, lane.eighth(bins)), lane.look_up(&BITS, bins))
}

#[inline(always)]
fn is_in<L: Lane>(lane: L, eights: &[[u8; 16]; 2], bins: L::Bytes) -> L::Bytes {
    let group = lane.eighth(bins);
    // What is outside a table's range becomes 128 or more, for which `look_up` gives 0.
    let low = lane.look_up(&eights[0], lane.add_saturating(group, lane.splat(0x70)));
    let high = lane.look_up(&eights[1], lane.add(group, lane.splat(0xf0)));
    lane.and(lane.or(low, high), lane.look_up(&BITS, lane.and(bins, lane.splat(7))))
}

/// Adds each row's value, by the label of its leaf. Sums come in the order of [`in_order_of_rows`].
#[inline(always)]
pub(super) fn add_values<L: Lane>(lane: L, values: &[Values], labels: &Strip, sums: &mut Sums) {
    match values {
        _ if !L::LOOKS_UP => add_numbers(values, labels, sums),
        [one] => add_values_of(lane, [one], labels, sums),
        [one, two] => add_values_of(lane, [one, two], labels, sums),
        all => add_values_of(lane, all, labels, sums),
    }
}

#[inline(always)]
fn add_values_of<'a, L: Lane>(
    lane: L,
    tables: impl IntoIterator<Item = &'a Values> + Copy,
    labels: &Strip,
    sums: &mut Sums,
) {
    for index in 0..STEP / L::LENGTH {
        let place = index * L::LENGTH;
        let labels = lane.load(labels, place);
        let mut planes = [lane.splat(0); 4];
        for (table, first) in tables.into_iter().zip((0..=u8::MAX).step_by(16)) {
            // Labels of other tables become 128 or more, for which `look_up` gives 0.
            let own = lane.add_saturating(lane.add(labels, lane.splat(first.wrapping_neg())), lane.splat(0x70));
            for (plane, table) in planes.iter_mut().zip(&table.planes) {
                *plane = lane.or(*plane, lane.look_up(table, own));
            }
        }
        add_planes(lane, planes, sums, place);
    }
}

/// For lanes of 16 bytes, whose sums are in the order of rows.
#[inline(always)]
fn add_numbers(values: &[Values], labels: &Strip, sums: &mut Sums) {
    for (sum, label) in sums.0.iter_mut().zip(labels.0.map(usize::from)) {
        *sum += values[label / 16].numbers[label % 16];
    }
}

/// Adds numbers whose first bytes are in the first plane, and so on.
#[inline(always)]
fn add_planes<L: Lane>(lane: L, planes: [L::Bytes; 4], sums: &mut Sums, place: usize) {
    let low = lane.interleave_8(planes[0], planes[1]);
    let high = lane.interleave_8(planes[2], planes[3]);
    for half in 0..2 {
        for (quarter, numbers) in lane.interleave_16(low[half], high[half]).into_iter().enumerate() {
            lane.add_to_sums(numbers, sums, place + (2 * half + quarter) * (L::LENGTH / 4));
        }
    }
}

/// The sums in the order of rows, from the order in which [`add_values`] leaves them.
#[inline(always)]
pub(super) fn in_order_of_rows<L: Lane>(_: L, sums: &Sums) -> Sums {
    let mut ordered = Sums([0; STEP]);
    for (place, &sum) in sums.0.iter().enumerate() {
        ordered.0[row_of_place(L::LENGTH, place)] = sum;
    }
    ordered
}
