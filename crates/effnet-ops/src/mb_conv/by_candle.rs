//! The block in training as one operation after another.

use candle_core::{Result, Tensor};

use super::geometry::Geometry;
use super::params::MbConv;
use crate::activation::Activation;
use crate::batch_norm::statistics::BatchStatistics;
use crate::conv_norm::ConvNorm;
use crate::{batch_norm_train, depthwise_conv, drop_path, pointwise_conv, squeeze_excitation};

impl MbConv<'_> {
    /// The result of the block, and the statistics of its batch norms.
    pub(crate) fn by_candle(&self, x: &Tensor) -> Result<(Tensor, Vec<BatchStatistics>)> {
        Geometry::new(x.dims(), self)?;
        let mut statistics = vec![];
        let mut norm = |c: &Tensor, conv: &ConvNorm<'_>, activation| {
            let (y, batch) = batch_norm_train(c, conv.norm_weight, conv.norm_bias, self.eps, activation)?;
            statistics.push(batch);
            Ok::<_, candle_core::Error>(y)
        };
        let mut y = x.clone();
        if let Some(conv) = &self.expansion {
            y = norm(&pointwise_conv(&y, conv.weight)?, conv, self.activation)?;
        }
        y = depthwise_conv(&y, self.depthwise.weight, self.stride, self.padding)?;
        y = norm(&y, &self.depthwise, self.activation)?;
        if let Some(gate) = &self.squeeze_excitation {
            y = squeeze_excitation(&y, gate)?;
        }
        y = norm(&pointwise_conv(&y, self.projection.weight)?, &self.projection, Activation::Identity)?;
        if let Some(drop) = &self.skip {
            y = (drop_path(&y, drop.rate, drop.seed)? + x)?;
        }
        Ok((y, statistics))
    }
}
