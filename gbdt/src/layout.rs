//! Binned rows laid out for histograms: row by row, and without the bin that a feature has most often.
//!
//! A sum over that bin is what the other bins leave of the leaf's total, so it need not be added up. Most cells of
//! advertising data are such zeros; features without a frequent bin keep a byte in every row.

use rayon::prelude::*;

use super::binning::FeatureBins;
use super::math::real;
use super::simd::prefetch;

/// Rows that are laid out at a time: their cells fit a core's cache.
const BLOCK: usize = 4096;

/// Share of rows with the most frequent bin from which leaving it out is worth two bytes for each other row.
const SPARSE_SHARE_MIN: f64 = 0.25;

/// Bins that a sparse cell can name.
pub(super) const SPARSE_BINS: usize = 1 << 16;

/// Bins that a dense feature takes in a histogram, whatever it uses of them.
pub(super) const DENSE_BINS: usize = 1 << 8;

/// All rows of a table.
#[derive(Debug)]
pub(super) struct Layout {
    /// Where each feature's sums are.
    pub(super) places: Vec<BinRange>,
    /// Bins of all sparse features.
    pub(super) sparse_bins: usize,
    pub(super) dense_features: usize,
    /// Where the records of each [`BLOCK`] of rows begin, and where the last ends.
    blocks: Vec<usize>,
    /// Where each row's record begins, counted from its block's; and one for the end.
    starts: Vec<u32>,
    /// For each row, the bins of its dense features, two by two, then its sparse cells.
    records: Vec<u16>,
}

/// Where the sums of a feature's bins are in a histogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BinRange {
    pub(super) start: usize,
    /// Bins, the one for missing values included.
    pub(super) count: usize,
    /// The bin that has no cells.
    pub(super) default: Option<u8>,
}

impl Layout {
    /// Lays out the columns, which are as long as each other.
    pub(super) fn new(columns: &[Vec<u8>], bins: &[FeatureBins]) -> Self {
        let rows = columns.first().map_or(0, Vec::len);
        let (sparse, dense) = part_features(columns, bins, rows);
        let mut places = vec![BinRange { start: 0, count: 0, default: None }; columns.len()];
        let mut start = 0;
        for &(feature, default) in &sparse {
            places[feature] = BinRange { start, count: bins[feature].count(), default: Some(default) };
            start += bins[feature].count();
        }
        let sparse_bins = start;
        for (index, &feature) in dense.iter().enumerate() {
            let start = sparse_bins + index * DENSE_BINS;
            places[feature] = BinRange { start, count: bins[feature].count(), default: None };
        }
        let (blocks, starts) = starts(columns, &sparse, dense.len().div_ceil(2), rows);
        let records = lay_records(columns, (&sparse, &dense), &places, (&blocks, &starts));
        Self { places, sparse_bins, dense_features: dense.len(), blocks, starts, records }
    }

    /// Sums that a histogram holds.
    pub(super) fn sums(&self) -> usize {
        self.sparse_bins + self.pairs() * 2 * DENSE_BINS
    }

    /// The bins of a row's dense features, two by two with the first in the lower byte, and the places in a histogram of
    /// its other cells that are not defaults.
    #[inline]
    pub(super) fn record(&self, row: usize) -> (&[u16], &[u16]) {
        self.records[self.start(row)..self.start(row + 1)].split_at(self.pairs())
    }

    #[inline]
    fn start(&self, row: usize) -> usize {
        self.blocks[row / BLOCK] + self.starts[row] as usize
    }

    /// Pairs of dense features; one may stand for a single one.
    pub(super) fn pairs(&self) -> usize {
        self.dense_features.div_ceil(2)
    }

    /// Asks for the memory of a row that is needed soon.
    #[inline]
    pub(super) fn prefetch(&self, row: usize) {
        let first = self.start(row);
        prefetch(&self.records, first);
        prefetch(&self.records, first + 32);
    }

    /// Asks for where a row's record begins, before [`Layout::prefetch`] needs it.
    #[inline]
    pub(super) fn prefetch_start(&self, row: usize) {
        prefetch(&self.starts, row);
    }
}

/// Sparse features with their most frequent bin, and dense features.
fn part_features(columns: &[Vec<u8>], bins: &[FeatureBins], rows: usize) -> (Vec<(usize, u8)>, Vec<usize>) {
    let frequent: Vec<(u8, usize)> = columns.par_iter().map(|column| most_frequent(column)).collect();
    let (mut sparse, mut dense) = (Vec::new(), Vec::new());
    let mut sparse_bins = 0;
    for (feature, &(default, count)) in frequent.iter().enumerate() {
        let fits = sparse_bins + bins[feature].count() <= SPARSE_BINS;
        if fits && real(count) >= SPARSE_SHARE_MIN * real(rows) {
            sparse.push((feature, default));
            sparse_bins += bins[feature].count();
        } else {
            dense.push(feature);
        }
    }
    (sparse, dense)
}

