//! What rows are added to: sums of 32 bits, half as large as those of a histogram, so that more of them stay in the first
//! cache. They are emptied into wide sums before they can overflow, which gradients that are mostly small allow rarely.

use super::super::layout::{DENSE_BINS, Layout, SPARSE_BINS};
use super::super::simd::prefetch;
use super::super::simd::{Kernel, Lane, Work};
use super::{GradientSum, Quantized};

/// Rows ahead for whose record, and for whose start, memory is asked.
const SOON: usize = 8;
const LATER: usize = 24;

/// Sums that are all 0 while nobody uses them, each as a [`Quantized`]. As large as any cell can name, so that no look-up
/// needs a check.
#[derive(Debug)]
pub(super) struct Narrow {
    sparse: Box<[u32; SPARSE_BINS]>,
    /// Two features each.
    dense: Vec<[u32; 2 * DENSE_BINS]>,
}

impl Narrow {
    pub(super) fn new(pairs: usize) -> Self {
        let sparse = vec![0; SPARSE_BINS].try_into().expect("as long as the array");
        Self { sparse, dense: vec![[0; 2 * DENSE_BINS]; pairs] }
    }

    /// Adds the rows up in `sums`, which are empty.
    pub(super) fn add_up(
        &mut self,
        (layout, gradients): (&Layout, &[Quantized]),
        mut rows: &[u32],
        sums: &mut Vec<GradientSum>,
    ) {
        loop {
            let added = add_rows((layout, gradients), rows, &mut self.sparse, &mut self.dense);
            self.empty_into(sums, layout.sparse_bins);
            rows = &rows[added..];
            if rows.is_empty() {
                return;
            }
        }
    }

    /// Adds everything to `sums`, which may be empty, and starts again.
    fn empty_into(&mut self, sums: &mut Vec<GradientSum>, sparse_bins: usize) {
        let (sparse, dense) = (&mut self.sparse[..sparse_bins], self.dense.as_flattened_mut());
        if sums.is_empty() {
            sums.extend(sparse.iter().map(|&sum| Quantized(sum).sum()));
            sums.extend(dense.iter().map(|&sum| Quantized(sum).sum()));
            sparse.fill(0);
            dense.fill(0);
        } else {
            let (wide_sparse, wide_dense) = sums.split_at_mut(sparse_bins);
            for (narrow, wide) in [(sparse, wide_sparse), (dense, wide_dense)] {
                Kernel::best().run(Empty { narrow, wide });
            }
        }
    }
}

struct Empty<'a> {
    narrow: &'a mut [u32],
    wide: &'a mut [GradientSum],
}

impl Work for Empty<'_> {
    #[inline(always)]
    fn run<L: Lane>(self, _: L) {
        for (wide, narrow) in self.wide.iter_mut().zip(self.narrow) {
            *wide = wide.plus(Quantized(*narrow).sum());
            *narrow = 0;
        }
    }
}

/// Adds rows up until a sum might overflow; returns how many, at least one if there is any.
///
/// A function of its own: as its arguments, slices are known not to overlap, and so need not be read again for each sum.
#[inline(never)]
fn add_rows(
    (layout, gradients): (&Layout, &[Quantized]),
    rows: &[u32],
    sparse: &mut [u32; SPARSE_BINS],
    dense: &mut [[u32; 2 * DENSE_BINS]],
) -> usize {
    let Some(last) = rows.len().checked_sub(1) else { return 0 };
    let mut room = Room::FULL;
    for (place, &row) in rows.iter().enumerate() {
        let (soon, later) = (rows[last.min(place + SOON)] as usize, rows[last.min(place + LATER)] as usize);
        layout.prefetch(soon);
        layout.prefetch_start(later);
        prefetch(gradients, later);
        let row = row as usize;
        let gradient = gradients[row];
        if !room.takes(gradient) {
            debug_assert!(place > 0, "there is room for any gradient");
            return place;
        }
        let add = |sum: &mut u32| *sum = sum.wrapping_add(gradient.0);
        let (pairs, cells) = layout.record(row);
        for (sums, pair) in dense.iter_mut().zip(pairs) {
            let [low, high] = pair.to_le_bytes().map(usize::from);
            add(&mut sums[low]);
            add(&mut sums[DENSE_BINS + high]);
        }
        for &cell in cells {
            add(&mut sparse[usize::from(cell)]);
        }
    }
    rows.len()
}

/// How much can surely be added before one of the sums overflows: as if all went to one bin.
struct Room {
    first: i32,
    second: i32,
}

impl Room {
    const FULL: Self = Self { first: 0x7fff, second: 0xffff };

    #[inline]
    fn takes(&mut self, gradient: Quantized) -> bool {
        let (first, second) = gradient.parts();
        self.first -= first.abs();
        self.second -= second;
        self.first >= 0 && self.second >= 0
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::binning::{Cuts, FeatureBins};
    use super::*;

    #[test]
    fn nothing_overflows_however_large_the_gradients() {
        let bins = [1, 2].map(|cuts| FeatureBins::Numeric(Cuts::new((0..cuts).map(f64::from).collect()).unwrap()));
        let columns = [vec![0; 3000], (0..3000_u16).map(|row| u8::from(row % 100 == 0)).collect()];
        let layout = Layout::new(&columns, &bins);
        let rows: Vec<u32> = (0..3000).collect();
        for (first, second) in [(-256, 256), (256, 1), (0x7fff, 0), (-0x7fff, 0xffff), (1, 0)] {
            let gradients = vec![Quantized::new(first, second); 3000];
            let (mut narrow, mut sums) = (Narrow::new(layout.pairs()), Vec::new());
            for _ in 0..2 {
                sums.clear();
                narrow.add_up((&layout, &gradients), &rows, &mut sums);
                let cell = layout.places[1].start + 1;
                assert_eq!(sums[cell].parts(), (30.0 * f64::from(first), 30.0 * f64::from(second)));
            }
        }
    }
}
