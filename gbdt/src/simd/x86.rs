//! AVX2 and AVX-512 as [`Lane`]s: nothing but names for instructions, and the proof that the processor has them.

#![expect(unsafe_code, reason = "instructions that not every processor has, and vectors read through pointers")]

use std::arch::x86_64::{
    __m256i, __m512i, _mm_loadu_si128, _mm256_add_epi8, _mm256_add_epi32, _mm256_adds_epu8, _mm256_and_si256,
    _mm256_blendv_epi8, _mm256_broadcastsi128_si256, _mm256_cmpgt_epi8, _mm256_loadu_si256, _mm256_or_si256,
    _mm256_set1_epi8, _mm256_shuffle_epi8, _mm256_srli_epi16, _mm256_storeu_si256, _mm256_unpackhi_epi8,
    _mm256_unpackhi_epi16, _mm256_unpacklo_epi8, _mm256_unpacklo_epi16, _mm512_add_epi8, _mm512_add_epi32,
    _mm512_adds_epu8, _mm512_and_si512, _mm512_broadcast_i32x4, _mm512_cmpgt_epi8_mask, _mm512_loadu_si512,
    _mm512_mask_blend_epi8, _mm512_or_si512, _mm512_set1_epi8, _mm512_shuffle_epi8, _mm512_srli_epi16,
    _mm512_storeu_si512, _mm512_unpackhi_epi8, _mm512_unpackhi_epi16, _mm512_unpacklo_epi8, _mm512_unpacklo_epi16,
};

use super::lane::{Lane, Work};
use super::strip::{STEP, Strip, Sums};

/// Proof that the processor has AVX2.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx2(());

/// Proof that the processor has AVX-512 F and BW.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx512(());

impl Avx2 {
    pub(super) fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx2").then_some(Self(()))
    }

    /// Does `work` in a function that may use AVX2 throughout.
    pub(super) fn run(self, work: impl Work) {
        #[target_feature(enable = "avx2")]
        fn inner(lane: Avx2, work: impl Work) {
            work.run(lane);
        }
        // SAFETY: `self` exists, so the processor has AVX2.
        unsafe { inner(self, work) }
    }
}

impl Avx512 {
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw")).then_some(Self(()))
    }

    /// Does `work` in a function that may use AVX-512 F and BW throughout.
    pub(super) fn run(self, work: impl Work) {
        #[target_feature(enable = "avx512f,avx512bw")]
        fn inner(lane: Avx512, work: impl Work) {
            work.run(lane);
        }
        // SAFETY: `self` exists, so the processor has AVX-512 F and BW.
        unsafe { inner(self, work) }
    }
}

/// A method whose body is one expression of instructions.
macro_rules! instructions {
    ($(fn $name:ident($($argument:ident: $kind:ty),*) -> $result:ty = $body:expr;)*) => {$(
        #[inline(always)]
        fn $name(self, $($argument: $kind),*) -> $result {
            // SAFETY: `self` exists, so the processor has these instructions.
            unsafe { $body }
        }
    )*};
}

impl Lane for Avx2 {
    type Bytes = __m256i;

    const LENGTH: usize = 32;

    const LOOKS_UP: bool = true;

    #[inline(always)]
    fn load(self, strip: &Strip, place: usize) -> __m256i {
        assert!(place + Self::LENGTH <= STEP, "a place within the strip");
        // SAFETY: the 32 bytes from `place` on are within the strip; `self` exists, so the processor has AVX2.
        unsafe { _mm256_loadu_si256(strip.0.as_ptr().add(place).cast()) }
    }

    #[inline(always)]
    fn store(self, bytes: __m256i, strip: &mut Strip, place: usize) {
        assert!(place + Self::LENGTH <= STEP, "a place within the strip");
        // SAFETY: the 32 bytes from `place` on are within the strip; `self` exists, so the processor has AVX2.
        unsafe { _mm256_storeu_si256(strip.0.as_mut_ptr().add(place).cast(), bytes) }
    }

    #[inline(always)]
    fn add_to_sums(self, numbers: __m256i, sums: &mut Sums, place: usize) {
        assert!(place + Self::LENGTH / 4 <= STEP, "a place within the sums");
        // SAFETY: the eight sums from `place` on are within the sums; `self` exists, so the processor has AVX2.
        unsafe {
            let sums: *mut __m256i = sums.0.as_mut_ptr().add(place).cast();
            _mm256_storeu_si256(sums, _mm256_add_epi32(_mm256_loadu_si256(sums), numbers));
        }
    }

