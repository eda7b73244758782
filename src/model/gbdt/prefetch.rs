//! Asks for memory before it is needed.

/// Brings the cache line of `values[index]` closer, if there is such a value. Changes nothing but time.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a call would cost more than the hint saves")]
#[cfg_attr(target_arch = "x86_64", expect(unsafe_code, reason = "the hint takes a raw pointer"))]
pub(super) fn prefetch<T>(values: &[T], index: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(value) = values.get(index) {
        // SAFETY: SSE is part of x86-64, and a prefetch reads nothing, whatever the address; this one is of a live value.
        unsafe {
            std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(std::ptr::from_ref(value).cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (values, index);
}
