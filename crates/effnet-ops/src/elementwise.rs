//! The loop below every operation that treats each value alike: addition, activations, the step of
//! SGD. An operation says what happens to one vector of values ([`Map`], or [`Vectors`] where more than one is written); this
//! file does the rest.

use std::mem::MaybeUninit;

use crate::dispatch::{self, Kernel, Level};
use crate::parallel::{self, PIECE};
use crate::simd::{Simd, Wide};

/// Vectors that are computed in step.
const IN_STEP: usize = 4;

/// A function of `N` values, written on vectors.
pub(crate) trait Map<const N: usize>: Copy + Send + Sync {
    /// Must be `#[inline(always)]`.
    fn apply<S: Simd>(self, s: S, x: [S::F; N]) -> S::F;
}

/// The function of each element of the inputs, which have one length.
pub(crate) fn map<const N: usize, M: Map<N>>(level: Level, inputs: [&[f32]; N], map: M) -> Vec<f32> {
    let len = inputs[0].len();
    assert!(inputs.iter().all(|input| input.len() == len), "elementwise inputs of one length");
    // SAFETY: the kernel writes as many values as its inputs have, which is the piece's length.
    unsafe {
        parallel::written(len, PIECE, &|i, out| {
            let inputs = inputs.map(|input| input[i * PIECE..i * PIECE + out.len()].as_ptr());
            dispatch::run(level, MapPiece { inputs, out: out.as_mut_ptr().cast(), len: out.len(), map });
        })
    }
}

/// One piece: `len` values from each input, to as many at `out`.
struct MapPiece<const N: usize, M> {
    inputs: [*const f32; N],
    out: *mut f32,
    len: usize,
    map: M,
}

impl<const N: usize, M: Map<N>> Kernel for MapPiece<N, M> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let len = self.len;
        // SAFETY: `map` made the pointers from slices of `len` values.
        unsafe { each_vector(s, len, &mut self) };
    }
}

impl<const N: usize, M: Map<N>> Vectors for MapPiece<N, M> {
    #[inline(always)]
    unsafe fn vector<S: Simd, const FULL: bool>(&mut self, s: S, i: usize, n: usize) {
        let mut x = [s.splat(0.0); N];
        // SAFETY: the caller's promise, for inputs and output alike.
        unsafe {
            for (x, input) in x.iter_mut().zip(&self.inputs) {
                *x = s.load_if::<FULL>(input.add(i), n);
            }
            s.store_if::<FULL>(self.out.add(i), n, self.map.apply(s, x));
        }
    }
}

/// A piece of work that is done vector by vector.
pub(crate) trait Vectors {
    /// The values from `i` to `i + n`. Must be `#[inline(always)]`.
    ///
    /// # Safety
    /// The piece has them; n is the vector's length if `FULL`, else less.
    unsafe fn vector<S: Simd, const FULL: bool>(&mut self, s: S, i: usize, n: usize);
}

/// Every vector of a piece, some of them in step.
///
/// # Safety
/// The piece has `len` values.
#[inline(always)]
pub(crate) unsafe fn each_vector<S: Simd>(s: S, len: usize, piece: &mut impl Vectors) {
    let mut i = 0;
    // SAFETY: i + n <= len in each call, and the piece has `len` values.
    unsafe {
        while S::IN_STEP && i + IN_STEP * S::LANES <= len {
            piece.vector::<Wide<S, IN_STEP>, true>(Wide(s), i, IN_STEP * S::LANES);
            i += IN_STEP * S::LANES;
        }
        while i + S::LANES <= len {
            piece.vector::<S, true>(s, i, S::LANES);
            i += S::LANES;
        }
        if i < len {
            piece.vector::<S, false>(s, i, len - i);
        }
    }
}

/// A piece of output as the kernels take it.
pub(crate) fn pointer(out: &mut [MaybeUninit<f32>]) -> *mut f32 {
    out.as_mut_ptr().cast()
}
