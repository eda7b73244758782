//! Parts the rows of a leaf between its children, each keeping their order.

use rayon::prelude::*;

use super::super::binning::FeatureBins;
use super::super::splitter::Candidate;
use super::super::tree::Test;
use super::Soil;

/// Rows from which parting them is worth sharing among threads.
const PARALLEL_ROWS_MIN: usize = 32_768;

/// The rows of a leaf, and as much memory again.
pub(super) type Rows<'a> = (&'a mut [u32], &'a mut [u32]);

/// The rows that go left and those that go right, in either memory; both are equally long, and the second holds nothing.
pub(super) fn part_rows<'a>(soil: &Soil<'_>, candidate: &Candidate, (rows, spare): Rows<'a>) -> (Rows<'a>, Rows<'a>) {
    let goes_left = sides(candidate, &soil.splitter.bins[candidate.feature]);
    let column = &soil.columns[candidate.feature];
    if rows.len() < PARALLEL_ROWS_MIN || soil.threads == 1 {
        let left_count = part(rows, column, &goes_left, spare);
        return split((rows, spare), left_count);
    }
    let block = rows.len().div_ceil(soil.threads);
    let blocks = rows.par_chunks_mut(block).zip(spare.par_chunks_mut(block));
    let lefts: Vec<usize> = blocks.map(|(rows, spare)| part(rows, column, &goes_left, spare)).collect();
    let left_count = lefts.iter().sum();
    let (mut left, mut right) = spare.split_at_mut(left_count);
    let mut places = Vec::with_capacity(lefts.len());
    for (rows, count) in rows.chunks(block).zip(lefts) {
        let (here, later) = (left.split_at_mut(count), right.split_at_mut(rows.len() - count));
        places.push((rows, here.0, later.0));
        (left, right) = (here.1, later.1);
    }
    places.into_par_iter().for_each(|(rows, left, right)| {
        let (lefts, rights) = rows.split_at(left.len());
        left.copy_from_slice(lefts);
        right.copy_from_slice(rights);
    });
    split((spare, rows), left_count)
}

fn split((rows, spare): Rows<'_>, left_count: usize) -> (Rows<'_>, Rows<'_>) {
    let ((left, right), (left_spare, right_spare)) = (rows.split_at_mut(left_count), spare.split_at_mut(left_count));
    ((left, left_spare), (right, right_spare))
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
