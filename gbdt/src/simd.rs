//! Vector code: what a processor does to many bytes at once, in one wording for AVX-512, AVX2 and plain code.
//!
//! Work is written once against [`Lane`]; [`Kernel::run`] compiles it for each kind of processor. A value of a lane's type proves
//! that the processor has its instructions, so no caller can use them elsewhere.

#![expect(clippy::inline_always, reason = "what is not inlined into a kernel's function does not use its instructions")]

mod kernel;
mod lane;
mod prefetch;
mod strip;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(crate) use kernel::Kernel;
pub(crate) use lane::{Lane, Work, row_of_place};
pub(crate) use prefetch::prefetch;
pub(crate) use strip::{STEP, Strip, Sums};
