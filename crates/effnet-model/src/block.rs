//! The inverted residual block: expansion, depthwise convolution, squeeze and excitation, projection; the input is added where
//! the shape is kept.
//!
//! Sandler et al., "MobileNetV2" (arXiv 1801.04381), with squeeze and excitation (Hu et al., arXiv 1709.01507).

use candle_core::Result;
use candle_nn::VarBuilder;
use effnet_ops::{Activation, BatchStatistics, DropPath, FoldedMbConv, FoldedParts, Padding};

use crate::arch::Arch;
use crate::layers::{
    BatchNorm, BatchNormSettings, ConvNorm, ConvNormParameters, SqueezeExcite, SqueezeExciteParameters,
};
use crate::mode::{Chance, Mode};
use crate::onnx::{ConvGeometry, GraphBuilder};
use crate::plan::BlockPlan;

/// One block.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    expansion: Option<ConvNorm>,
    depthwise: ConvNorm,
    squeeze_excitation: Option<SqueezeExcite>,
    projection: ConvNorm,
    /// Stride of the depthwise convolution; `padding` is its padding.
    stride: usize,
    padding: Padding,
    /// What the batch norms add to the variance.
    eps: f64,
    /// After the first two batch norms.
    activation: Activation,
    /// Rate of drop path, where there is a skip.
    skip: Option<f64>,
    /// Over all blocks of the network, from 0.
    index: usize,
}

/// timm's names of a block's parts. They are numbered by position, so a block with an expansion and one without differ.
struct Names {
    depthwise_bn: &'static str,
    projection: &'static str,
    projection_bn: &'static str,
}

const EXPANDING: Names = Names { depthwise_bn: "bn2", projection: "conv_pwl", projection_bn: "bn3" };
const PLAIN: Names = Names { depthwise_bn: "bn1", projection: "conv_pw", projection_bn: "bn2" };

impl Block {
    pub(crate) fn new(
        plan: &BlockPlan,
        arch: &Arch,
        padding: Padding,
        index: usize,
        drop_path: f64,
        vb: &VarBuilder,
    ) -> Result<Self> {
        let settings = BatchNormSettings { eps: arch.bn_eps, momentum: arch.bn_momentum };
        let act = arch.activation();
        let bn = |channels, act, name: &str| BatchNorm::new(channels, settings, act, &vb.pp(name));
        let &BlockPlan { input, hidden, output, kernel, stride, squeeze } = plan;

        let names = if plan.expands() { EXPANDING } else { PLAIN };
        let expansion = if plan.expands() {
            Some(ConvNorm::pointwise(input, bn(hidden, act, "bn1")?, &vb.pp("conv_pw"))?)
        } else {
            None
        };
        let depthwise = ConvNorm::depthwise(kernel, bn(hidden, act, names.depthwise_bn)?, &vb.pp("conv_dw"))?;
        let squeeze_excitation =
            squeeze.map(|reduced| SqueezeExcite::new(hidden, reduced, &vb.pp("se"))).transpose()?;
        let norm = bn(output, Activation::Identity, names.projection_bn)?;
        let projection = ConvNorm::pointwise(hidden, norm, &vb.pp(names.projection))?;
        let skip = plan.has_skip().then_some(drop_path);
        let (eps, activation) = (arch.bn_eps, act);
        Ok(Self {
            expansion,
            depthwise,
            squeeze_excitation,
            projection,
            stride,
            padding,
            eps,
            activation,
            skip,
            index,
        })
    }

    /// A copy for many batches of evaluation, made of the present parameters and running statistics.
    pub(crate) fn evaluator(&self) -> Result<FoldedMbConv> {
        let squeeze_excitation = self.squeeze_excitation.as_ref().map(|gate| gate.parameters(Mode::Eval));
        FoldedMbConv::new(FoldedParts {
            expansion: self.expansion.as_ref().map(ConvNorm::folded).transpose()?,
            depthwise: self.depthwise.folded()?,
            squeeze_excitation: squeeze_excitation.as_ref().map(SqueezeExciteParameters::as_ref),
            projection: self.projection.folded()?,
            stride: self.stride,
            padding: self.padding,
            activation: self.activation,
            skip: self.skip.is_some(),
        })
    }

    /// Adds the block to an ONNX graph, for a square input of `side` pixels, and returns the name of its result and its side.
    pub(crate) fn add_to(
        &self,
        graph: &mut GraphBuilder,
        name: &str,
        x: &str,
        side: usize,
    ) -> Result<(String, usize)> {
        let inner = |part: &str| format!("{name}.{part}");
        let mut y = x.to_owned();
        if let Some(expansion) = &self.expansion {
            y = expansion.add_to(graph, &inner("expansion"), &y, &ConvGeometry::POINTWISE)?;
        }
        let geometry = ConvGeometry { stride: self.stride, padding: self.padding, side };
        y = self.depthwise.add_to(graph, &inner("depthwise"), &y, &geometry)?;
        if let Some(gate) = &self.squeeze_excitation {
            y = gate.add_to(graph, &inner("attention"), &y)?;
        }
        y = self.projection.add_to(graph, &inner("projection"), &y, &ConvGeometry::POINTWISE)?;
        if self.skip.is_some() {
            y = graph.add(&inner("skip"), &y, x);
        }
        Ok((y, self.padding.outputs(side, self.depthwise.kernel(), self.stride)))
    }

    /// Its parameters as a mode uses them.
    pub(crate) fn parameters(&self, mode: Mode) -> BlockParameters {
        BlockParameters {
            expansion: self.expansion.as_ref().map(|conv| conv.parameters(mode)),
            depthwise: self.depthwise.parameters(mode),
            squeeze_excitation: self.squeeze_excitation.as_ref().map(|gate| gate.parameters(mode)),
            projection: self.projection.parameters(mode),
        }
    }

    /// The block in training.
    pub(crate) fn layer<'p>(&self, parameters: &'p BlockParameters, mode: Mode) -> effnet_ops::MbConv<'p> {
        let drop_path = |rate| match mode.seed(Chance::DropPath(self.index)) {
            Some(seed) => DropPath { rate, seed },
            None => DropPath { rate: 0.0, seed: 0 },
        };
        effnet_ops::MbConv {
            expansion: parameters.expansion.as_ref().map(ConvNormParameters::as_ref),
            depthwise: parameters.depthwise.as_ref(),
            squeeze_excitation: parameters.squeeze_excitation.as_ref().map(SqueezeExciteParameters::as_ref),
            projection: parameters.projection.as_ref(),
            stride: self.stride,
            padding: self.padding,
            eps: self.eps,
            activation: self.activation,
            skip: self.skip.map(drop_path),
        }
    }

    /// Moves the running statistics, by the next of the batch's.
    pub(crate) fn track(&self, batch: &mut impl Iterator<Item = BatchStatistics>) -> Result<()> {
        let norms = self.expansion.iter().chain([&self.depthwise, &self.projection]);
        norms.into_iter().try_for_each(|conv| conv.track(batch))
    }
}

/// A block's parameters.
pub(crate) struct BlockParameters {
    expansion: Option<ConvNormParameters>,
    depthwise: ConvNormParameters,
    squeeze_excitation: Option<SqueezeExciteParameters>,
    projection: ConvNormParameters,
}
