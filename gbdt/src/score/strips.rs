//! The memory that trees are walked in: strips of bytes, one byte for each row of a step.

use std::cell::RefCell;

use crate::simd::{STEP, Strip};

/// Leaves that a tree on strips can have: a label is a byte.
pub(super) const LEAVES_MAX: usize = 256;

/// First strip of what subtrees came to, fewer than splits.
pub(super) const SUBTREES: usize = LEAVES_MAX;

/// First strip of the answers of set tests, at most one for each split.
pub(super) const ANSWERS: usize = SUBTREES + LEAVES_MAX;

/// First strip of the columns.
pub(super) const COLUMNS: usize = ANSWERS + LEAVES_MAX;

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
