//! Parts the rows of a leaf between its children, each keeping their order.

use rayon::prelude::*;

use super::super::binning::FeatureBins;
use super::super::splitter::Candidate;
use super::super::tree::Test;
use super::Soil;

/// Rows that one thread parts at a time.
const BLOCK: usize = 32_768;

/// Moves the rows that go left before those that go right; returns how many go left. `spare` is as long as `rows`.
pub(super) fn part_rows(soil: &Soil<'_>, candidate: &Candidate, rows: &mut [u32], spare: &mut [u32]) -> usize {
    let goes_left = sides(candidate, &soil.splitter.bins[candidate.feature]);
    let column = &soil.columns[candidate.feature];
    if rows.len() <= BLOCK || rayon::current_num_threads() == 1 {
        return part(rows, column, &goes_left, spare);
    }
    let blocks = rows.par_chunks_mut(BLOCK).zip(spare.par_chunks_mut(BLOCK));
    let lefts: Vec<usize> = blocks.map(|(rows, spare)| part(rows, column, &goes_left, spare)).collect();
    let left_count = lefts.iter().sum();
    let (mut left, mut right) = spare.split_at_mut(left_count);
    for (rows, &count) in rows.chunks(BLOCK).zip(&lefts) {
        left = append(left, &rows[..count]);
        right = append(right, &rows[count..]);
    }
    rows.copy_from_slice(spare);
    left_count
}

/// Whether each bin goes left.
fn sides(candidate: &Candidate, bins: &FeatureBins) -> [bool; 256] {
    let mut sides = [false; 256];
    match &candidate.test {
        Test::AtMost(last) => sides[..=usize::from(*last)].fill(true),
        Test::OneOf(chosen) => chosen.iter().for_each(|&bin| sides[usize::from(bin)] = true),
    }
    sides[usize::from(bins.missing_bin())] = candidate.missing_left;
    sides
}

/// Every row is written to both sides, and counted on its own: no branch that a processor could mistake.
fn part(rows: &mut [u32], column: &[u8], goes_left: &[bool; 256], right: &mut [u32]) -> usize {
    let (mut left_count, mut right_count) = (0, 0);
    for place in 0..rows.len() {
        let row = rows[place];
        let left = goes_left[usize::from(column[row as usize])];
        rows[left_count] = row;
        right[right_count] = row;
        left_count += usize::from(left);
        right_count += usize::from(!left);
    }
    rows[left_count..].copy_from_slice(&right[..right_count]);
    left_count
}

/// Copies rows to the front of a place; returns what is left of the place.
fn append<'a>(place: &'a mut [u32], rows: &[u32]) -> &'a mut [u32] {
    let (front, rest) = place.split_at_mut(rows.len());
    front.copy_from_slice(rows);
    rest
}
