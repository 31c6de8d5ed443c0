//! Some vectors as one.
//!
//! An exponential is a chain of twenty instructions that wait for each other, and a processor looks ahead only so far: two or
//! three chains. Written for several vectors in step, its instructions come in an order in which they need not wait.

use super::vector::Simd;

/// `N` vectors of a level, each operation on all of them in turn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wide<S, const N: usize>(pub(crate) S);

/// An operation on the vectors one by one.
macro_rules! each {
    ($($name:ident($($arg:ident),*);)*) => {$(
        #[inline(always)]
        fn $name(self $(, $arg: Self::F)*) -> Self::F {
            let mut out = [self.0.splat(0.0); N];
            for i in 0..N {
                out[i] = self.0.$name($($arg[i]),*);
            }
            out
        }
    )*};
}

impl<S: Simd, const N: usize> Simd for Wide<S, N> {
    const LANES: usize = N * S::LANES;
    const IN_STEP: bool = false;
    const STEPS: usize = S::STEPS;
    type F = [S::F; N];

    each! {
        add(a, b);
        sub(a, b);
        mul(a, b);
        div(a, b);
        mul_add(a, b, c);
        min(a, b);
        max(a, b);
        abs(a);
        select_less(a, b, yes, no);
        exp2_step(bits);
        scale_exp2(a, n);
    }

    #[inline(always)]
    fn splat(self, value: f32) -> Self::F {
        [self.0.splat(value); N]
    }

    #[inline(always)]
    unsafe fn load(self, p: *const f32) -> Self::F {
        let mut out = [self.0.splat(0.0); N];
        for (i, out) in out.iter_mut().enumerate() {
            // SAFETY: readable by the caller's promise.
            *out = unsafe { self.0.load(p.add(i * S::LANES)) };
        }
        out
    }

    #[inline(always)]
    unsafe fn load_part(self, p: *const f32, n: usize) -> Self::F {
        let mut out = [self.0.splat(0.0); N];
        for (i, out) in out.iter_mut().enumerate() {
            let first = i * S::LANES;
            // SAFETY: the first n values are readable by the caller's promise.
            unsafe {
                if first + S::LANES <= n {
                    *out = self.0.load(p.add(first));
                } else if first < n {
                    *out = self.0.load_part(p.add(first), n - first);
                }
            }
        }
        out
    }

    #[inline(always)]
    unsafe fn store(self, p: *mut f32, v: Self::F) {
        for (i, v) in v.into_iter().enumerate() {
            // SAFETY: writable by the caller's promise.
            unsafe { self.0.store(p.add(i * S::LANES), v) };
        }
    }

    #[inline(always)]
    unsafe fn store_part(self, p: *mut f32, n: usize, v: Self::F) {
        for (i, v) in v.into_iter().enumerate() {
            let first = i * S::LANES;
            // SAFETY: the first n values are writable by the caller's promise.
            unsafe {
                if first + S::LANES <= n {
                    self.0.store(p.add(first), v);
                } else if first < n {
                    self.0.store_part(p.add(first), n - first, v);
                }
            }
        }
    }
}
