//! The gradient of the weights: for each tap, products of rows of dy and of x summed over the row.

use std::ops::Range;

use super::lines::Tile;
use crate::dispatch::{self, Kernel, Level};
use crate::parallel;
use crate::simd::Simd;
use crate::window::Window;

/// dw [k, k, channels]. The output rows of all images are cut in at most 16 blocks of equal size
/// (by the shapes alone), whose sums are added in their order.
pub(super) fn weight_gradient(
    level: Level,
    window: Window,
    channels: usize,
    x: &[f32],
    dy: &[f32],
) -> Vec<f32> {
    let rows = window.images * window.y.output;
    assert!(x.len() == window.images * window.y.input * window.x.input * channels);
    assert!(dy.len() == rows * window.x.output * channels);
    let block = rows.div_ceil(16);
    let parts = parallel::tasks(rows.div_ceil(block), &|i| {
        let rows = i * block..((i + 1) * block).min(rows);
        let mut out = vec![0f32; window.y.kernel * window.x.kernel * channels];
        dispatch::run(level, RowsKernel { window, channels, x, dy, rows, out: &mut out });
        out
    });
    parallel::sum_in_order(parts)
}

struct RowsKernel<'a> {
    window: Window,
    channels: usize,
    x: &'a [f32],
    dy: &'a [f32],
    /// Output rows, counted through all images.
    rows: Range<usize>,
    out: &'a mut [f32],
}

impl Kernel for RowsKernel<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Window { y, x, .. } = self.window;
        let channels = self.channels;
        for row in self.rows.clone() {
            let (image, i) = (row / y.output, row % y.output);
            for a in 0..y.kernel {
                let Some(input_row) = y.under(i, a) else { continue };
                for b in 0..x.kernel {
                    let outputs = x.outputs_of_tap(b);
                    let Some(first) = x.under(outputs.start, b).filter(|_| !outputs.is_empty()) else {
                        continue;
                    };
                    let x_at = ((image * y.input + input_row) * x.input + first) * channels;
                    let dy_at = (row * x.output + outputs.start) * channels;
                    let products = Products {
                        x: self.x[x_at..].as_ptr(),
                        x_step: x.stride * channels,
                        dy: self.dy[dy_at..].as_ptr(),
                        dy_step: channels,
                        count: outputs.len(),
                    };
                    let tap = &mut self.out[(a * x.kernel + b) * channels..][..channels];
                    // SAFETY: `outputs` are those for which the tap is inside the row of x, so both
                    // rows have `count` pixels at their steps, of `channels` values each.
                    unsafe { products.add_to(s, tap) };
                }
            }
        }
    }
}

/// `count` pixels of a row of x beside as many of a row of dy.
struct Products {
    x: *const f32,
    x_step: usize,
    dy: *const f32,
    dy_step: usize,
    count: usize,
}

impl Products {
    /// Adds the sum over the pixels, channel by channel.
    ///
    /// # Safety
    /// The pixels have `sums.len()` values each.
    #[inline(always)]
    unsafe fn add_to<S: Simd>(&self, s: S, sums: &mut [f32]) {
        let channels = sums.len();
        let mut c = 0;
        // SAFETY: the caller's promise, and c + the vectors' lengths <= channels.
        unsafe {
            // Four vectors at a time: their additions do not wait for each other.
            while c + 4 * S::LANES <= channels {
                self.block::<S, 4, true>(s, sums, c, S::LANES);
                c += 4 * S::LANES;
            }
            while c + S::LANES <= channels {
                self.block::<S, 1, true>(s, sums, c, S::LANES);
                c += S::LANES;
            }
            if c < channels {
                self.block::<S, 1, false>(s, sums, c, channels - c);
            }
        }
    }

    /// # Safety
    /// `V` vectors from channel c on are inside; n is the vector's length if `FULL`, else less.
    #[inline(always)]
    unsafe fn block<S: Simd, const V: usize, const FULL: bool>(
        &self,
        s: S,
        sums: &mut [f32],
        c: usize,
        n: usize,
    ) {
        let mut total = [s.splat(0.0); V];
        let (mut x, mut dy) = (self.x.wrapping_add(c), self.dy.wrapping_add(c));
        for _ in 0..self.count {
            for (v, total) in total.iter_mut().enumerate() {
                // SAFETY: the caller's promise.
                unsafe {
                    let a = s.load_if::<FULL>(x.add(v * S::LANES), n);
                    let b = s.load_if::<FULL>(dy.add(v * S::LANES), n);
                    *total = s.mul_add(a, b, *total);
                }
            }
            x = x.wrapping_add(self.x_step);
            dy = dy.wrapping_add(self.dy_step);
        }
        for (v, total) in total.iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe {
                let sum = sums.as_mut_ptr().add(c + v * S::LANES);
                s.store_if::<FULL>(sum, n, s.add(s.load_if::<FULL>(sum, n), *total));
            }
        }
    }
}