    #[inline(always)]
    fn look_up(self, table: &[u8; 16], indices: __m256i) -> __m256i {
        // SAFETY: the table has the 16 bytes that are read; `self` exists, so the processor has AVX2.
        unsafe {
            let table = _mm_loadu_si128(table.as_ptr().cast());
            _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(table), indices)
        }
    }

    instructions! {
        fn splat(byte: u8) -> __m256i = _mm256_set1_epi8(byte.cast_signed());
        fn add(one: __m256i, other: __m256i) -> __m256i = _mm256_add_epi8(one, other);
        fn add_saturating(one: __m256i, other: __m256i) -> __m256i = _mm256_adds_epu8(one, other);
        fn and(one: __m256i, other: __m256i) -> __m256i = _mm256_and_si256(one, other);
        fn or(one: __m256i, other: __m256i) -> __m256i = _mm256_or_si256(one, other);
        fn eighth(bytes: __m256i) -> __m256i = _mm256_and_si256(_mm256_srli_epi16::<3>(bytes), _mm256_set1_epi8(31));
        fn select(value: __m256i, limit: __m256i, above: __m256i, otherwise: __m256i) -> __m256i =
            _mm256_blendv_epi8(otherwise, above, _mm256_cmpgt_epi8(value, limit));
        fn interleave_8(one: __m256i, other: __m256i) -> [__m256i; 2] =
            [_mm256_unpacklo_epi8(one, other), _mm256_unpackhi_epi8(one, other)];
        fn interleave_16(one: __m256i, other: __m256i) -> [__m256i; 2] =
            [_mm256_unpacklo_epi16(one, other), _mm256_unpackhi_epi16(one, other)];
    }
}

impl Lane for Avx512 {
    type Bytes = __m512i;

    const LENGTH: usize = 64;

    const LOOKS_UP: bool = true;

    #[inline(always)]
    fn load(self, strip: &Strip, place: usize) -> __m512i {
        assert!(place + Self::LENGTH <= STEP, "a place within the strip");
        // SAFETY: the 64 bytes from `place` on are within the strip; `self` exists, so the processor has AVX-512 F.
        unsafe { _mm512_loadu_si512(strip.0.as_ptr().add(place).cast()) }
    }

    #[inline(always)]
    fn store(self, bytes: __m512i, strip: &mut Strip, place: usize) {
        assert!(place + Self::LENGTH <= STEP, "a place within the strip");
        // SAFETY: the 64 bytes from `place` on are within the strip; `self` exists, so the processor has AVX-512 F.
        unsafe { _mm512_storeu_si512(strip.0.as_mut_ptr().add(place).cast(), bytes) }
    }

    #[inline(always)]
    fn add_to_sums(self, numbers: __m512i, sums: &mut Sums, place: usize) {
        assert!(place + Self::LENGTH / 4 <= STEP, "a place within the sums");
        // SAFETY: the 16 sums from `place` on are within the sums; `self` exists, so the processor has AVX-512 F.
        unsafe {
            let sums: *mut __m512i = sums.0.as_mut_ptr().add(place).cast();
            _mm512_storeu_si512(sums, _mm512_add_epi32(_mm512_loadu_si512(sums), numbers));
        }
    }

    #[inline(always)]
    fn look_up(self, table: &[u8; 16], indices: __m512i) -> __m512i {
        // SAFETY: the table has the 16 bytes that are read; `self` exists, so the processor has AVX-512 F and BW.
        unsafe {
            let table = _mm_loadu_si128(table.as_ptr().cast());
            _mm512_shuffle_epi8(_mm512_broadcast_i32x4(table), indices)
        }
    }

    instructions! {
        fn splat(byte: u8) -> __m512i = _mm512_set1_epi8(byte.cast_signed());
        fn add(one: __m512i, other: __m512i) -> __m512i = _mm512_add_epi8(one, other);
        fn add_saturating(one: __m512i, other: __m512i) -> __m512i = _mm512_adds_epu8(one, other);
        fn and(one: __m512i, other: __m512i) -> __m512i = _mm512_and_si512(one, other);
        fn or(one: __m512i, other: __m512i) -> __m512i = _mm512_or_si512(one, other);
        fn eighth(bytes: __m512i) -> __m512i = _mm512_and_si512(_mm512_srli_epi16::<3>(bytes), _mm512_set1_epi8(31));
        fn select(value: __m512i, limit: __m512i, above: __m512i, otherwise: __m512i) -> __m512i =
            _mm512_mask_blend_epi8(_mm512_cmpgt_epi8_mask(value, limit), otherwise, above);
        fn interleave_8(one: __m512i, other: __m512i) -> [__m512i; 2] =
            [_mm512_unpacklo_epi8(one, other), _mm512_unpackhi_epi8(one, other)];
        fn interleave_16(one: __m512i, other: __m512i) -> [__m512i; 2] =
            [_mm512_unpacklo_epi16(one, other), _mm512_unpackhi_epi16(one, other)];
    }
}
