//! Updates of variables in place: by effnet-ops' fused kernels where they can, else by candle's operations.
//!
//! The fused kernels (feature `effnet`) take f32 tensors on the CPU and read and write each value once. candle's
//! operations take any type on any device, with a temporary tensor an operation.

use candle_core::backprop::GradStore;
use candle_core::{Tensor, Var};

use crate::Result;

/// The settings of a step of stochastic gradient descent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sgd {
    /// Learning rate.
    pub lr: f64,
    /// Share of the velocity that is kept.
    pub momentum: f64,
    /// L2 penalty: the share of a parameter that is added to its gradient.
    pub weight_decay: f64,
}

/// A parameter with its velocity and gradient.
pub(crate) struct SgdParam<'a> {
    pub(crate) parameter: &'a Var,
    pub(crate) velocity: &'a Var,
    pub(crate) gradient: &'a Tensor,
}

/// A moving average and the variable that it follows.
pub(crate) struct EmaParam<'a> {
    pub(crate) average: &'a Var,
    pub(crate) value: &'a Var,
}

/// Gradients of all variables that lead to `loss`, as of [`Tensor::backward`]. On the CPU with feature `effnet` the gradients of
/// effnet-ops' operations are collected without intermediate zeros.
///
/// # Errors
/// As of [`Tensor::backward`].
pub fn backward(loss: &Tensor) -> Result<GradStore> {
    #[cfg(feature = "effnet")]
    if loss.device().is_cpu() {
        return Ok(effnet_ops::backward(loss)?);
    }
    Ok(loss.backward()?)
}

/// One step of each parameter: `v <- momentum v + (g + weight_decay p)`, `p <- p - lr v`, as `torch.optim.SGD`.
pub(crate) fn sgd_step(list: &[SgdParam<'_>], settings: &Sgd, fused: bool) -> Result<()> {
    if fused && fused_sgd_step(list, settings)? {
        return Ok(());
    }
    let Sgd { lr, momentum, weight_decay } = *settings;
    for SgdParam { parameter, velocity, gradient } in list {
        let (p, v) = (parameter.as_detached_tensor(), velocity.as_detached_tensor());
        let g = (gradient.detach() + (&p * weight_decay)?)?;
        let v = ((v * momentum)? + g)?;
        velocity.set(&v)?;
        parameter.set(&(p - (v * lr)?)?)?;
    }
    Ok(())
}

/// One step of each average: `a <- momentum a + (1 - momentum) x`.
pub(crate) fn ema_step(list: &[EmaParam<'_>], momentum: f64, fused: bool) -> Result<()> {
    if fused && fused_ema_step(list, momentum)? {
        return Ok(());
    }
    for EmaParam { average, value } in list {
        let kept = (average.as_detached_tensor() * momentum)?;
        average.set(&(kept + (value.as_detached_tensor() * (1.0 - momentum))?)?)?;
    }
    Ok(())
}

#[cfg(feature = "effnet")]
use fused::{ema_step as fused_ema_step, sgd_step as fused_sgd_step};

/// Steps by effnet-ops' kernels. Each function returns whether the kernel takes these tensors; where it doesn't, nothing has
/// changed.
#[cfg(feature = "effnet")]
mod fused {
    use candle_core::{DType, Tensor};

    use super::{EmaParam, Sgd, SgdParam};
    use crate::Result;

    pub(super) fn sgd_step(list: &[SgdParam<'_>], settings: &Sgd) -> Result<bool> {
        let takes = |p: &SgdParam<'_>| is_f32_on_cpu(p.parameter) && is_f32_on_cpu(p.gradient);
        if !list.iter().all(takes) {
            return Ok(false);
        }
        let list: Vec<_> = list
            .iter()
            .map(|&SgdParam { parameter, velocity, gradient }| effnet_ops::SgdParam {
                parameter,
                velocity,
                gradient,
            })
            .collect();
        let Sgd { lr, momentum, weight_decay } = *settings;
        effnet_ops::sgd_step(&list, &effnet_ops::Sgd { lr, momentum, weight_decay })?;
        Ok(true)
    }

    pub(super) fn ema_step(list: &[EmaParam<'_>], momentum: f64) -> Result<bool> {
        if !list.iter().all(|p| is_f32_on_cpu(p.average) && is_f32_on_cpu(p.value)) {
            return Ok(false);
        }
        let list: Vec<_> =
            list.iter().map(|&EmaParam { average, value }| effnet_ops::EmaParam { average, value }).collect();
        effnet_ops::ema_step(&list, momentum)?;
        Ok(true)
    }

    fn is_f32_on_cpu(tensor: &Tensor) -> bool {
        tensor.device().is_cpu() && tensor.dtype() == DType::F32
    }
}

/// Without feature `effnet` there is no fused kernel.
#[cfg(not(feature = "effnet"))]
fn fused_sgd_step(_: &[SgdParam<'_>], _: &Sgd) -> Result<bool> {
    Ok(false)
}

/// Without feature `effnet` there is no fused kernel.
#[cfg(not(feature = "effnet"))]
fn fused_ema_step(_: &[EmaParam<'_>], _: f64) -> Result<bool> {
    Ok(false)
}
