//! The logarithm of a softmax, as a tensor.

use candle_core::{D, Tensor};

use crate::error::Result;

/// `log softmax` over the last dimension, with the largest logit subtracted.
///
/// The subtracted maximum is detached: its gradient is zero in exact arithmetic, so computing it would only add
/// rounding and time.
///
/// # Errors
/// candle's, for a tensor without dimensions.
pub fn log_softmax(logits: &Tensor) -> Result<Tensor> {
    let shifted = logits.broadcast_sub(&logits.detach().max_keepdim(D::Minus1)?)?;
    let log_sum = shifted.exp()?.sum_keepdim(D::Minus1)?.log()?;
    Ok(shifted.broadcast_sub(&log_sum)?)
}
