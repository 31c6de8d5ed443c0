//! The depthwise convolution of evaluation, on a tile that has its border of zeros, with what follows it: bias, activation,
//! and the sums for the gate.

use crate::activation::cpu::{Function, activate};
use crate::channels::add_lanes;
use crate::dispatch::Kernel;
use crate::simd::Simd;

/// Pixels whose sums are held in registers: with two vectors of channels, 12 of AVX2's 16 registers.
const PIXELS: usize = 6;

/// f(filter(tile) + bias) of some rows, a row after another.
pub(super) struct Filter<'a, F> {
    /// [lines, across, channels].
    pub(super) tile: &'a [f32],
    pub(super) across: usize,
    /// [kernel, kernel, channels].
    pub(super) taps: &'a [f32],
    /// [channels].
    pub(super) bias: &'a [f32],
    pub(super) kernel: usize,
    pub(super) stride: usize,
    /// Height and width of the result.
    pub(super) output: [usize; 2],
    pub(super) f: F,
    /// The result's first pixel; the next is `out_stride` values on.
    pub(super) out: *mut f32,
    pub(super) out_stride: usize,
    /// [channels], to which the sums over all pixels are added.
    pub(super) sums: &'a mut [f64],
}

impl<F: Function> Kernel for Filter<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let channels = self.bias.len();
        let [rows, columns] = self.output;
        assert!(rows > 0 && columns > 0, "an image");
        let lines = (rows - 1) * self.stride + self.kernel;
        assert!(self.across >= (columns - 1) * self.stride + self.kernel, "a border");
        assert!(self.tile.len() >= lines * self.across * channels && self.sums.len() == channels);
        assert!(self.taps.len() == self.kernel * self.kernel * channels);
        for row in 0..rows {
            let mut c = 0;
            // SAFETY: c and the vectors behind it are inside; the tile is large enough for all taps of all pixels.
            unsafe {
                while c + 2 * S::LANES <= channels {
                    self.row::<S, 2, true>(s, row, c, S::LANES);
                    c += 2 * S::LANES;
                }
                while c + S::LANES <= channels {
                    self.row::<S, 1, true>(s, row, c, S::LANES);
                    c += S::LANES;
                }
                if c < channels {
                    self.row::<S, 1, false>(s, row, c, channels - c);
                }
            }
        }
    }
}

impl<F: Function> Filter<'_, F> {
    /// `V` vectors of channels from c on of a row, each with `n` that are wanted: all of it if `FULL`, else less.
    ///
    /// # Safety
    /// The row and the channels are inside.
    #[inline(always)]
    unsafe fn row<S: Simd, const V: usize, const FULL: bool>(
        &mut self,
        s: S,
        row: usize,
        c: usize,
        n: usize,
    ) {
        let columns = self.output[1];
        let mut sums = [s.splat(0.0); V];
        // SAFETY: the caller's promise; each pixel is below `columns`.
        unsafe {
            let mut column = 0;
            while column < columns {
                column += match columns - column {
                    1 => self.pixels::<S, 1, V, FULL>(s, row, column, c, n, &mut sums),
                    2..PIXELS => self.pixels::<S, 2, V, FULL>(s, row, column, c, n, &mut sums),
                    _ => self.pixels::<S, PIXELS, V, FULL>(s, row, column, c, n, &mut sums),
                };
            }
        }
        for (v, sum) in sums.into_iter().enumerate() {
            let first = c + v * S::LANES;
            add_lanes(s, sum, &mut self.sums[first..first + n]);
        }
    }

    /// `P` pixels of a row from a column on; P.
    ///
    /// # Safety
    /// They and the channels are inside.
    #[inline(always)]
    unsafe fn pixels<S: Simd, const P: usize, const V: usize, const FULL: bool>(
        &self,
        s: S,
        row: usize,
        column: usize,
        c: usize,
        n: usize,
        sums: &mut [S::F; V],
    ) -> usize {
        let channels = self.bias.len();
        let (step, line) = (self.stride * channels, self.across * channels);
        // SAFETY: the caller's promise, and what `run` checked of the lengths.
        unsafe {
            let mut x = self.tile.as_ptr().add(row * self.stride * line + column * step + c);
            let mut w = self.taps.as_ptr().add(c);
            let mut z = [[s.splat(0.0); V]; P];
            for _ in 0..self.kernel {
                for b in 0..self.kernel {
                    let x = x.add(b * channels);
                    for v in 0..V {
                        let tap = s.load_if::<FULL>(w.add(v * S::LANES), n);
                        for (p, z) in z.iter_mut().enumerate() {
                            let x = s.load_if::<FULL>(x.add(p * step + v * S::LANES), n);
                            z[v] = s.mul_add(x, tap, z[v]);
                        }
                    }
                    w = w.wrapping_add(channels);
                }
                x = x.wrapping_add(line);
            }
            for v in 0..V {
                let bias = s.load_if::<FULL>(self.bias.as_ptr().add(c + v * S::LANES), n);
                for z in &mut z {
                    z[v] = s.add(z[v], bias);
                }
            }
            activate(s, self.f, &mut z);
            for (p, y) in z.iter().enumerate() {
                let pixel = row * self.output[1] + column + p;
                for (v, y) in y.iter().enumerate() {
                    sums[v] = s.add(sums[v], *y);
                    s.store_if::<FULL>(self.out.add(pixel * self.out_stride + c + v * S::LANES), n, *y);
                }
            }
        }
        P
    }
}
