//! The inverted residual block: widen, filter each channel, attend, narrow; add the input where the shape is kept.
//!
//! Sandler et al., "MobileNetV2" (arXiv 1801.04381), with squeeze and excitation (Hu et al., arXiv 1709.01507).

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use effnet_ops::{Activation, Padding};

use crate::arch::Arch;
use crate::layers::{
    BatchNorm, BatchNormSettings, ConvNormParameters, Convolution, SqueezeExcite, SqueezeExciteParameters,
};
use crate::mode::{Chance, Mode};
use crate::plan::BlockPlan;

/// One block.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    expansion: Option<(Convolution, BatchNorm)>,
    depthwise: (Convolution, BatchNorm),
    attention: Option<SqueezeExcite>,
    projection: (Convolution, BatchNorm),
    /// Of the depthwise convolution.
    stride: usize,
    padding: Padding,
    /// Of the batch norms, and behind the first two of them.
    eps: f64,
    activation: Activation,
    /// Rate of drop path, where there is a skip.
    skip: Option<f64>,
    /// Over all blocks of the network, from 0.
    index: usize,
}

/// timm's names of a block's parts: they are numbered by position, so the two forms differ.
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
            Some((Convolution::pointwise(input, hidden, &vb.pp("conv_pw"))?, bn(hidden, act, "bn1")?))
        } else {
            None
        };
        let depthwise = (
            Convolution::depthwise(hidden, kernel, stride, arch.padding, &vb.pp("conv_dw"))?,
            bn(hidden, act, names.depthwise_bn)?,
        );
        let attention =
            squeeze.map(|reduced| SqueezeExcite::new(hidden, reduced, &vb.pp("se"))).transpose()?;
        let projection = (
            Convolution::pointwise(hidden, output, &vb.pp(names.projection))?,
            bn(output, Activation::Identity, names.projection_bn)?,
        );
        let skip = plan.has_skip().then_some(drop_path);
        let (padding, eps, activation) = (arch.padding, arch.bn_eps, act);
        Ok(Self {
            expansion,
            depthwise,
            attention,
            projection,
            stride,
            padding,
            eps,
            activation,
            skip,
            index,
        })
    }

    /// [N, H, W, input] -> [N, h, w, output]
    pub(crate) fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor> {
        let y = if mode == Mode::Eval { self.evaluate(x)? } else { self.train(x, mode)? };
        let Some(rate) = self.skip else { return Ok(y) };
        match mode.seed(Chance::DropPath(self.index)) {
            Some(seed) if rate > 0.0 => effnet_ops::add(&effnet_ops::drop_path(&y, rate, seed)?, x),
            _ => effnet_ops::add(&y, x),
        }
    }

    /// All but the skip, by running statistics.
    fn evaluate(&self, x: &Tensor) -> Result<Tensor> {
        let mode = Mode::Eval;
        let mut y = x.clone();
        if let Some((conv, bn)) = &self.expansion {
            y = bn.forward(&conv.forward(&y, mode)?, mode)?;
        }
        let (conv, bn) = &self.depthwise;
        y = bn.forward(&conv.forward(&y, mode)?, mode)?;
        if let Some(attention) = &self.attention {
            y = attention.forward(&y, mode)?;
        }
        let (conv, bn) = &self.projection;
        bn.forward(&conv.forward(&y, mode)?, mode)
    }

    /// All but the skip, by the batch's statistics, which move the running ones.
    fn train(&self, x: &Tensor, mode: Mode) -> Result<Tensor> {
        let parameters = |(conv, bn): &(Convolution, BatchNorm)| conv.with_norm(bn, mode);
        let expansion = self.expansion.as_ref().map(parameters);
        let (depthwise, projection) = (parameters(&self.depthwise), parameters(&self.projection));
        let attention = self.attention.as_ref().map(|attention| attention.parameters(mode));
        let block = effnet_ops::MbConv {
            expansion: expansion.as_ref().map(ConvNormParameters::as_ref),
            depthwise: depthwise.as_ref(),
            attention: attention.as_ref().map(SqueezeExciteParameters::as_ref),
            projection: projection.as_ref(),
            stride: self.stride,
            padding: self.padding,
            eps: self.eps,
            activation: self.activation,
        };
        let (y, statistics) = effnet_ops::mb_conv_train(x, &block)?;
        if let (Some((_, bn)), Some(batch)) = (&self.expansion, &statistics.expansion) {
            bn.track(batch)?;
        }
        self.depthwise.1.track(&statistics.depthwise)?;
        self.projection.1.track(&statistics.projection)?;
        Ok(y)
    }
}
