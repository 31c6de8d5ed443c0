//! Depthwise convolution as a sum over taps of candle's tensors.
//!
//! ```text
//! y[i, j] = sum over a of r_a[i s + a, j]        r_a[i, j] = sum over b of x[i, j s + b] w[a, b]
//! ```
//!
//! The sums over a row of the kernel are taken for all rows of x first. So x is cut k times along each axis, and not k k times:
//! in the backward pass each cut is a tensor of zeros and a copy.

use candle_core::{Result, Tensor};

use crate::by_candle::Taps;
use crate::window::Window;

/// As [`depthwise_conv`](super::depthwise_conv()), for arguments that fit.
pub(crate) fn depthwise_conv(x: &Tensor, w: &Tensor, window: Window) -> Result<Tensor> {
    let (channels, kernel) = (w.dims()[0], window.y.kernel);
    let taps = Taps::new(x, window)?;
    let columns = (0..kernel).map(|b| taps.column(b)).collect::<Result<Vec<_>>>()?;
    let w = w.reshape((channels, kernel, kernel))?;
    let mut y: Option<Tensor> = None;
    for a in 0..kernel {
        let mut sum: Option<Tensor> = None;
        for (b, column) in columns.iter().enumerate() {
            let weighted = column.broadcast_mul(&w.narrow(1, a, 1)?.narrow(2, b, 1)?.flatten_all()?)?;
            sum = Some(plus(sum, weighted)?);
        }
        if let Some(sum) = sum {
            y = Some(plus(y, taps.row(&sum, a)?)?);
        }
    }
    y.map_or_else(|| candle_core::bail!("a kernel without taps"), Ok)
}

fn plus(sum: Option<Tensor>, term: Tensor) -> Result<Tensor> {
    match sum {
        Some(sum) => sum + term,
        None => Ok(term),
    }
}
