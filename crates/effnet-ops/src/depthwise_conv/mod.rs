//! Depthwise convolution: one k x k filter a channel (MobileNet, arXiv 1704.04861).
//!
//! ```text
//! y[n, i, j, c] = sum over (a, b) of x[n, i s + a - p, j s + b - p, c] w[c, 0, a, b]
//! dx: the transposed sum, over the (i, a), (j, b) that touch a pixel
//! dw[c, 0, a, b] = sum over (n, i, j) of dy[n, i, j, c] x[n, i s + a - p, j s + b - p, c]
//! ```
//!
//! In NHWC each tap is a product of two rows of channels, so the vector unit takes the channels; no
//! patches are copied (im2col), and no loop goes over groups.

pub(crate) mod by_candle;
pub(crate) mod by_image;
mod correlate;
mod filter;
mod lines;
mod phase;
mod transposed;
mod weight_gradient;

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};

use crate::dispatch::level;
use crate::error::shape_error;
use crate::host;
use crate::window::{Padding, Window};
use correlate::Correlation;
pub(crate) use filter::Filter;
pub(crate) use lines::Tile;

const NAME: &str = "depthwise_conv";

/// Filters each channel by its own kernel.
///
/// # Shapes
/// `x` [N, H, W, C]; `w` [C, 1, k, k] (PyTorch's), k odd; to [N, Ho, Wo, C] with the sizes that
/// [`Padding`] says.
///
/// # Errors
/// If the shapes do not fit, the stride is 0, or a tensor on the CPU is not f32.
pub fn depthwise_conv(x: &Tensor, w: &Tensor, stride: usize, padding: Padding) -> Result<Tensor> {
    let window = Window::new(NAME, x.dims(), w.dims(), stride, padding)?;
    let channels = x.dims()[3];
    if w.dims()[..2] != [channels, 1] {
        return Err(shape_error(NAME, &[("x", x.dims()), ("w", w.dims())], "x [N, H, W, C], w [C, 1, k, k]"));
    }
    if crate::by_candle::is_wanted(x) {
        return by_candle::depthwise_conv(x, w, window);
    }
    x.contiguous()?.apply_op2(&w.contiguous()?, DepthwiseConv { window, channels })
}

struct DepthwiseConv {
    window: Window,
    channels: usize,
}

impl CustomOp2 for DepthwiseConv {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        w: &CpuStorage,
        w_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let w = taps_first(host::floats(NAME, w, w_layout)?, self.channels);
        let x = host::floats(NAME, x, x_layout)?;
        let Window { images, y, x: across } = self.window;
        let out = Correlation::forward(self.window, self.channels).run(level(), x, &w);
        Ok((CpuStorage::F32(out), (images, y.output, across.output, self.channels).into()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        _y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        host::read(NAME, [x, w, dy], |[xs, ws, dy]| {
            let dx = x.track_op().then(|| {
                let backward = Correlation::input_gradient(self.window, self.channels);
                host::tensor(backward.run(level(), dy, &taps_first(ws, self.channels)), x.shape())
            });
            let dw = w.track_op().then(|| {
                let dw = weight_gradient::weight_gradient(level(), self.window, self.channels, xs, dy);
                host::tensor(channels_first(&dw, self.channels), w.shape())
            });
            Ok((dx.transpose()?, dw.transpose()?))
        })
    }
}

/// [C, k k] to [k k, C], as the kernels read it: the weights of a tap side by side.
pub(crate) fn taps_first(w: &[f32], channels: usize) -> Vec<f32> {
    let taps = w.len() / channels;
    (0..taps).flat_map(|tap| w[tap..].iter().step_by(taps).copied()).collect()
}

/// [k k, C] back to [C, k k].
pub(crate) fn channels_first(w: &[f32], channels: usize) -> Vec<f32> {
    taps_first(w, w.len() / channels)
}
