//! Folded convolutions by candle's operations, on the device of their weights.

use candle_core::{Result, Tensor};

use super::parts::FoldedParts;
use super::weights::Folded;
use crate::activation::{self, Activation};
use crate::by_candle::product;
use crate::squeeze_excitation::{self, SqueezeExcitation};
use crate::window::Window;
use crate::{conv2d, depthwise_conv};

/// A convolution's weight `[out, in, k, k]` and bias `[out]`.
#[derive(Debug, Clone)]
pub(super) struct Conv {
    weight: Tensor,
    bias: Tensor,
}

impl Conv {
    pub(super) fn new(folded: Folded) -> Result<Self> {
        let Folded { weight, dims, bias, device } = folded;
        let outputs = dims[0];
        Ok(Self {
            weight: Tensor::from_vec(weight, dims.to_vec(), &device)?,
            bias: Tensor::from_vec(bias, outputs, &device)?,
        })
    }

    pub(super) fn outputs(&self) -> usize {
        self.bias.elem_count()
    }

    /// f(conv(x) + b) of a full or pointwise convolution.
    pub(super) fn full(&self, window: Window, x: &Tensor, activation: Activation) -> Result<Tensor> {
        self.finish(conv2d::by_candle::conv2d(&x.detach(), &self.weight, window)?, activation)
    }

    fn pointwise(&self, x: &Tensor, activation: Activation) -> Result<Tensor> {
        self.finish(product(&x.detach(), &self.weight)?, activation)
    }

    fn depthwise(&self, window: Window, x: &Tensor, activation: Activation) -> Result<Tensor> {
        self.finish(depthwise_conv::by_candle::depthwise_conv(&x.detach(), &self.weight, window)?, activation)
    }

    fn finish(&self, y: Tensor, activation: Activation) -> Result<Tensor> {
        activation::by_candle(&y.broadcast_add(&self.bias)?, activation)
    }
}

/// An inverted residual block.
#[derive(Debug, Clone)]
pub(super) struct Block {
    expansion: Option<Conv>,
    depthwise: Conv,
    /// The parameters of the gate, in the order of [`SqueezeExcitation::in_order`].
    gate: Option<[Tensor; 4]>,
    projection: Conv,
    activation: Activation,
    skip: bool,
}

impl Block {
    /// The block of parts that fit.
    pub(super) fn new(parts: FoldedParts<'_>) -> Result<Self> {
        Ok(Self {
            expansion: parts.expansion.map(Conv::new).transpose()?,
            depthwise: Conv::new(parts.depthwise)?,
            gate: parts.squeeze_excitation.map(|gate| gate.in_order().map(Tensor::detach)),
            projection: Conv::new(parts.projection)?,
            activation: parts.activation,
            skip: parts.skip,
        })
    }

    /// The block's result for x, over which the windows of its depthwise convolution lie.
    pub(super) fn forward(&self, window: Window, x: &Tensor) -> Result<Tensor> {
        let mut y = x.clone();
        if let Some(expansion) = &self.expansion {
            y = expansion.pointwise(&y, self.activation)?;
        }
        y = self.depthwise.depthwise(window, &y, self.activation)?;
        if let Some([reduce_weight, reduce_bias, expand_weight, expand_bias]) = &self.gate {
            let gate = SqueezeExcitation { reduce_weight, reduce_bias, expand_weight, expand_bias };
            y = squeeze_excitation::by_candle(&y, &gate)?;
        }
        y = self.projection.pointwise(&y, Activation::Identity)?;
        if self.skip { y + x.detach() } else { Ok(y) }
    }
}
