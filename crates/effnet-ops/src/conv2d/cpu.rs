//! The stem: patches of a few hundred pixels at a time, which stay in the cache, and a matrix product
//! on each. With three input channels a patch is 27 values, too few for a product without copies.

use std::ops::Range;

use crate::elementwise::pointer;
use crate::matmul::{self, Matrix};
use crate::parallel;
use crate::row_source::RowSource;
use crate::window::Window;

/// Pixels a product.
const BLOCK: usize = 256;

/// Shapes of a convolution.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Convolution {
    pub(crate) window: Window,
    pub(crate) input: usize,
    pub(crate) output: usize,
}

impl Convolution {
    /// Values of a patch [k, k, Cin].
    fn patch(&self) -> usize {
        self.window.y.kernel * self.window.x.kernel * self.input
    }

    /// Number of pixels of the result, over all images.
    pub(crate) fn pixels(&self) -> usize {
        self.window.images * self.window.y.output * self.window.x.output
    }

    /// PyTorch's [output, input, k, k] as [output, k, k, input], a row a patch.
    pub(crate) fn by_patch(w: &[f32], output: usize, input: usize) -> Vec<f32> {
        let patch = w.len() / output;
        let taps = patch / input;
        (0..w.len())
            .map(|i| (i / patch, i % patch / input, i % input))
            .map(|(o, tap, channel)| w[o * patch + channel * taps + tap])
            .collect()
    }

    /// The inverse of [`Convolution::by_patch`].
    fn by_channel(&self, w: &[f32]) -> Vec<f32> {
        let (patch, taps) = (self.patch(), self.patch() / self.input);
        (0..w.len())
            .map(|i| (i / patch, i % patch / taps, i % taps))
            .map(|(o, channel, tap)| w[o * patch + tap * self.input + channel])
            .collect()
    }

    /// For each row of each pixel's patch that is inside the input: (pixel of the block, start in its
    /// patch, start in x, values). What is missing is border.
    fn runs(&self, pixels: Range<usize>, mut run: impl FnMut(usize, usize, usize, usize)) {
        let Window { y, x, .. } = self.window;
        let c = self.input;
        for (p, pixel) in pixels.enumerate() {
            let (row, j) = (pixel / x.output, pixel % x.output);
            let (image, i) = (row / y.output, row % y.output);
            let first = x.before.saturating_sub(j * x.stride).min(x.kernel);
            let end = (x.input + x.before).saturating_sub(j * x.stride).min(x.kernel);
            if first >= end {
                continue;
            }
            let column = j * x.stride + first - x.before;
            for a in 0..y.kernel {
                if let Some(input_row) = y.under(i, a) {
                    let from = ((image * y.input + input_row) * x.input + column) * c;
                    run(p, (a * x.kernel + first) * c, from, (end - first) * c);
                }
            }
        }
    }

    /// The patches of some pixels, a row each, in place of what was in `out`.
    pub(crate) fn patches(&self, x: &[f32], pixels: Range<usize>, out: &mut Vec<f32>) {
        let patch = self.patch();
        out.clear();
        out.resize(pixels.len() * patch, 0.0);
        self.runs(pixels, |p, to, from, len| {
            out[p * patch + to..][..len].copy_from_slice(&x[from..from + len]);
        });
    }

    pub(super) fn forward(&self, x: &[f32], w: &[f32]) -> Vec<f32> {
        self.forward_with(x, w, &|_| ()).0
    }

    /// The result, and what `then` returns for each block of its pixels, in their order.
    pub(crate) fn forward_with<T: Send>(
        &self,
        x: &[f32],
        w: &[f32],
        then: &(dyn Fn(&[f32]) -> T + Sync),
    ) -> (Vec<f32>, Vec<T>) {
        let (w, patch) = (Self::by_patch(w, self.output, self.input), self.patch());
        // SAFETY: the product writes every output channel of the block's pixels.
        unsafe {
            parallel::written_with(self.pixels() * self.output, BLOCK * self.output, &|i, out| {
                let pixels = i * BLOCK..i * BLOCK + out.len() / self.output;
                let mut patches = vec![];
                self.patches(x, pixels, &mut patches);
                let w = Matrix::transposed(&w, self.output);
                let (len, out) = (out.len(), pointer(out));
                matmul::tile(&patches, patch, w, None, 0..self.output, out, self.output);
                then(std::slice::from_raw_parts(out, len))
            })
        }
    }

    /// dw = dy^T patches, in at most 16 parts that are added in their order.
    pub(crate) fn weight_gradient(&self, x: &[f32], dy: &dyn RowSource) -> Vec<f32> {
        let pixels = self.pixels();
        let blocks = pixels.div_ceil(BLOCK);
        let blocks_a_part = blocks.div_ceil(16);
        let parts = parallel::tasks(blocks.div_ceil(blocks_a_part), &|part| {
            let (mut patches, mut scratch) = (vec![], vec![]);
            let mut total = vec![0f32; self.output * self.patch()];
            for block in part * blocks_a_part..((part + 1) * blocks_a_part).min(blocks) {
                let pixels = block * BLOCK..((block + 1) * BLOCK).min(pixels);
                self.patches(x, pixels.clone(), &mut patches);
                let dy = dy.block(pixels, &mut scratch);
                matmul::add_product_over_rows(dy, self.output, &patches, self.patch(), &mut total);
            }
            total
        });
        self.by_channel(&parallel::sum_in_order(parts))
    }

    /// dx: dy w gives each patch's share, which is added where the patch came from; an image a task.
    pub(crate) fn input_gradient(&self, dy: &[f32], w: &[f32]) -> Vec<f32> {
        let (w, patch) = (Self::by_patch(w, self.output, self.input), self.patch());
        let Window { y, x, .. } = self.window;
        let image = y.input * x.input * self.input;
        let pixels = y.output * x.output;
        let images = parallel::tasks(self.window.images, &|i| {
            let mut dx = vec![0f32; image];
            let mut shares = vec![];
            for start in (i * pixels..(i + 1) * pixels).step_by(BLOCK) {
                let pixels = start..(start + BLOCK).min((i + 1) * pixels);
                let dy = &dy[pixels.start * self.output..pixels.end * self.output];
                shares.resize(pixels.len() * patch, 0.0);
                let w = Matrix::new(&w, patch);
                // SAFETY: `shares` has a patch for each of the pixels.
                unsafe { matmul::tile(dy, self.output, w, None, 0..patch, shares.as_mut_ptr(), patch) };
                self.runs(pixels, |p, from, to, len| {
                    let to = to - i * image;
                    for (dx, share) in dx[to..to + len].iter_mut().zip(&shares[p * patch + from..]) {
                        *dx += share;
                    }
                });
            }
            dx
        });
        images.concat()
    }
}
