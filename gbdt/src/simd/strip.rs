//! What lanes work on: a byte, or a sum, for each row of a step.

/// Rows that walk a tree together: the columns of 50 features and the strips of a tree with 31 leaves fit a core's
/// first cache. With half as many, a quarter more time goes into reading the steps.
pub(crate) const STEP: usize = 256;

/// One byte for each row of a step.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(crate) struct Strip(pub(crate) [u8; STEP]);

impl Strip {
    /// Takes the first bytes of `rows`; when these are fewer than a step, the other places keep what they held.
    #[inline(always)]
    pub(crate) fn copy_from(&mut self, rows: &[u8]) {
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
pub(crate) struct Sums(pub(crate) [i32; STEP]);
