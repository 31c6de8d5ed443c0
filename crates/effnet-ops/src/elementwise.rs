//! The loop below every operation that treats each value alike: addition, activations, the step of
//! SGD. An operation says what happens to one vector of values ([`Map`]); this file does the rest.

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
        parallel::written(len, PIECE, |i, out| {
            let inputs = inputs.map(|input| input[i * PIECE..i * PIECE + out.len()].as_ptr());
            dispatch::run(level, MapPiece { inputs, out: out.as_mut_ptr().cast(), len: out.len(), map });
        })
    }
}

/// `target <- map(target, inputs..)`, in place; the arguments have one length.
pub(crate) fn map_in_place<const N: usize, const N1: usize, M: Map<N1>>(
    level: Level,
    target: &mut [f32],
    inputs: [&[f32]; N],
    map: M,
) {
    const { assert!(N1 == N + 1) };
    use rayon::prelude::*;
    assert!(inputs.iter().all(|input| input.len() == target.len()), "elementwise inputs of one length");
    let piece = |(i, target): (usize, &mut [f32])| {
        let out = target.as_mut_ptr();
        let mut pointers = [out.cast_const(); N1];
        for (pointer, input) in pointers[1..].iter_mut().zip(&inputs) {
            *pointer = input[i * PIECE..i * PIECE + target.len()].as_ptr();
        }
        dispatch::run(level, MapPiece { inputs: pointers, out, len: target.len(), map });
    };
    if target.len() <= PIECE {
        piece((0, target));
    } else {
        target.par_chunks_mut(PIECE).enumerate().for_each(piece);
    }
}

/// One piece: `len` values from each input, to as many at `out`. An input may be `out` itself.
struct MapPiece<const N: usize, M> {
    inputs: [*const f32; N],
    out: *mut f32,
    len: usize,
    map: M,
}

impl<const N: usize, M: Map<N>> Kernel for MapPiece<N, M> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let mut i = 0;
        // SAFETY: the functions above made the pointers from slices of `len` values, and i <= len.
        // Each vector is read before it is written, so an input that is `out` does no harm.
        unsafe {
            while S::IN_STEP && i + IN_STEP * S::LANES <= self.len {
                self.vector::<Wide<S, IN_STEP>, true>(Wide(s), i, IN_STEP * S::LANES);
                i += IN_STEP * S::LANES;
            }
            while i + S::LANES <= self.len {
                self.vector::<S, true>(s, i, S::LANES);
                i += S::LANES;
            }
            if i < self.len {
                self.vector::<S, false>(s, i, self.len - i);
            }
        }
    }
}

impl<const N: usize, M: Map<N>> MapPiece<N, M> {
    /// # Safety
    /// `i + n <= len`; n is the vector's length if `FULL`, else less.
    #[inline(always)]
    unsafe fn vector<S: Simd, const FULL: bool>(&self, s: S, i: usize, n: usize) {
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

/// A piece of output as the kernels take it.
pub(crate) fn pointer(out: &mut [MaybeUninit<f32>]) -> *mut f32 {
    out.as_mut_ptr().cast()
}
