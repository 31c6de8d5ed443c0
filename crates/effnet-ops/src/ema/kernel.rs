//! The arithmetic of a step.

use crate::dispatch::Kernel;
use crate::elementwise::{Vectors, each_vector};
use crate::simd::Simd;

/// Values of an average and of its variable: slices of one length.
pub(super) struct Piece<'a> {
    pub(super) a: &'a mut [f32],
    pub(super) x: &'a [f32],
    pub(super) momentum: f32,
    /// 1 - momentum.
    pub(super) rest: f32,
}

impl<'a> Piece<'a> {
    /// Pieces of `size` values; the last may be shorter.
    pub(super) fn cut(self, size: usize) -> Vec<Self> {
        let Self { a, x, momentum, rest } = self;
        a.chunks_mut(size).zip(x.chunks(size)).map(|(a, x)| Piece { a, x, momentum, rest }).collect()
    }
}

impl Kernel for Piece<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let len = self.a.len();
        assert!(self.x.len() == len, "slices of one length");
        // SAFETY: both have `len` values.
        unsafe { each_vector(s, len, &mut self) };
    }
}

impl Vectors for Piece<'_> {
    #[inline(always)]
    unsafe fn vector<S: Simd, const FULL: bool>(&mut self, s: S, i: usize, n: usize) {
        // SAFETY: the caller promises that there are n values from i on.
        unsafe {
            let at = self.a.as_mut_ptr().add(i);
            let x = s.mul(s.load_if::<FULL>(self.x.as_ptr().add(i), n), s.splat(self.rest));
            s.store_if::<FULL>(at, n, s.mul_add(s.load_if::<FULL>(at, n), s.splat(self.momentum), x));
        }
    }
}
