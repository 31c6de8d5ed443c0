//! The parts that a block of evaluation is made from.

use super::weights::Folded;
use crate::activation::Activation;
use crate::squeeze_excitation::SqueezeExcitation;
use crate::window::Padding;

/// The name of the operation in errors.
pub(super) const NAME: &str = "folded_mb_conv";

/// The parts of a block, with their batch norms folded in.
#[derive(Debug, Clone)]
pub struct FoldedParts<'a> {
    /// The pointwise convolution from C to H channels; a block without one has H = C.
    pub expansion: Option<Folded>,
    /// The depthwise convolution of H channels.
    pub depthwise: Folded,
    /// The gate on the H channels after the depthwise convolution.
    pub squeeze_excitation: Option<SqueezeExcitation<'a>>,
    /// The pointwise convolution from H to O channels. No activation follows it.
    pub projection: Folded,
    /// Stride of the depthwise convolution, in pixels.
    pub stride: usize,
    /// Padding of the depthwise convolution.
    pub padding: Padding,
    /// The activation after the first two convolutions.
    pub activation: Activation,
    /// Whether the input is added to the result.
    pub skip: bool,
}
