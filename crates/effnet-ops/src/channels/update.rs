//! A map in place, with sums on the way.

use super::rows::{CHAIN, IN_STEP, Parameter, Rows, add_lanes, check, load_all};
use crate::dispatch::{self, Kernel, Level};
use crate::parallel::{self, PIECE};
use crate::simd::{Simd, Wide};

/// Pieces whose sums are added up.
const MOST_PARTS: usize = 64;

/// As a [`ChannelMap`] of a value and others beside it, with `K` terms that are summed over rows on the way.
pub(crate) trait ChannelUpdate<const N: usize, const P: usize, const K: usize>:
    Copy + Send + Sync
{
    /// The new value of `x[0]`, and the terms. Must be `#[inline(always)]`.
    fn update<S: Simd>(self, s: S, x: [S::F; N], p: [S::F; P]) -> (S::F, [S::F; K]);
}

/// Puts each value of `target` at its new value, and returns the sums of the terms over all rows of all groups: `K`
/// vectors of shape [channels], added as in [`sums`].
pub(crate) fn update<
    const N: usize,
    const N1: usize,
    const P: usize,
    const K: usize,
    M: ChannelUpdate<N1, P, K>,
>(
    level: Level,
    shape: Rows,
    target: &mut [f32],
    inputs: [&[f32]; N],
    params: [&[f32]; P],
    update: M,
) -> [Vec<f64>; K] {
    const { assert!(N1 == N + 1) };
    assert!(target.len() == shape.len(), "a target of {} values", shape.len());
    check(shape, &inputs, &params);
    let channels = shape.channels;
    // As many pieces at most as keep the parts of the sums few.
    let rows_a_piece = (PIECE / channels.max(1)).max((shape.groups * shape.rows).div_ceil(MOST_PARTS)).max(1);
    let pieces: Vec<_> = target.chunks_mut(rows_a_piece * channels.max(1)).enumerate().collect();
    let parts = parallel::map(pieces, &|(i, target)| {
        let mut sums = std::array::from_fn(|_| vec![0f64; channels]);
        update_rows(level, shape, i * rows_a_piece, target, inputs, params, &mut sums, update);
        sums
    });
    total(parts, channels)
}

/// The sums of all parts, in their order.
pub(crate) fn total<const K: usize>(parts: Vec<[Vec<f64>; K]>, channels: usize) -> [Vec<f64>; K] {
    let mut totals = std::array::from_fn(|_| vec![0f64; channels]);
    for part in &parts {
        for (total, part) in totals.iter_mut().zip(part) {
            total.iter_mut().zip(part).for_each(|(total, part)| *total += part);
        }
    }
    totals
}

/// The update of the rows in `target`, which is the whole's from row `first` on, in this thread; adds to `sums`, of shape
/// [channels] each. The inputs are whole.
#[allow(clippy::too_many_arguments, reason = "those of `update`, and which rows")]
pub(crate) fn update_rows<
    const N: usize,
    const N1: usize,
    const P: usize,
    const K: usize,
    M: ChannelUpdate<N1, P, K>,
>(
    level: Level,
    shape: Rows,
    first: usize,
    target: &mut [f32],
    inputs: [&[f32]; N],
    params: [&[f32]; P],
    sums: &mut [Vec<f64>; K],
    update: M,
) {
    const { assert!(N1 == N + 1) };
    check(shape, &inputs, &params);
    assert!(sums.iter().all(|sums| sums.len() == shape.channels), "a sum for each channel");
    let values = first * shape.channels..first * shape.channels + target.len();
    assert!(values.end <= shape.len() && target.len().is_multiple_of(shape.channels), "rows of the whole");
    let rows = target.len() / shape.channels;
    let out = target.as_mut_ptr();
    let mut pointers = [out.cast_const(); N1];
    for (pointer, input) in pointers[1..].iter_mut().zip(&inputs) {
        *pointer = input[values.clone()].as_ptr();
    }
    let params = params.map(|p| Parameter::new(shape, p));
    dispatch::run(level, UpdatePiece { shape, first, rows, inputs: pointers, params, out, sums, update });
}

/// Rows `first..first + rows` of the whole, all channels; `sums` are [channels].
struct UpdatePiece<'a, const N: usize, const P: usize, const K: usize, M> {
    shape: Rows,
    first: usize,
    rows: usize,
    inputs: [*const f32; N],
    params: [Parameter; P],
    out: *mut f32,
    sums: &'a mut [Vec<f64>; K],
    update: M,
}

impl<const N: usize, const P: usize, const K: usize, M: ChannelUpdate<N, P, K>> Kernel
    for UpdatePiece<'_, N, P, K, M>
{
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let channels = self.shape.channels;
        let mut row = 0;
        while row < self.rows {
            // Rows of one group, so that their parameters stay in registers.
            let group = (self.first + row) / self.shape.rows;
            let left = (group + 1) * self.shape.rows - (self.first + row);
            let chain = CHAIN.min(self.rows - row).min(left);
            let params = self.params.map(|p| p.values.wrapping_add(p.at(group)));
            let mut c = 0;
            // SAFETY: `update_rows` checked the lengths: row + chain <= rows, group < groups, c <= channels.
            unsafe {
                while S::IN_STEP && c + IN_STEP * S::LANES <= channels {
                    let n = IN_STEP * S::LANES;
                    self.chain::<Wide<S, IN_STEP>, true>(Wide(s), row, chain, &params, c, n);
                    c += n;
                }
                while c + S::LANES <= channels {
                    self.chain::<S, true>(s, row, chain, &params, c, S::LANES);
                    c += S::LANES;
                }
                if c < channels {
                    self.chain::<S, false>(s, row, chain, &params, c, channels - c);
                }
            }
            row += chain;
        }
    }
}

impl<const N: usize, const P: usize, const K: usize, M: ChannelUpdate<N, P, K>> UpdatePiece<'_, N, P, K, M> {
    /// `chain` rows from `row` on of `n` channels from `c` on.
    ///
    /// # Safety
    /// They are inside the piece and of one group, whose parameters are `params`; n is the vector's length if `FULL`, else
    /// less.
    #[inline(always)]
    unsafe fn chain<S: Simd, const FULL: bool>(
        &mut self,
        s: S,
        row: usize,
        chain: usize,
        params: &[*const f32; P],
        c: usize,
        n: usize,
    ) {
        let mut sums = [s.splat(0.0); K];
        // SAFETY: the caller's promise. Each vector is read before it is written, so it does no harm that the first input
        // is the output.
        unsafe {
            let p = load_all::<S, P, FULL>(s, params, c, n);
            for row in row..row + chain {
                let at = row * self.shape.channels + c;
                let x = load_all::<S, N, FULL>(s, &self.inputs, at, n);
                let (value, terms) = self.update.update(s, x, p);
                for k in 0..K {
                    sums[k] = s.add(sums[k], terms[k]);
                }
                s.store_if::<FULL>(self.out.add(at), n, value);
            }
        }
        for (k, sum) in sums.iter().enumerate() {
            add_lanes(s, *sum, &mut self.sums[k][c..c + n]);
        }
    }
}
