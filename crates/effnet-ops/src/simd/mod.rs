//! The few vector operations that the kernels are written in, and their instruction sets.
//!
//! Why not leave it to the compiler's own vectorisation: the tails (channel counts are multiples of
//! 8, not of 16), the exponential and the register tiles of the convolutions come out right only
//! when written down.

mod portable;
mod wide;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(crate) use portable::Portable;
pub(crate) use wide::Wide;
#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2, Avx512};

/// Arithmetic on [`LANES`](Simd::LANES) f32 at once. A value of an implementing type proves that
/// the processor has its instructions, which is why the arithmetic itself is safe.
pub(crate) trait Simd: Copy + Send + Sync + 'static {
    const LANES: usize;
    /// Whether several vectors gain from being computed in step, as [`Wide`]. (Where a vector is an array, it is so already.)
    const IN_STEP: bool;
    type F: Copy;

    fn splat(self, value: f32) -> Self::F;

    /// # Safety
    /// `p` is readable for `LANES` values.
    unsafe fn load(self, p: *const f32) -> Self::F;

    /// The first `n` values, zeros behind them.
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
    /// 2^n for whole n in -126..=127, infinity for 128; unspecified elsewhere.
    fn exp2_whole(self, n: Self::F) -> Self::F;

    /// [`load`](Simd::load) if `FULL`, else [`load_part`](Simd::load_part).
    ///
    /// # Safety
    /// As of the two.
    #[inline(always)]
    unsafe fn load_if<const FULL: bool>(self, p: *const f32, n: usize) -> Self::F {
        // SAFETY: the caller's.
        unsafe { if FULL { self.load(p) } else { self.load_part(p, n) } }
    }

    /// [`store`](Simd::store) if `FULL`, else [`store_part`](Simd::store_part).
    ///
    /// # Safety
    /// As of the two.
    #[inline(always)]
    unsafe fn store_if<const FULL: bool>(self, p: *mut f32, n: usize, v: Self::F) {
        // SAFETY: the caller's.
        unsafe { if FULL { self.store(p, v) } else { self.store_part(p, n, v) } }
    }
}
