//! What the backward pass of a convolution and its batch norm needs: the convolution's result and the statistics. The
//! normalised values and their activations are computed again from these.

use candle_core::Result;

use super::cpu::ChannelNorm;
use super::moments::Moments;
use super::statistics::BatchStatistics;
use crate::host;

/// The values of a convolution's weight and of its norm's two vectors.
#[derive(Clone, Copy)]
pub(crate) struct ConvNormValues<'a> {
    pub(crate) weight: &'a [f32],
    pub(crate) norm_weight: &'a [f32],
    pub(crate) norm_bias: &'a [f32],
}

/// A convolution's result, and the batch statistics that normalise it.
pub(crate) struct BatchNormContext {
    /// The convolution's result, [rows, channels].
    pub(crate) c: Vec<f32>,
    mean: Vec<f32>,
    pub(crate) inv_std: Vec<f32>,
    var: Vec<f32>,
}

impl BatchNormContext {
    /// The context of a convolution's result, given with the moments of its parts.
    pub(crate) fn new((c, moments): (Vec<f32>, Vec<Moments>), eps: f64) -> Self {
        let (mean, var) = Moments::together(moments).mean_and_variance();
        let inv_std = var.iter().map(|var| (1.0 / (var + eps).sqrt()) as f32).collect();
        let single = |values: Vec<f64>| values.into_iter().map(|v| v as f32).collect();
        Self { c, mean: single(mean), inv_std, var: single(var) }
    }

    pub(crate) fn rows(&self) -> usize {
        self.c.len() / self.mean.len()
    }

    pub(crate) fn channels<'a>(&'a self, layer: &ConvNormValues<'a>) -> ChannelNorm<'a> {
        let ConvNormValues { norm_weight: weight, norm_bias: bias, .. } = *layer;
        ChannelNorm { mean: &self.mean, inv_std: &self.inv_std, weight, bias }
    }

    pub(crate) fn statistics(&self) -> Result<BatchStatistics> {
        let channels = self.mean.len();
        let mean = host::tensor(self.mean.clone(), channels)?;
        let var = host::tensor(self.var.clone(), channels)?;
        Ok(BatchStatistics { mean, var, count: self.rows() })
    }
}

/// The gradients of a convolution's weight (given) and of its norm's weight and bias, from the sums of dz and of
/// dz (x - mean).
pub(crate) fn gradients_of_layer(
    weight: Vec<f32>,
    inv_std: &[f32],
    [dz, dz_x]: &[Vec<f64>; 2],
) -> [Vec<f32>; 3] {
    let norm_weight = dz_x.iter().zip(inv_std).map(|(sum, s)| (sum * f64::from(*s)) as f32).collect();
    [weight, norm_weight, dz.iter().map(|sum| *sum as f32).collect()]
}
