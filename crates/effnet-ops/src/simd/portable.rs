//! Plain arrays: correct everywhere, and simple enough for the compiler to use what vectors the
//! target has. `mul_add` is two roundings here, for without the instruction it is a library call.

use super::vector::Simd;

const LANES: usize = 8;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Portable;

#[inline(always)]
fn zip(a: [f32; LANES], b: [f32; LANES], f: impl Fn(f32, f32) -> f32) -> [f32; LANES] {
    let mut out = [0.0; LANES];
    for lane in 0..LANES {
        out[lane] = f(a[lane], b[lane]);
    }
    out
}

impl Simd for Portable {
    const LANES: usize = LANES;
    const IN_STEP: bool = false;
    const STEPS: usize = 1;
    type F = [f32; LANES];

    #[inline(always)]
    fn splat(self, value: f32) -> Self::F {
        [value; LANES]
    }

    #[inline(always)]
    unsafe fn load(self, p: *const f32) -> Self::F {
        // SAFETY: readable by the caller's promise; `read_unaligned` asks for no alignment.
        unsafe { p.cast::<Self::F>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn load_part(self, p: *const f32, n: usize) -> Self::F {
        let mut out = [0.0; LANES];
        // SAFETY: n < LANES, and p is readable for n values by the caller's promise.
        unsafe { std::ptr::copy_nonoverlapping(p, out.as_mut_ptr(), n) };
        out
    }

    #[inline(always)]
    unsafe fn store(self, p: *mut f32, v: Self::F) {
        // SAFETY: writable by the caller's promise.
        unsafe { p.cast::<Self::F>().write_unaligned(v) }
    }

    #[inline(always)]
    unsafe fn store_part(self, p: *mut f32, n: usize, v: Self::F) {
        // SAFETY: n < LANES, and p is writable for n values by the caller's promise.
        unsafe { std::ptr::copy_nonoverlapping(v.as_ptr(), p, n) }
    }

    #[inline(always)]
    fn add(self, a: Self::F, b: Self::F) -> Self::F {
        zip(a, b, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, a: Self::F, b: Self::F) -> Self::F {
        zip(a, b, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, a: Self::F, b: Self::F) -> Self::F {
        zip(a, b, |a, b| a * b)
    }

    #[inline(always)]
    fn div(self, a: Self::F, b: Self::F) -> Self::F {
        zip(a, b, |a, b| a / b)
    }

    #[inline(always)]
    fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        self.add(self.mul(a, b), c)
    }

    #[inline(always)]
    fn min(self, a: Self::F, b: Self::F) -> Self::F {
        zip(a, b, |a, b| if a < b { a } else { b })
    }

    #[inline(always)]
    fn max(self, a: Self::F, b: Self::F) -> Self::F {
        zip(a, b, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    fn abs(self, a: Self::F) -> Self::F {
        a.map(f32::abs)
    }

    #[inline(always)]
    fn select_less(self, a: Self::F, b: Self::F, yes: Self::F, no: Self::F) -> Self::F {
        let mut out = no;
        for lane in 0..LANES {
            out[lane] = if a[lane] < b[lane] { yes[lane] } else { no[lane] };
        }
        out
    }

    #[inline(always)]
    fn exp2_step(self, _: Self::F) -> Self::F {
        [1.0; LANES]
    }

    #[inline(always)]
    fn scale_exp2(self, a: Self::F, n: Self::F) -> Self::F {
        // The exponent field of an f32 is biased by 127 and stands at bit 23.
        zip(a, n, |a, n| a * f32::from_bits(((n as i32).wrapping_add(127) as u32) << 23))
    }
}
