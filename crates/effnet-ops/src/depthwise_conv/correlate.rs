//! The forward pass and the gradient of the input for small images: one kernel, for both are sums over taps of a row of
//! channels times the tap's weights. Taps outside of the image are left out.

use std::ops::Range;

use super::phase::Phase;
use crate::dispatch::{self, Kernel, Level};
use crate::elementwise::pointer;
use crate::parallel::{self, PIECE};
use crate::simd::Simd;
use crate::window::Window;

/// A depthwise sum over taps, with everything that does not depend on values.
pub(super) struct Correlation {
    images: usize,
    channels: usize,
    kernel: usize,
    /// Height and width.
    input: [usize; 2],
    output: [usize; 2],
    down: Vec<Phase>,
    across: Vec<(Phase, Range<usize>)>,
}

impl Correlation {
    pub(super) fn forward(window: Window, channels: usize) -> Self {
        let Window { images, y, x } = window;
        let (input, output) = ([y.input, x.input], [y.output, x.output]);
        Self::new(images, channels, y.kernel, input, output, Phase::forward(&y), Phase::forward(&x))
    }

    /// The transposed sum, from dy to dx.
    pub(super) fn input_gradient(window: Window, channels: usize) -> Self {
        let Window { images, y, x } = window;
        let (input, output) = ([y.output, x.output], [y.input, x.input]);
        let (down, across) = (Phase::input_gradient(&y), Phase::input_gradient(&x));
        Self::new(images, channels, y.kernel, input, output, down, across)
    }

    fn new(
        images: usize,
        channels: usize,
        kernel: usize,
        input: [usize; 2],
        output: [usize; 2],
        down: Vec<Phase>,
        across: Vec<Phase>,
    ) -> Self {
        let across = across.into_iter().map(|phase| {
            let interior = phase.interior(input[1]);
            (phase, interior)
        });
        Self { images, channels, kernel, input, output, down, across: across.collect() }
    }

    /// `x` [images, input, channels] to [images, output, channels]; `w` [kernel, kernel, channels].
    pub(super) fn run(&self, level: Level, x: &[f32], w: &[f32]) -> Vec<f32> {
        let image = self.input[0] * self.input[1] * self.channels;
        assert!(x.len() == self.images * image && w.len() == self.kernel * self.kernel * self.channels);
        let row = self.output[1] * self.channels;
        let rows_a_piece = (PIECE / row).max(1);
        // SAFETY: every output of a row belongs to one phase, and the kernel writes all of them.
        unsafe {
            parallel::written(self.images * self.output[0] * row, rows_a_piece * row, &|i, out| {
                let rows = i * rows_a_piece..i * rows_a_piece + out.len() / row;
                dispatch::run(level, RowsKernel { correlation: self, x, w, rows, out: pointer(out) });
            })
        }
    }
}

/// A tap of one output row: where its input row and its weights begin, in values.
#[derive(Clone, Copy)]
struct Tap {
    /// From the image's first value; not below 0 once the pixel's own place is added.
    x: isize,
    w: usize,
}

struct RowsKernel<'a> {
    correlation: &'a Correlation,
    x: &'a [f32],
    w: &'a [f32],
    /// Output rows, counted through all images.
    rows: Range<usize>,
    out: *mut f32,
}

