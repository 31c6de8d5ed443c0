//! Full convolution as a matrix product of candle's: the values under all taps side by side, by the weights.

use candle_core::{Result, Tensor};

use crate::by_candle::{self, Taps};
use crate::window::Window;

/// As [`conv2d`](super::conv2d()), for arguments that fit.
pub(crate) fn conv2d(x: &Tensor, w: &Tensor, window: Window) -> Result<Tensor> {
    let kernel = window.y.kernel;
    let taps = Taps::new(x, window)?;
    let mut patches = vec![];
    for a in 0..kernel {
        for b in 0..kernel {
            patches.push(taps.row(&taps.column(b)?, a)?);
        }
    }
    // [N, Ho, Wo, k k Cin], and the weights in the same order: [Cout, k, k, Cin].
    by_candle::product(&Tensor::cat(&patches, 3)?, &w.permute((0, 2, 3, 1))?.contiguous()?)
}
