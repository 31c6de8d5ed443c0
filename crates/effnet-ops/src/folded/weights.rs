//! A convolution's weights with its batch norm folded in.

use candle_core::{Device, Result, Tensor};

use crate::error::shape_error;
use crate::{ConvNorm, Error, host};

const NAME: &str = "fold";

/// A convolution with the batch norm after it folded in.
#[derive(Debug, Clone)]
pub struct Folded {
    /// PyTorch's [out, in, k, k], or depthwise [C, 1, k, k].
    pub(super) weight: Vec<f32>,
    pub(super) dims: [usize; 4],
    /// [out].
    pub(super) bias: Vec<f32>,
    /// Where the parameters are, and what is made of them shall be.
    pub(super) device: Device,
}

impl Folded {
    /// A linear layer with a bias and no norm: weight `[out, in]`, bias `[out]`.
    ///
    /// # Errors
    /// If the shapes do not fit, or a tensor is not f32.
    pub fn linear(weight: &Tensor, bias: &Tensor) -> Result<Self> {
        let (out, input) = match (weight.dims(), bias.dims()) {
            (&[out, input], &[n]) if n == out && out * input > 0 => (out, input),
            (weight, bias) => {
                let arguments = [("weight", weight), ("bias", bias)];
                return Err(shape_error(NAME, &arguments, "weight [out, in] without a 0, bias [out]"));
            }
        };
        let device = weight.device().clone();
        host::copied(NAME, [weight, bias], |[weight, bias]| {
            Ok(Self { weight: weight.to_vec(), dims: [out, input, 1, 1], bias: bias.to_vec(), device })
        })
    }

    /// Shape of the weight: [out, in, k, k], or [C, 1, k, k] of a depthwise convolution.
    pub fn dims(&self) -> [usize; 4] {
        self.dims
    }

    /// Weight, in PyTorch's order, and bias.
    pub fn into_parts(self) -> (Vec<f32>, Vec<f32>) {
        (self.weight, self.bias)
    }

    /// Folds the norm's weight and bias, and the statistics `mean` and `var` `[out]`, into the convolution's weight, in f64.
    ///
    /// # Errors
    /// If the shapes do not fit, `eps` is not positive, or a tensor is not f32.
    pub fn new(conv: &ConvNorm<'_>, mean: &Tensor, var: &Tensor, eps: f64) -> Result<Self> {
        let ConvNorm { weight, norm_weight, norm_bias } = *conv;
        let vectors = [norm_weight, norm_bias, mean, var];
        let dims = match *weight.dims() {
            [out, input, k, k2] if weight.elem_count() > 0 && vectors.iter().all(|v| v.dims() == [out]) => {
                [out, input, k, k2]
            }
            _ => {
                let arguments =
                    [("weight", weight.dims()), ("norm", norm_weight.dims()), ("mean", mean.dims())];
                return Err(shape_error(
                    NAME,
                    &arguments,
                    "weight [out, in, k, k] without a 0, norm and mean [out]",
                ));
            }
        };
        if !(eps > 0.0 && eps.is_finite()) {
            return Err(Error::Setting { op: NAME, setting: "eps", value: eps, range: "above 0" }.into());
        }
        let [n, m, b, v] = vectors;
        let device = weight.device().clone();
        host::copied(NAME, [weight, n, m, b, v], |[weight, norm_weight, norm_bias, mean, var]| {
            let scale = |i: usize| f64::from(norm_weight[i]) / (f64::from(var[i]) + eps).sqrt();
            let fan_in = weight.len() / dims[0];
            let scaled = |(i, w): (usize, &f32)| (f64::from(*w) * scale(i / fan_in)) as f32;
            let shifted = |i: usize| (f64::from(norm_bias[i]) - f64::from(mean[i]) * scale(i)) as f32;
            let bias = (0..dims[0]).map(shifted).collect();
            Ok(Self { weight: weight.iter().enumerate().map(scaled).collect(), dims, bias, device })
        })
    }
}