impl Kernel for RowsKernel<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let correlation = self.correlation;
        let channels = correlation.channels;
        let [input_rows, input_width] = correlation.input;
        let mut taps: Vec<Tap> = Vec::with_capacity(correlation.kernel * correlation.kernel);
        let mut inside: Vec<Tap> = Vec::with_capacity(correlation.kernel * correlation.kernel);
        let mut out = self.out;
        for row in self.rows.clone() {
            let (image, i) = (row / correlation.output[0], row % correlation.output[0]);
            let x = self.x[image * input_rows * input_width * channels..].as_ptr();
            let down = &correlation.down[i % correlation.down.len()];
            for (phase, interior) in &correlation.across {
                taps.clear();
                for (offset_y, a) in &down.taps {
                    let Some(y) = down.under(i / down.step, *offset_y, input_rows) else { continue };
                    for (offset_x, b) in &phase.taps {
                        let x = ((y * input_width) as isize + offset_x) * channels as isize;
                        taps.push(Tap { x, w: (a * correlation.kernel + b) * channels });
                    }
                }
                let x_step = phase.input_step * channels;
                let out_step = phase.step * channels;
                let mut t = 0;
                while t < phase.count {
                    // SAFETY: the output pixel first + t step is inside the row.
                    let target = unsafe { out.add((phase.first + t * phase.step) * channels) };
                    let from = x.wrapping_add(t * x_step);
                    if t >= interior.start && t < interior.end {
                        let pixels =
                            Pixels { taps: &taps, x: from, x_step, w: self.w, out: target, out_step };
                        // SAFETY: all taps of these pixels are inside the image, which has
                        // `channels` values a pixel, as weights and output have.
                        unsafe {
                            if t + 4 <= interior.end {
                                pixels.all_channels::<S, 4, 2>(s, channels);
                                t += 4;
                            } else {
                                pixels.all_channels::<S, 1, 4>(s, channels);
                                t += 1;
                            }
                        }
                    } else {
                        inside.clear();
                        let width = phase.taps.len();
                        for (k, tap) in taps.iter().enumerate() {
                            if phase.under(t, phase.taps[k % width].0, input_width).is_some() {
                                inside.push(*tap);
                            }
                        }
                        let pixels =
                            Pixels { taps: &inside, x: from, x_step, w: self.w, out: target, out_step };
                        // SAFETY: as above, for only the taps inside the image are left.
                        unsafe { pixels.all_channels::<S, 1, 4>(s, channels) };
                        t += 1;
                    }
                }
            }
            out = out.wrapping_add(correlation.output[1] * channels);
        }
    }
}

/// Some output pixels of one phase, side by side in it.
struct Pixels<'a> {
    taps: &'a [Tap],
    x: *const f32,
    x_step: usize,
    w: &'a [f32],
    out: *mut f32,
    out_step: usize,
}

impl Pixels<'_> {
    /// `T` pixels; `V` vectors of channels at a time as long as there are so many.
    ///
    /// # Safety
    /// All taps of the pixels are inside the image.
    #[inline(always)]
    unsafe fn all_channels<S: Simd, const T: usize, const V: usize>(&self, s: S, channels: usize) {
        let mut c = 0;
        // SAFETY: the caller's promise, and c + the vectors' lengths <= channels.
        unsafe {
            while c + V * S::LANES <= channels {
                self.block::<S, T, V, true>(s, c, S::LANES);
                c += V * S::LANES;
            }
            while c + S::LANES <= channels {
                self.block::<S, T, 1, true>(s, c, S::LANES);
                c += S::LANES;
            }
            if c < channels {
                self.block::<S, T, 1, false>(s, c, channels - c);
            }
        }
    }

    /// `T` pixels times `V` vectors of channels, held in registers while the taps go by.
    ///
    /// # Safety
    /// All taps are inside; the channels too; n is the vector's length if `FULL`, else less.
    #[inline(always)]
    unsafe fn block<S: Simd, const T: usize, const V: usize, const FULL: bool>(
        &self,
        s: S,
        c: usize,
        n: usize,
    ) {
        let mut sums = [[s.splat(0.0); V]; T];
        for tap in self.taps {
            let x = self.x.wrapping_offset(tap.x).wrapping_add(c);
            for v in 0..V {
                // SAFETY: the caller's promise; tap.w + channels <= w.len().
                unsafe {
                    let w = s.load_if::<FULL>(self.w.as_ptr().add(tap.w + c + v * S::LANES), n);
                    for (t, sums) in sums.iter_mut().enumerate() {
                        let x = s.load_if::<FULL>(x.wrapping_add(t * self.x_step + v * S::LANES), n);
                        sums[v] = s.mul_add(x, w, sums[v]);
                    }
                }
            }
        }
        for (t, sums) in sums.iter().enumerate() {
            for (v, sum) in sums.iter().enumerate() {
                // SAFETY: the caller's promise.
                unsafe { s.store_if::<FULL>(self.out.add(t * self.out_step + c + v * S::LANES), n, *sum) };
            }
        }
    }
}
