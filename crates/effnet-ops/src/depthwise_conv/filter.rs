//! The filter on a tile that has its border of zeros, with what may follow it: bias, activation, and the sums for a gate.

use super::lines::Tile;
use crate::activation::cpu::{Function, activate};
use crate::channels::add_lanes;
use crate::dispatch::Kernel;
use crate::simd::Simd;

/// Pixels whose sums are held in registers: with two vectors of channels, 12 of AVX2's 16 registers.
const PIXELS: usize = 6;

/// f(filter(tile) + bias) of some rows, a row after another.
pub(crate) struct Filter<'a, F> {
    /// The input, from the first tap of the first pixel on.
    pub(crate) tile: Tile<'a>,
    /// [kernel, channels].
    pub(crate) taps: &'a [f32],
    pub(crate) channels: usize,
    /// Height and width.
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: usize,
    /// [channels].
    pub(crate) bias: Option<&'a [f32]>,
    pub(crate) f: F,
    /// [channels], to which the sums over all pixels are added.
    pub(crate) sums: Option<&'a mut [f64]>,
    /// Height and width of the result.
    pub(crate) output: [usize; 2],
    /// The result's first pixel.
    pub(crate) out: *mut f32,
    /// Values from a row of the result to the next, and from a pixel to the next.
    pub(crate) out_strides: [usize; 2],
}

impl<F: Function> Kernel for Filter<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let (channels, [down, across]) = (self.channels, self.kernel);
        let [rows, columns] = self.output;
        assert!(rows > 0 && columns > 0, "an image");
        self.tile.check((rows - 1) * self.stride + down, ((columns - 1) * self.stride + across) * channels);
        assert!(self.taps.len() == down * across * channels, "a weight for each tap");
        assert!(self.bias.is_none_or(|bias| bias.len() == channels), "a bias for each channel");
        assert!(self.sums.as_ref().is_none_or(|sums| sums.len() == channels), "a sum for each channel");
        for row in 0..rows {
            let mut c = 0;
            // SAFETY: c and the vectors from there on are inside; the tile is large enough for all taps of all pixels.
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
        if let Some(totals) = self.sums.as_deref_mut() {
            for (v, sum) in sums.into_iter().enumerate() {
                let first = c + v * S::LANES;
                add_lanes(s, sum, &mut totals[first..first + n]);
            }
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
        let (channels, [down, across]) = (self.channels, self.kernel);
        let step = self.stride * channels;
        // SAFETY: the caller's promise, and what `run` checked of the lengths.
        unsafe {
            let mut w = self.taps.as_ptr().wrapping_add(c);
            let mut z = [[s.splat(0.0); V]; P];
            for line in self.tile.lines_from(row * self.stride, down) {
                let mut x = line.add(column * step + c);
                for _ in 0..across {
                    for v in 0..V {
                        let tap = s.load_if::<FULL>(w.add(v * S::LANES), n);
                        for (p, z) in z.iter_mut().enumerate() {
                            let x = s.load_if::<FULL>(x.add(p * step + v * S::LANES), n);
                            z[v] = s.mul_add(x, tap, z[v]);
                        }
                    }
                    w = w.wrapping_add(channels);
                    x = x.wrapping_add(channels);
                }
            }
            if let Some(bias) = self.bias {
                for v in 0..V {
                    let bias = s.load_if::<FULL>(bias.as_ptr().add(c + v * S::LANES), n);
                    for z in &mut z {
                        z[v] = s.add(z[v], bias);
                    }
                }
            }
            activate(s, self.f, &mut z);
            let [out_row, out_column] = self.out_strides;
            for (p, y) in z.iter().enumerate() {
                let out = self.out.add(row * out_row + (column + p) * out_column + c);
                for (v, y) in y.iter().enumerate() {
                    sums[v] = s.add(sums[v], *y);
                    s.store_if::<FULL>(out.add(v * S::LANES), n, *y);
                }
            }
        }
        P
    }
}
