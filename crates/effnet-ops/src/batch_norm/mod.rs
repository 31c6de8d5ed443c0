//! Batch norm (Ioffe and Szegedy, arXiv 1502.03167) fused with the activation after it.
//!
//! ```text
//! z = weight (x - mean) / sqrt(var + eps) + bias         y = f(z)
//!
//! with dz = dy f'(z), x^ = (x - mean) / sqrt(var + eps), means over the n rows of a channel:
//! dbias = sum dz      dweight = sum dz x^
//! train: dx = weight / sqrt(var + eps) (dz - mean(dz) - x^ mean(dz x^))
//! eval:  dx = weight / sqrt(var + eps) dz
//! ```
//!
//! Neither z nor x^ is saved for the backward pass: both are computed again from x, which the
//! convolution before it made anyway, and the channels' mean and 1 / std.

mod by_candle;
pub(crate) mod context;
pub(crate) mod cpu;
pub(crate) mod moments;
pub(crate) mod statistics;

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};

use crate::activation::{Activation, cpu::Function, with_function};
use crate::channels::Rows;
use crate::dispatch::level;
use crate::error::shape_error;
use crate::host;
use cpu::{ChannelNorm, check_eps};
use statistics::BatchStatistics;

/// Normalises each channel by the statistics of this batch, then applies the activation.
///
/// # Shapes
/// `x` `[.., C]`; `weight` and `bias` `[C]`; to the shape of `x`, and statistics of shape `[C]`.
///
/// # Errors
/// If the shapes do not fit, `x` is empty, `eps` is not positive, or a tensor on the CPU is not f32.
pub fn batch_norm_train(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    eps: f64,
    activation: Activation,
) -> Result<(Tensor, BatchStatistics)> {
    const OP: &str = "batch_norm_train";
    let shape = check(OP, x, &[("weight", weight), ("bias", bias)], eps)?;
    if shape.rows == 0 {
        return Err(shape_error(OP, &[("x", x.dims())], "at least one row"));
    }
    if crate::by_candle::is_wanted(x) {
        return by_candle::train(x, weight, bias, eps, activation);
    }
    let x = x.contiguous()?;
    let (mean, var) = host::read(OP, [&x], |[x]| Ok(cpu::statistics(level(), shape, x)))?;
    let inv_std = var.iter().map(|var| (1.0 / (var + eps).sqrt()) as f32).collect();
    let single = |values: &[f64]| values.iter().map(|v| *v as f32).collect::<Vec<f32>>();
    let statistics = BatchStatistics {
        mean: host::tensor(single(&mean), shape.channels)?,
        var: host::tensor(single(&var), shape.channels)?,
        count: shape.rows,
    };
    let op = Normalisation { name: OP, shape, mean: single(&mean), inv_std, of_batch: true };
    Ok((apply(&x, weight, bias, op, activation)?, statistics))
}

/// Normalises each channel by given statistics, then applies the activation. The gradients are those
/// of `x`, `weight` and `bias`; the running statistics are constants.
///
/// # Shapes
/// `x` `[.., C]`; `weight`, `bias`, `running_mean` and `running_var` `[C]`; to the shape of `x`.
///
/// # Errors
/// If the shapes do not fit, `eps` is not positive, or a tensor on the CPU is not f32.
pub fn batch_norm_eval(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    running_mean: &Tensor,
    running_var: &Tensor,
    eps: f64,
    activation: Activation,
) -> Result<Tensor> {
    const OP: &str = "batch_norm_eval";
    let vectors =
        [("weight", weight), ("bias", bias), ("running_mean", running_mean), ("running_var", running_var)];
    let shape = check(OP, x, &vectors, eps)?;
    if crate::by_candle::is_wanted(x) {
        return by_candle::eval(x, weight, bias, [running_mean, running_var], eps, activation);
    }
    let op = host::read(OP, [running_mean, running_var], |[mean, var]| {
        let inv_std = var.iter().map(|var| (1.0 / (f64::from(*var) + eps).sqrt()) as f32).collect();
        Ok(Normalisation { name: OP, shape, mean: mean.to_vec(), inv_std, of_batch: false })
    })?;
    apply(&x.contiguous()?, weight, bias, op, activation)
}

fn check(op: &'static str, x: &Tensor, vectors: &[(&str, &Tensor)], eps: f64) -> Result<Rows> {
    let fits = |channels| vectors.iter().all(|(_, vector)| vector.dims() == [channels]);
    if x.dims().last().is_none_or(|channels| !fits(*channels)) {
        let mut arguments = vec![("x", x.dims())];
        arguments.extend(vectors.iter().map(|(name, vector)| (*name, vector.dims())));
        return Err(shape_error(op, &arguments, "x [.., C] and the others [C]"));
    }
    check_eps(op, eps)?;
    Ok(Rows::of(x.dims()))
}

fn apply(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    op: Normalisation,
    activation: Activation,
) -> Result<Tensor> {
    let (weight, bias) = (&weight.contiguous()?, &bias.contiguous()?);
    with_function!(activation, |f| x.apply_op3(weight, bias, BatchNorm { op, f }))
}

/// What the backward pass needs beside the arguments.
struct Normalisation {
    name: &'static str,
    shape: Rows,
    mean: Vec<f32>,
    inv_std: Vec<f32>,
    /// The statistics depend on x, so its gradient goes through them.
    of_batch: bool,
}

impl Normalisation {
    fn channels<'a>(&'a self, weight: &'a [f32], bias: &'a [f32]) -> ChannelNorm<'a> {
        ChannelNorm { mean: &self.mean, inv_std: &self.inv_std, weight, bias }
    }
}

struct BatchNorm<F> {
    op: Normalisation,
    f: F,
}

impl<F: Function> CustomOp3 for BatchNorm<F> {
    fn name(&self) -> &'static str {
        self.op.name
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let op = &self.op;
        let x = host::floats(op.name, x, x_layout)?;
        let weight = host::floats(op.name, weight, weight_layout)?;
        let bias = host::floats(op.name, bias, bias_layout)?;
        let y = cpu::forward(level(), op.shape, x, &op.channels(weight, bias), self.f);
        Ok((CpuStorage::F32(y), x_layout.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (op, level, f) = (&self.op, level(), self.f);
        let parameters = weight.track_op() || bias.track_op();
        host::read(op.name, [x, weight, bias, dy], |[values, w, b, dy]| {
            let channels = op.channels(w, b);
            let sums = (parameters || op.of_batch)
                .then(|| cpu::parameter_sums(level, op.shape, values, dy, &channels, f));
            let dx = match (x.track_op(), &sums) {
                (false, _) => None,
                (true, Some(sums)) if op.of_batch => {
                    Some(cpu::input_gradient_train(level, op.shape, values, dy, &channels, f, sums))
                }
                (true, _) => Some(cpu::input_gradient_eval(level, op.shape, values, dy, &channels, f)),
            };
            let dx = dx.map(|dx| host::tensor(dx, x.shape())).transpose()?;
            let Some([dz, dz_x]) = sums else { return Ok((dx, None, None)) };
            let dweight = dz_x.iter().zip(&op.inv_std).map(|(sum, s)| (sum * f64::from(*s)) as f32);
            let dbias = dz.iter().map(|sum| *sum as f32);
            let dweight = host::tensor(dweight.collect(), op.shape.channels)?;
            let dbias = host::tensor(dbias.collect(), op.shape.channels)?;
            Ok((dx, weight.track_op().then_some(dweight), bias.track_op().then_some(dbias)))
        })
    }
}
