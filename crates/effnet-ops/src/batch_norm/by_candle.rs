//! Batch norm by candle's operations.

use candle_core::{Result, Tensor};

use super::statistics::BatchStatistics;
use crate::activation::{self, Activation};

/// As [`batch_norm_train`](super::batch_norm_train), for arguments that fit.
pub(super) fn train(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    eps: f64,
    activation: Activation,
) -> Result<(Tensor, BatchStatistics)> {
    let channels = weight.elem_count();
    let rows = x.reshape((x.elem_count() / channels, channels))?;
    let mean = rows.mean(0)?;
    let centred = rows.broadcast_sub(&mean)?;
    let var = centred.sqr()?.mean(0)?;
    let statistics = BatchStatistics { mean: mean.detach(), var: var.detach(), count: rows.dim(0)? };
    let y = centred.broadcast_mul(&scale(weight, &var, eps)?)?.broadcast_add(bias)?;
    Ok((activation::by_candle(&y.reshape(x.shape())?, activation)?, statistics))
}

/// As [`batch_norm_eval`](super::batch_norm_eval), for arguments that fit.
pub(super) fn eval(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    [mean, var]: [&Tensor; 2],
    eps: f64,
    activation: Activation,
) -> Result<Tensor> {
    let constant = |running: &Tensor| running.detach().to_dtype(x.dtype());
    let scale = scale(weight, &constant(var)?, eps)?;
    let y = x.broadcast_sub(&constant(mean)?)?.broadcast_mul(&scale)?.broadcast_add(bias)?;
    activation::by_candle(&y, activation)
}

/// weight / sqrt(var + eps).
fn scale(weight: &Tensor, var: &Tensor, eps: f64) -> Result<Tensor> {
    weight / var.affine(1.0, eps)?.sqrt()?
}
