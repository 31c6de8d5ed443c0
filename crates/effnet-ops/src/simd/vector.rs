//! What every instruction set can do with a vector of f32.

/// Arithmetic on [`LANES`](Simd::LANES) f32 at once. A value of an implementing type proves that
/// the processor has its instructions, which is why the arithmetic itself is safe.
pub(crate) trait Simd: Copy + Send + Sync + 'static {
    const LANES: usize;
    /// Whether several vectors gain from being computed in step, as [`Wide`](super::Wide). (Where a vector is an array, it is so already.)
    const IN_STEP: bool;
    /// In how many steps an octave [`exp2_step`](Simd::exp2_step) knows the powers of two: a power of two itself.
    const STEPS: usize;
    type F: Copy;

    fn splat(self, value: f32) -> Self::F;

    /// # Safety
    /// `p` is readable for `LANES` values.
    unsafe fn load(self, p: *const f32) -> Self::F;

    /// The first `n` values, then zeros.
    ///
    /// # Safety
    /// `n < LANES`, and `p` is readable for `n` values.
    unsafe fn load_part(self, p: *const f32, n: usize) -> Self::F;

    /// # Safety
    /// `p` is writable for `LANES` values.
    unsafe fn store(self, p: *mut f32, v: Self::F);

    /// # Safety
    /// `n < LANES`, and `p` is writable for `n` values.
    unsafe fn store_part(self, p: *mut f32, n: usize, v: Self::F);

    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    fn div(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a b + c`; rounded once where the level has the instruction.
    fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// `b` where either is NaN.
    fn min(self, a: Self::F, b: Self::F) -> Self::F;
    /// `b` where either is NaN.
    fn max(self, a: Self::F, b: Self::F) -> Self::F;
    fn abs(self, a: Self::F) -> Self::F;
    /// `yes` where `a < b`, else `no` (also where either is NaN).
    fn select_less(self, a: Self::F, b: Self::F, yes: Self::F, no: Self::F) -> Self::F;
    /// 2^(i / STEPS), where i is the number that the lowest bits of each lane spell, below STEPS.
    fn exp2_step(self, bits: Self::F) -> Self::F;
    /// a 2^floor(n) for n from -126 to 128 in whole [`STEPS`](Simd::STEPS) of an octave: infinity where that is too large (at
    /// 128, for any a of 1 or more); unspecified elsewhere.
    fn scale_exp2(self, a: Self::F, n: Self::F) -> Self::F;

    /// [`load`](Simd::load) if `FULL`, else [`load_part`](Simd::load_part).
    ///
    /// # Safety
    /// That of the one which is called.
    #[inline(always)]
    unsafe fn load_if<const FULL: bool>(self, p: *const f32, n: usize) -> Self::F {
        // SAFETY: the caller's.
        unsafe { if FULL { self.load(p) } else { self.load_part(p, n) } }
    }

    /// [`store`](Simd::store) if `FULL`, else [`store_part`](Simd::store_part).
    ///
    /// # Safety
    /// That of the one which is called.
    #[inline(always)]
    unsafe fn store_if<const FULL: bool>(self, p: *mut f32, n: usize, v: Self::F) {
        // SAFETY: the caller's.
        unsafe { if FULL { self.store(p, v) } else { self.store_part(p, n, v) } }
    }
}
