//! AVX2 + FMA and AVX-512F, by the compiler's intrinsics.
//!
//! The methods are `#[inline(always)]` and reach the processor's instructions only when inlined
//! into a function with `#[target_feature]`: see [`crate::dispatch`].

use std::arch::x86_64::*;

use super::vector::Simd;

/// AVX2 and FMA: 8 lanes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx2(());

/// AVX-512F: 16 lanes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx512(());

/// 2^(i / 16), to the nearest f32.
static SIXTEENTHS: [f32; 16] = [
    1.0,
    1.044_273_7,
    1.090_507_7,
    1.138_788_6,
    1.189_207_1,
    1.241_857_8,
    1.296_839_6,
    1.354_255_6,
    std::f32::consts::SQRT_2,
    1.476_826_2,
    1.542_210_8,
    1.610_490_3,
    1.681_792_9,
    1.756_252_2,
    1.834_008_1,
    1.915_206_6,
];

/// 2^(i / 8).
static EIGHTHS: [f32; 8] = [
    SIXTEENTHS[0],
    SIXTEENTHS[2],
    SIXTEENTHS[4],
    SIXTEENTHS[6],
    SIXTEENTHS[8],
    SIXTEENTHS[10],
    SIXTEENTHS[12],
    SIXTEENTHS[14],
];

impl Avx2 {
    /// # Safety
    /// The processor has AVX2 and FMA.
    #[inline(always)]
    pub(crate) unsafe fn new() -> Self {
        Self(())
    }

    /// A mask of the first `n` lanes: 8 words read from this table at `8 - n`.
    #[inline(always)]
    fn first(self, n: usize) -> __m256i {
        static ONES_THEN_ZEROS: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
        debug_assert!(n <= 8);
        // SAFETY: 8 - min(n, 8) + 8 <= 16, so the read stays in the table; AVX2 is there by `new`.
        unsafe { _mm256_loadu_si256(ONES_THEN_ZEROS.as_ptr().add(8 - n.min(8)).cast()) }
    }
}

impl Avx512 {
    /// # Safety
    /// The processor has AVX-512F.
    #[inline(always)]
    pub(crate) unsafe fn new() -> Self {
        Self(())
    }
}

/// The arithmetic of a level, from intrinsics of the same form.
macro_rules! arithmetic {
    ($vector:ty; $($name:ident($($arg:ident),*) = $intrinsic:ident;)*) => {$(
        #[inline(always)]
        fn $name(self $(, $arg: $vector)*) -> $vector {
            // SAFETY: a value of this type exists only where the processor has the instructions.
            unsafe { $intrinsic($($arg),*) }
        }
    )*};
}

impl Simd for Avx2 {
    const LANES: usize = 8;
    const IN_STEP: bool = true;
    const STEPS: usize = EIGHTHS.len();
    type F = __m256;

    arithmetic! { __m256;
        add(a, b) = _mm256_add_ps;
        sub(a, b) = _mm256_sub_ps;
        mul(a, b) = _mm256_mul_ps;
        div(a, b) = _mm256_div_ps;
        mul_add(a, b, c) = _mm256_fmadd_ps;
        min(a, b) = _mm256_min_ps;
        max(a, b) = _mm256_max_ps;
    }

    #[inline(always)]
    fn splat(self, value: f32) -> __m256 {
        // SAFETY: the level is there by `new`.
        unsafe { _mm256_set1_ps(value) }
    }

    #[inline(always)]
    unsafe fn load(self, p: *const f32) -> __m256 {
        // SAFETY: readable by the caller's promise.
        unsafe { _mm256_loadu_ps(p) }
    }

    #[inline(always)]
    unsafe fn load_part(self, p: *const f32, n: usize) -> __m256 {
        // SAFETY: lanes outside the mask are not read.
        unsafe { _mm256_maskload_ps(p, self.first(n)) }
    }

    #[inline(always)]
    unsafe fn store(self, p: *mut f32, v: __m256) {
        // SAFETY: writable by the caller's promise.
        unsafe { _mm256_storeu_ps(p, v) }
    }