/// Adds the gradient by some rows of dy, which are tiles in their border of zeros.
pub(super) struct TapProducts<'a> {
    /// The input, from the first tap of the first pixel on.
    pub(super) x: Tile<'a>,
    pub(super) dy: Tile<'a>,
    /// Height and width of dy.
    pub(super) output: [usize; 2],
    pub(super) channels: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    /// [k, k, channels].
    pub(super) out: &'a mut [f32],
}

impl Kernel for TapProducts<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let (channels, kernel, [rows, columns]) = (self.channels, self.kernel, self.output);
        assert!(rows > 0 && columns > 0, "an image");
        let reach = |outputs: usize| (outputs - 1) * self.stride + kernel;
        self.x.check(reach(rows), reach(columns) * channels);
        self.dy.check(rows, columns * channels);
        assert!(self.out.len() == kernel * kernel * channels, "a weight for each tap");
        // SAFETY: the tiles were checked.
        unsafe {
            for (row, dy) in self.dy.lines_from(0, rows).enumerate() {
                for (a, x) in self.x.lines_from(row * self.stride, kernel).enumerate() {
                    match kernel {
                        3 => self.line::<S, 3, 3>(s, x, dy, a),
                        5 => self.line::<S, 5, 2>(s, x, dy, a),
                        _ => self.line::<S, 1, 4>(s, x, dy, a),
                    }
                }
            }
        }
    }
}

impl TapProducts<'_> {
    /// Adds the products of a line of dy and the line of x under row `a` of the taps: `B` taps and `V` vectors of channels at a time, so that a
    /// value of dy is read once for them.
    ///
    /// # Safety
    /// The lines are as long as `run` checked; B divides the kernel's size.
    #[inline(always)]
    unsafe fn line<S: Simd, const B: usize, const V: usize>(
        &mut self,
        s: S,
        x: *const f32,
        dy: *const f32,
        a: usize,
    ) {
        let channels = self.channels;
        for b in (0..self.kernel).step_by(B) {
            let x = x.wrapping_add(b * channels);
            let tap = (a * self.kernel + b) * channels;
            let mut c = 0;
            // SAFETY: the caller's promise, and c + the vectors' lengths <= channels.
            unsafe {
                while c + V * S::LANES <= channels {
                    self.block::<S, B, V, true>(s, x, dy, tap, c, S::LANES);
                    c += V * S::LANES;
                }
                while c + S::LANES <= channels {
                    self.block::<S, B, 1, true>(s, x, dy, tap, c, S::LANES);
                    c += S::LANES;
                }
                if c < channels {
                    self.block::<S, B, 1, false>(s, x, dy, tap, c, channels - c);
                }
            }
        }
    }

    /// # Safety
    /// `B` taps from `tap` on, and `V` vectors of channels from c on are inside; n is the vector's length if `FULL`, else
    /// less.
    #[inline(always)]
    #[allow(clippy::too_many_arguments, reason = "where the lines, the taps and the channels are")]
    unsafe fn block<S: Simd, const B: usize, const V: usize, const FULL: bool>(
        &mut self,
        s: S,
        x: *const f32,
        dy: *const f32,
        tap: usize,
        c: usize,
        n: usize,
    ) {
        let channels = self.channels;
        let (mut x, mut dy) = (x.wrapping_add(c), dy.wrapping_add(c));
        let mut totals = [[s.splat(0.0); V]; B];
        for _ in 0..self.output[1] {
            for v in 0..V {
                // SAFETY: the caller's promise.
                unsafe {
                    let dy = s.load_if::<FULL>(dy.add(v * S::LANES), n);
                    for (b, total) in totals.iter_mut().enumerate() {
                        let x = s.load_if::<FULL>(x.add(b * channels + v * S::LANES), n);
                        total[v] = s.mul_add(x, dy, total[v]);
                    }
                }
            }
            x = x.wrapping_add(self.stride * channels);
            dy = dy.wrapping_add(channels);
        }
        for (b, total) in totals.iter().enumerate() {
            for (v, total) in total.iter().enumerate() {
                // SAFETY: the caller's promise.
                unsafe {
                    let sum = self.out.as_mut_ptr().add(tap + b * channels + c + v * S::LANES);
                    s.store_if::<FULL>(sum, n, s.add(s.load_if::<FULL>(sum, n), *total));
                }
            }
        }
    }
}
