//! The values under each tap of a convolution, as views of one padded tensor.

use candle_core::{Result, Tensor};

use crate::window::{Axis, Window};

/// A padded input [N, H, W, C], whose rows and columns are sorted by their place within a stride: [N, H / s, s, W / s, s, C].
pub(crate) struct Taps {
    padded: Tensor,
    window: Window,
}

impl Taps {
    pub(crate) fn new(x: &Tensor, window: Window) -> Result<Self> {
        let padded = pad(&pad(x, 1, &window.y)?, 2, &window.x)?;
        let (n, height, width, channels) = padded.dims4()?;
        let (down, across) = (window.y.stride, window.x.stride);
        let sorted = (n, height / down, down, width / across, across, channels);
        Ok(Self { padded: padded.reshape(sorted)?, window })
    }

    /// The values under the taps of one column of the kernel, for all rows: [N, H / s, s, Wo, C].
    pub(crate) fn column(&self, tap: usize) -> Result<Tensor> {
        let Axis { stride, output, .. } = self.window.x;
        self.padded.narrow(3, tap / stride, output)?.narrow(4, tap % stride, 1)?.squeeze(4)
    }

    /// What lies under a row of the kernel, of a tensor of all rows: [N, H / s, s, Wo, C] to [N, Ho, Wo, C].
    pub(crate) fn row(&self, of_all: &Tensor, tap: usize) -> Result<Tensor> {
        let Axis { stride, output, .. } = self.window.y;
        of_all.narrow(1, tap / stride, output)?.narrow(2, tap % stride, 1)?.squeeze(2)
    }
}

/// x with its border of zeros along an axis, as long as the taps reach, and rounded up to whole strides.
fn pad(x: &Tensor, dim: usize, axis: &Axis) -> Result<Tensor> {
    let length = ((axis.output - 1) * axis.stride + axis.kernel).next_multiple_of(axis.stride);
    let x = x.narrow(dim, 0, axis.input.min(length - axis.before))?;
    let after = length - axis.before - x.dim(dim)?;
    if axis.before + after == 0 { x.contiguous() } else { x.pad_with_zeros(dim, axis.before, after) }
}