    #[inline(always)]
    unsafe fn store_part(self, p: *mut f32, n: usize, v: __m256) {
        // SAFETY: lanes outside the mask are not written.
        unsafe { _mm256_maskstore_ps(p, self.first(n), v) }
    }

    #[inline(always)]
    fn abs(self, a: __m256) -> __m256 {
        // SAFETY: the level is there by `new`.
        unsafe { _mm256_andnot_ps(_mm256_set1_ps(-0.0), a) }
    }

    #[inline(always)]
    fn select_less(self, a: __m256, b: __m256, yes: __m256, no: __m256) -> __m256 {
        // SAFETY: the level is there by `new`.
        unsafe { _mm256_blendv_ps(no, yes, _mm256_cmp_ps::<_CMP_LT_OQ>(a, b)) }
    }

    #[inline(always)]
    fn exp2_step(self, bits: __m256) -> __m256 {
        // SAFETY: the table has 8 values; the level is there by `new`.
        unsafe { _mm256_permutevar8x32_ps(_mm256_loadu_ps(EIGHTHS.as_ptr()), _mm256_castps_si256(bits)) }
    }

    #[inline(always)]
    fn scale_exp2(self, a: __m256, n: __m256) -> __m256 {
        // SAFETY: the level is there by `new`.
        unsafe {
            let biased = _mm256_add_epi32(_mm256_cvtps_epi32(_mm256_floor_ps(n)), _mm256_set1_epi32(127));
            _mm256_mul_ps(a, _mm256_castsi256_ps(_mm256_slli_epi32::<23>(biased)))
        }
    }
}

impl Simd for Avx512 {
    const LANES: usize = 16;
    const IN_STEP: bool = true;
    const STEPS: usize = SIXTEENTHS.len();
    type F = __m512;

    arithmetic! { __m512;
        add(a, b) = _mm512_add_ps;
        sub(a, b) = _mm512_sub_ps;
        mul(a, b) = _mm512_mul_ps;
        div(a, b) = _mm512_div_ps;
        mul_add(a, b, c) = _mm512_fmadd_ps;
        min(a, b) = _mm512_min_ps;
        max(a, b) = _mm512_max_ps;
        abs(a) = _mm512_abs_ps;
    }

    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        // SAFETY: the level is there by `new`.
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    unsafe fn load(self, p: *const f32) -> __m512 {
        // SAFETY: readable by the caller's promise.
        unsafe { _mm512_loadu_ps(p) }
    }

    #[inline(always)]
    unsafe fn load_part(self, p: *const f32, n: usize) -> __m512 {
        // SAFETY: lanes outside the mask are not read.
        unsafe { _mm512_maskz_loadu_ps(((1u32 << n) - 1) as __mmask16, p) }
    }

    #[inline(always)]
    unsafe fn store(self, p: *mut f32, v: __m512) {
        // SAFETY: writable by the caller's promise.
        unsafe { _mm512_storeu_ps(p, v) }
    }

    #[inline(always)]
    unsafe fn store_part(self, p: *mut f32, n: usize, v: __m512) {
        // SAFETY: lanes outside the mask are not written.
        unsafe { _mm512_mask_storeu_ps(p, ((1u32 << n) - 1) as __mmask16, v) }
    }

    #[inline(always)]
    fn select_less(self, a: __m512, b: __m512, yes: __m512, no: __m512) -> __m512 {
        // SAFETY: the level is there by `new`.
        unsafe { _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b), no, yes) }
    }

    #[inline(always)]
    fn exp2_step(self, bits: __m512) -> __m512 {
        // SAFETY: the table has 16 values; the level is there by `new`.
        unsafe { _mm512_permutexvar_ps(_mm512_castps_si512(bits), _mm512_loadu_ps(SIXTEENTHS.as_ptr())) }
    }

    #[inline(always)]
    fn scale_exp2(self, a: __m512, n: __m512) -> __m512 {
        // SAFETY: the level is there by `new`.
        unsafe { _mm512_scalef_ps(a, n) }
    }
}
