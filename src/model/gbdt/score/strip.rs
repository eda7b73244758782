//! The memory that trees are walked in: strips of bytes, one byte for each row of a step.

use std::cell::RefCell;

/// Rows that walk a tree together: the columns of 50 features and the strips of a tree with 31 leaves fit a core's
/// first cache. With half as many, a quarter more time goes into reading the steps.
pub(super) const STEP: usize = 256;

/// Leaves that a tree on strips can have: a label is a byte.
pub(super) const LEAVES_MAX: usize = 256;

/// First strip of what subtrees came to, fewer than splits.
pub(super) const SUBTREES: usize = LEAVES_MAX;

/// First strip of the answers of set tests, at most one for each split.
pub(super) const ANSWERS: usize = SUBTREES + LEAVES_MAX;

/// First strip of the columns.
pub(super) const COLUMNS: usize = ANSWERS + LEAVES_MAX;

/// One byte for each row of a step.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(in super::super) struct Strip(pub(super) [u8; STEP]);

impl Strip {
    /// Takes the first bytes of `rows`; when these are fewer than a step, the other places keep what they held.
    #[inline(always)]
    pub(super) fn copy_from(&mut self, rows: &[u8]) {
        // A copy of known length takes a few instructions, one of unknown length a call.
        match rows.first_chunk() {
            Some(rows) => self.0 = *rows,
            None => self.0[..rows.len()].copy_from_slice(rows),
        }
    }
}

/// One sum for each row of a step.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(in super::super) struct Sums(pub(super) [i32; STEP]);

/// Strips in the order of the constants above. The first ones hold the label of each leaf in all places, so that a
/// split reads a leaf and a subtree in the same way.
#[derive(Debug)]
pub(super) struct Strips(Vec<Strip>);

impl Strips {
    fn new() -> Self {
        let mut strips = vec![Strip([0; STEP]); COLUMNS];
        for (label, strip) in (0..=u8::MAX).zip(&mut strips) {
            strip.0.fill(label);
        }
        Self(strips)
    }

    /// Calls `work` with this thread's strips. The last are `columns` columns, with whatever was last written there.
    pub(super) fn with<R>(columns: usize, work: impl FnOnce(&mut [Strip]) -> R) -> R {
        thread_local! {
            static STRIPS: RefCell<Strips> = RefCell::new(Strips::new());
        }
        STRIPS.with_borrow_mut(|strips| {
            let length = COLUMNS + columns;
            if strips.0.len() < length {
                strips.0.resize(length, Strip([0; STEP]));
            }
            work(&mut strips.0[..length])
        })
    }
}
