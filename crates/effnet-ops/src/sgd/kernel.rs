//! The arithmetic of a step.

use super::param::Sgd;
use crate::dispatch::Kernel;
use crate::elementwise::{Vectors, each_vector};
use crate::simd::Simd;

/// The settings, as the kernel takes them.
#[derive(Clone, Copy)]
pub(super) struct Factors {
    momentum: f32,
    decay: f32,
    lr: f32,
}

impl From<&Sgd> for Factors {
    fn from(settings: &Sgd) -> Self {
        let Sgd { lr, momentum, weight_decay } = *settings;
        Self { momentum: momentum as f32, decay: weight_decay as f32, lr: lr as f32 }
    }
}

/// Values of a parameter with their velocities and gradients: slices of one length.
pub(super) struct Piece<'a> {
    pub(super) p: &'a mut [f32],
    pub(super) v: &'a mut [f32],
    pub(super) g: &'a [f32],
    pub(super) factors: Factors,
}

impl<'a> Piece<'a> {
    /// Pieces of `size` values; the last may be shorter.
    pub(super) fn cut(self, size: usize) -> Vec<Self> {
        let Self { p, v, g, factors } = self;
        let slices = p.chunks_mut(size).zip(v.chunks_mut(size)).zip(g.chunks(size));
        slices.map(|((p, v), g)| Piece { p, v, g, factors }).collect()
    }
}

impl Kernel for Piece<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let len = self.p.len();
        assert!(self.v.len() == len && self.g.len() == len, "slices of one length");
        // SAFETY: all three have `len` values.
        unsafe { each_vector(s, len, &mut self) };
    }
}

impl Vectors for Piece<'_> {
    #[inline(always)]
    unsafe fn vector<S: Simd, const FULL: bool>(&mut self, s: S, i: usize, n: usize) {
        let Factors { momentum, decay, lr } = self.factors;
        // SAFETY: the caller promises that there are n values from i on.
        unsafe {
            let (p_at, v_at) = (self.p.as_mut_ptr().add(i), self.v.as_mut_ptr().add(i));
            let g = s.load_if::<FULL>(self.g.as_ptr().add(i), n);
            let p = s.load_if::<FULL>(p_at, n);
            let v = s.load_if::<FULL>(v_at, n);
            let g = s.mul_add(p, s.splat(decay), g);
            let v = s.mul_add(v, s.splat(momentum), g);
            s.store_if::<FULL>(v_at, n, v);
            s.store_if::<FULL>(p_at, n, s.mul_add(v, s.splat(-lr), p));
        }
    }
}
