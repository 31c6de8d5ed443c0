//! A map of [rows, channels] values.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::rows::{IN_STEP, Parameter, Rows, check, load_all};
use crate::dispatch::{self, Kernel, Level};
use crate::elementwise::pointer;
use crate::parallel::{self, PIECE};
use crate::simd::{Simd, Wide};

/// A function of `N` values and `P` parameters of their channel.
pub(crate) trait ChannelMap<const N: usize, const P: usize>: Copy + Send + Sync {
    /// Must be `#[inline(always)]`.
    fn apply<S: Simd>(self, s: S, x: [S::F; N], p: [S::F; P]) -> S::F;
}

/// The map of each value. Inputs have shape [groups * rows, channels], parameters [groups, channels], or [channels]
/// where all groups share them.
pub(crate) fn map<const N: usize, const P: usize, M: ChannelMap<N, P>>(
    level: Level,
    shape: Rows,
    inputs: [&[f32]; N],
    params: [&[f32]; P],
    map: M,
) -> Vec<f32> {
    let channels = shape.channels;
    check(shape, &inputs, &params);
    let rows_a_piece = (PIECE / channels.max(1)).max(1);
    // SAFETY: `map_rows` writes each row of the piece, each with all its channels.
    unsafe {
        parallel::written(shape.len(), rows_a_piece * channels, &|i, out| {
            let rows = i * rows_a_piece..i * rows_a_piece + out.len() / channels;
            map_rows(level, shape, rows, inputs, params, out, map);
        })
    }
}

/// The map of some of the rows, in this thread. Every value of `out` is written.
pub(crate) fn map_rows<const N: usize, const P: usize, M: ChannelMap<N, P>>(
    level: Level,
    shape: Rows,
    rows: Range<usize>,
    inputs: [&[f32]; N],
    params: [&[f32]; P],
    out: &mut [MaybeUninit<f32>],
    map: M,
) {
    check(shape, &inputs, &params);
    let values = rows.start * shape.channels..rows.end * shape.channels;
    assert!(values.end <= shape.len() && out.len() == values.len(), "rows of the whole");
    let inputs = inputs.map(|x| x[values.clone()].as_ptr());
    let params = params.map(|p| Parameter::new(shape, p));
    let (first, rows, out) = (rows.start, rows.len(), pointer(out));
    dispatch::run(level, MapPiece { shape, first, rows, inputs, params, out, map });
}

/// Rows `first..first + rows` of the whole, all channels.
struct MapPiece<const N: usize, const P: usize, M> {
    shape: Rows,
    first: usize,
    rows: usize,
    inputs: [*const f32; N],
    params: [Parameter; P],
    out: *mut f32,
    map: M,
}

impl<const N: usize, const P: usize, M: ChannelMap<N, P>> Kernel for MapPiece<N, P, M> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let channels = self.shape.channels;
        for row in 0..self.rows {
            let group = (self.first + row) / self.shape.rows;
            let x = row * channels;
            let params = self.params.map(|p| p.values.wrapping_add(p.at(group)));
            let mut c = 0;
            // SAFETY: `map_rows` checked the lengths: row < rows, group < groups, c <= channels.
            unsafe {
                while S::IN_STEP && c + IN_STEP * S::LANES <= channels {
                    self.vector::<Wide<S, IN_STEP>, true>(Wide(s), x, &params, c, IN_STEP * S::LANES);
                    c += IN_STEP * S::LANES;
                }
                while c + S::LANES <= channels {
                    self.vector::<S, true>(s, x, &params, c, S::LANES);
                    c += S::LANES;
                }
                if c < channels {
                    self.vector::<S, false>(s, x, &params, c, channels - c);
                }
            }
        }
    }
}

impl<const N: usize, const P: usize, M: ChannelMap<N, P>> MapPiece<N, P, M> {
    /// # Safety
    /// `row` is where a row begins, `params` are its parameters, and `n` channels from c on are inside; n is the vector's
    /// length if `FULL`, else less.
    #[inline(always)]
    unsafe fn vector<S: Simd, const FULL: bool>(
        &self,
        s: S,
        row: usize,
        params: &[*const f32; P],
        c: usize,
        n: usize,
    ) {
        // SAFETY: the caller's promise.
        unsafe {
            let x = load_all::<S, N, FULL>(s, &self.inputs, row + c, n);
            let p = load_all::<S, P, FULL>(s, params, c, n);
            s.store_if::<FULL>(self.out.add(row + c), n, self.map.apply(s, x, p));
        }
    }
}
