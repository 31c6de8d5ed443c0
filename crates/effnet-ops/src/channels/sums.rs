//! Sums of [rows, channels] values over the rows.

use super::rows::{CHAIN, IN_STEP, Parameter, Rows, add_lanes, check, load_all};
use crate::dispatch::{self, Kernel, Level};
use crate::parallel;
use crate::simd::{Simd, Wide};

/// `K` terms of `N` values and `P` parameters of their channel, to be summed over rows.
pub(crate) trait ChannelTerms<const N: usize, const P: usize, const K: usize>:
    Copy + Send + Sync
{
    /// Must be `#[inline(always)]`.
    fn terms<S: Simd>(self, s: S, x: [S::F; N], p: [S::F; P]) -> [S::F; K];
}

/// The sums of `terms` over the rows of each group: `K` vectors of shape [groups, channels].
///
/// 32 rows at a time are added in f32, and those sums in f64, so that the error does not grow with
/// the number of rows.
pub(crate) fn sums<const N: usize, const P: usize, const K: usize, M: ChannelTerms<N, P, K>>(
    level: Level,
    shape: Rows,
    inputs: [&[f32]; N],
    params: [&[f32]; P],
    terms: M,
) -> [Vec<f64>; K] {
    /// A task's rows and channels; 64 Ki values.
    const ROWS: usize = 512;
    const CHANNELS: usize = 128;
    check(shape, &inputs, &params);
    let (across, down) = (shape.channels.div_ceil(CHANNELS), shape.rows.div_ceil(ROWS));
    // Small groups go several to a task, so that a task is worth a thread's waking.
    let groups_a_task = (ROWS / shape.rows.max(1)).clamp(1, shape.groups.max(1));
    let batches = shape.groups.div_ceil(groups_a_task);

    let parts = parallel::tasks(batches * down * across, &|task| {
        let (batch, block, column) = (task / (down * across), task / across % down, task % across);
        let (row, channel) = (block * ROWS, column * CHANNELS);
        let groups = batch * groups_a_task..((batch + 1) * groups_a_task).min(shape.groups);
        let width = CHANNELS.min(shape.channels - channel);
        let mut part = vec![0f64; groups.len() * K * width];
        for (i, group) in groups.enumerate() {
            let first = (group * shape.rows + row) * shape.channels + channel;
            let inputs = inputs.map(|x| x[first..].as_ptr());
            let params = params.map(|p| p[Parameter::new(shape, p).at(group) + channel..].as_ptr());
            let rows = ROWS.min(shape.rows - row);
            let out = &mut part[i * K * width..(i + 1) * K * width];
            dispatch::run(
                level,
                SumPiece { stride: shape.channels, rows, width, inputs, params, out, terms },
            );
        }
        part
    });

    let mut totals = std::array::from_fn(|_| vec![0f64; shape.groups * shape.channels]);
    for (task, part) in parts.iter().enumerate() {
        let (batch, channel) = (task / (down * across), task % across * CHANNELS);
        let width = CHANNELS.min(shape.channels - channel);
        for (i, part) in part.chunks_exact(K * width).enumerate() {
            let at = (batch * groups_a_task + i) * shape.channels + channel;
            for (total, part) in totals.iter_mut().zip(part.chunks_exact(width)) {
                for (total, part) in total[at..at + width].iter_mut().zip(part) {
                    *total += part;
                }
            }
        }
    }
    totals
}

/// The sums over all rows of one group, [channels], in this thread.
pub(crate) fn sums_here<const N: usize, const P: usize, const K: usize, M: ChannelTerms<N, P, K>>(
    level: Level,
    shape: Rows,
    inputs: [&[f32]; N],
    params: [&[f32]; P],
    terms: M,
) -> [Vec<f64>; K] {
    check(shape, &inputs, &params);
    assert!(shape.groups == 1, "one group");
    let Rows { rows, channels, .. } = shape;
    let mut out = vec![0f64; K * channels];
    let (inputs, params) = (inputs.map(<[f32]>::as_ptr), params.map(<[f32]>::as_ptr));
    dispatch::run(
        level,
        SumPiece { stride: channels, rows, width: channels, inputs, params, out: &mut out, terms },
    );
    std::array::from_fn(|k| out[k * channels..(k + 1) * channels].to_vec())
}

/// The sum over the rows of each group, [groups, channels].
pub(crate) fn column_sums(level: Level, shape: Rows, x: &[f32]) -> Vec<f64> {
    #[derive(Clone, Copy)]
    struct Itself;

    impl ChannelTerms<1, 0, 1> for Itself {
        #[inline(always)]
        fn terms<S: Simd>(self, _: S, x: [S::F; 1], []: [S::F; 0]) -> [S::F; 1] {
            x
        }
    }

    let [sums] = sums(level, shape, [x], [], Itself);
    sums
}

/// `width` channels of `rows` rows; `out` is [K, width].
struct SumPiece<'a, const N: usize, const P: usize, const K: usize, M> {
    /// Values from a row to the next.
    stride: usize,
    rows: usize,
    width: usize,
    inputs: [*const f32; N],
    params: [*const f32; P],
    out: &'a mut [f64],
    terms: M,
}

impl<const N: usize, const P: usize, const K: usize, M: ChannelTerms<N, P, K>> Kernel
    for SumPiece<'_, N, P, K, M>
{
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let mut row = 0;
        while row < self.rows {
            let chain = CHAIN.min(self.rows - row);
            let mut c = 0;
            // SAFETY: `sums` made the pointers at a place with `rows` rows of `width` channels
            // after it; row + chain <= rows and c <= width.
            unsafe {
                while S::IN_STEP && c + IN_STEP * S::LANES <= self.width {
                    self.chain::<Wide<S, IN_STEP>, true>(Wide(s), row, chain, c, IN_STEP * S::LANES);
                    c += IN_STEP * S::LANES;
                }
                while c + S::LANES <= self.width {
                    self.chain::<S, true>(s, row, chain, c, S::LANES);
                    c += S::LANES;
                }
                if c < self.width {
                    self.chain::<S, false>(s, row, chain, c, self.width - c);
                }
            }
            row += chain;
        }
    }
}

impl<const N: usize, const P: usize, const K: usize, M: ChannelTerms<N, P, K>> SumPiece<'_, N, P, K, M> {
    /// Adds `chain` rows from `row` on of a vector of channels from `c` on.
    ///
    /// # Safety
    /// They are inside the piece; n is the vector's length if `FULL`, else less.
    #[inline(always)]
    unsafe fn chain<S: Simd, const FULL: bool>(
        &mut self,
        s: S,
        row: usize,
        chain: usize,
        c: usize,
        n: usize,
    ) {
        let mut sums = [s.splat(0.0); K];
        // SAFETY: the caller's promise.
        let params = unsafe { load_all::<S, P, FULL>(s, &self.params, c, n) };
        for r in row..row + chain {
            // SAFETY: the caller's promise.
            let x = unsafe { load_all::<S, N, FULL>(s, &self.inputs, r * self.stride + c, n) };
            let terms = self.terms.terms(s, x, params);
            for k in 0..K {
                sums[k] = s.add(sums[k], terms[k]);
            }
        }
        for (k, sum) in sums.iter().enumerate() {
            let at = k * self.width + c;
            add_lanes(s, *sum, &mut self.out[at..at + n]);
        }
    }
}
