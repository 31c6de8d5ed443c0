//! The parameters and settings of a block.

use candle_core::Tensor;

use crate::activation::Activation;
use crate::conv_norm::ConvNorm;
use crate::drop::DropPath;
use crate::squeeze_excitation::SqueezeExcitation;
use crate::window::Padding;

/// An inverted residual block: its parameters and settings.
#[derive(Debug, Clone, Copy)]
pub struct MbConv<'a> {
    /// The pointwise convolution from C to H channels, and its norm; a block without one has H = C.
    pub expansion: Option<ConvNorm<'a>>,
    /// The depthwise convolution of H channels, and its norm.
    pub depthwise: ConvNorm<'a>,
    /// The gate on the H channels after the depthwise convolution.
    pub squeeze_excitation: Option<SqueezeExcitation<'a>>,
    /// The pointwise convolution from H to O channels, and its norm. No activation follows it.
    pub projection: ConvNorm<'a>,
    /// Stride of the depthwise convolution, in pixels.
    pub stride: usize,
    /// Padding of the depthwise convolution.
    pub padding: Padding,
    /// What the batch norms add to the variance; above 0.
    pub eps: f64,
    /// The activation after the first two batch norms.
    pub activation: Activation,
    /// Drop path of the block, if the input is added to its result. (A rate of 0 drops nothing.)
    pub skip: Option<DropPath>,
}

impl<'a> MbConv<'a> {
    /// All parameters, in the order in which [`Geometry::parameters`](super::geometry::Geometry::parameters) reads them.
    pub(crate) fn in_order(&self) -> Vec<&'a Tensor> {
        let expansion = self.expansion.iter().flat_map(ConvNorm::in_order);
        let gate = self.squeeze_excitation.iter().flat_map(SqueezeExcitation::in_order);
        let rest = self.depthwise.in_order().into_iter().chain(self.projection.in_order());
        expansion.chain(rest).chain(gate).collect()
    }
}
