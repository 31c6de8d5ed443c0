//! Losses corrected by the known noise: the matrix T with `T_ij = P(given label j | true class i)`.

use candle_core::{D, Tensor};

use super::log_softmax::log_softmax;
use crate::error::Result;

/// Forward correction (Patrini et al. 2017, section 4.2): cross entropy of the given label with the network's prediction after
/// noise, `-mean_b sum_c y_bc log (p_b T)_c`. A network that knows the true classes minimises it.
///
/// A given label whose probability is 0 by T counts as having f32's smallest normal probability, and has no gradient.
///
/// # Shapes
/// `logits`, `targets`: `[B, C]`; `transition`: `[C, C]` with rows that sum to 1, all of one dtype. Result: a scalar, in nats.
///
/// # Errors
/// candle's, where shapes or types differ.
pub fn forward_correction(logits: &Tensor, targets: &Tensor, transition: &Tensor) -> Result<Tensor> {
    let given = log_softmax(logits)?.exp()?.matmul(transition)?;
    let log_given = given.maximum(f64::from(f32::MIN_POSITIVE))?.log()?;
    Ok((targets * log_given)?.sum(D::Minus1)?.mean_all()?.neg()?)
}

/// The targets of backward correction (Patrini et al. 2017, section 4.1), `y T^-1`. Its loss is cross entropy with them:
/// `mean_b sum_c y_bc (T^-1 l_b)_c`, where `l_bc = -log p_bc` is the loss that label c would have. The mean of that over the labels
/// that a true class gets is the loss of that class, for any network. So it has the same minimum.
///
/// Some of the targets are below 0, so a sample's loss has no lower bound.
///
/// # Shapes
/// `targets`: `[B, C]`; `inverse`: T^-1, `[C, C]` ([`crate::noise::Transition::inverse`]), of one dtype. Result: `[B, C]`.
///
/// # Errors
/// candle's, where shapes or types differ.
pub fn backward_correction(targets: &Tensor, inverse: &Tensor) -> Result<Tensor> {
    Ok(targets.matmul(inverse)?)
}