/// The bin that comes most often, the smaller one among equals, and how often it comes.
fn most_frequent(column: &[u8]) -> (u8, usize) {
    // Four counters, so that equal neighbours do not wait for each other.
    let mut counts = [[0_usize; 256]; 4];
    for bins in column.chunks(4) {
        for (counts, &bin) in counts.iter_mut().zip(bins) {
            counts[usize::from(bin)] += 1;
        }
    }
    let count = |bin: u8| counts.iter().map(|counts| counts[usize::from(bin)]).sum::<usize>();
    (0..=255).map(|bin| (bin, count(bin))).rev().max_by_key(|&(_, count)| count).unwrap_or_default()
}

/// Where blocks, and the rows in them, begin.
fn starts(columns: &[Vec<u8>], sparse: &[(usize, u8)], pairs: usize, rows: usize) -> (Vec<usize>, Vec<u32>) {
    let length_min = u32::try_from(pairs).expect("a column is a vector, and so many do not fit a memory");
    let mut starts = vec![0; rows + 1];
    let lay_block = |(block, starts): (usize, &mut [u32])| {
        starts.fill(length_min);
        for &(feature, default) in sparse {
            for (length, &bin) in starts.iter_mut().zip(&columns[feature][block * BLOCK..]) {
                *length += u32::from(bin != default);
            }
        }
        let mut sum = 0;
        for start in starts {
            sum += std::mem::replace(start, sum);
        }
        sum
    };
    let lengths: Vec<u32> = starts[..rows].par_chunks_mut(BLOCK).enumerate().map(lay_block).collect();
    let mut blocks = vec![0; lengths.len() + 1];
    for (block, &length) in lengths.iter().enumerate() {
        blocks[block + 1] = blocks[block] + length as usize;
    }
    // The end lies in the last block, or is the first place of one that has no rows.
    starts[rows] = if rows.is_multiple_of(BLOCK) { 0 } else { lengths[lengths.len() - 1] };
    (blocks, starts)
}

fn lay_records(
    columns: &[Vec<u8>],
    (sparse, dense): (&[(usize, u8)], &[usize]),
    places: &[BinRange],
    (blocks, starts): (&[usize], &[u32]),
) -> Vec<u16> {
    let mut records = vec![0; blocks[blocks.len() - 1]];
    let mut parts = Vec::with_capacity(blocks.len());
    let mut rest = records.as_mut_slice();
    for ends in blocks.windows(2) {
        let (part, others) = rest.split_at_mut(ends[1] - ends[0]);
        rest = others;
        parts.push(part);
    }
    let rows = starts.len() - 1;
    parts.into_par_iter().zip(starts[..rows].par_chunks(BLOCK)).enumerate().for_each(|(block, (part, starts))| {
        let rows = block * BLOCK..block * BLOCK + starts.len();
        let mut next = starts.to_vec();
        // A default is written too, where the row's next cell or the next row's record will be; hence one place more.
        let mut written = vec![0_u16; part.len() + 1];
        for pair in dense.chunks(2) {
            let bins = |place: usize| pair.get(place).map(|&feature| &columns[feature][rows.clone()]);
            let (low, high) = (bins(0).unwrap_or_default(), bins(1));
            for (row, next) in next.iter_mut().enumerate() {
                written[*next as usize] = u16::from_le_bytes([low[row], high.map_or(0, |high| high[row])]);
                *next += 1;
            }
        }
        for &(feature, default) in sparse {
            let start = places[feature].start;
            for (next, &bin) in next.iter_mut().zip(&columns[feature][rows.clone()]) {
                let fresh = bin != default;
                let kept = written[*next as usize];
                let cell = u16::try_from(start + usize::from(bin)).unwrap_or(u16::MAX);
                written[*next as usize] = if fresh { cell } else { kept };
                *next += u32::from(fresh);
            }
        }
        part.copy_from_slice(&written[..part.len()]);
    });
    records
}

#[cfg(test)]
mod tests {
    use super::super::binning::Cuts;
    use super::*;

    #[test]
    fn rows_keep_every_cell_but_the_defaults() {
        let cuts = |count: u8| FeatureBins::Numeric(Cuts::new((0..count).map(f64::from).collect()).unwrap());
        let (bins, rows) = ([cuts(3), cuts(200), cuts(3)], 10_000_usize);
        let byte = |value: usize| u8::try_from(value).unwrap();
        let columns = [
            (0..rows).map(|row| if row % 3 == 0 { 2 } else { 0 }).collect::<Vec<u8>>(),
            (0..rows).map(|row| byte(row % 200)).collect(),
            (0..rows).map(|row| if row % 7 == 0 { 4 } else { 1 }).collect(),
        ];
        let layout = Layout::new(&columns, &bins);
        assert_eq!((layout.sparse_bins, layout.dense_features, layout.sums()), (10, 1, 522));
        assert_eq!(layout.places[0], BinRange { start: 0, count: 5, default: Some(0) });
        assert_eq!(layout.places[2], BinRange { start: 5, count: 5, default: Some(1) });
        for row in 0..rows {
            let expected = [(row % 3 == 0).then_some(2), (row % 7 == 0).then_some(9)];
            let expected: Vec<u16> = expected.into_iter().flatten().collect();
            assert_eq!(layout.record(row), (&[u16::from(byte(row % 200))][..], expected.as_slice()), "{row}");
        }
    }
}
