//! The layers that have parameters: convolutions without bias, batch norm with its activation, squeeze and
//! excitation, linear.
//!
//! First values are the reference implementation's: convolutions N(0, 2 / fan_out) with fan_out = k k out / groups,
//! biases zero. A linear layer's caller gives the range of its first weights.

use candle_core::{Result, Tensor, Var};
use candle_nn::VarBuilder;
use candle_nn::init::{Init, ONE, ZERO};
use effnet_ops::{Activation, BatchStatistics, ConvNormAct, Folded, FoldedConv, Padding};

use crate::mode::Mode;
use crate::onnx::{ConvGeometry, GraphBuilder};

fn he_fan_out(fan_out: usize) -> Init {
    Init::Randn { mean: 0.0, stdev: (2.0 / fan_out as f64).sqrt() }
}

/// Which convolution a weight is for.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Full {
        stride: usize,
        padding: Padding,
    },
    Pointwise,
    /// A block's depthwise convolution; the block has its stride and padding.
    Depthwise,
}

/// A convolution without bias, and the batch norm and activation after it.
#[derive(Debug, Clone)]
pub(crate) struct ConvNorm {
    weight: Tensor,
    kind: Kind,
    norm: BatchNorm,
}

impl ConvNorm {
    /// k x k over all channels: weight [output, input, k, k].
    pub(crate) fn full(
        input: usize,
        kernel: usize,
        stride: usize,
        padding: Padding,
        norm: BatchNorm,
        vb: &VarBuilder,
    ) -> Result<Self> {
        let output = norm.channels();
        let init = he_fan_out(kernel * kernel * output);
        let weight = vb.get_with_hints((output, input, kernel, kernel), "weight", init)?;
        Ok(Self { weight, kind: Kind::Full { stride, padding }, norm })
    }

    /// k x k in each channel, in a block: weight [channels, 1, k, k].
    pub(crate) fn depthwise(kernel: usize, norm: BatchNorm, vb: &VarBuilder) -> Result<Self> {
        let init = he_fan_out(kernel * kernel);
        let weight = vb.get_with_hints((norm.channels(), 1, kernel, kernel), "weight", init)?;
        Ok(Self { weight, kind: Kind::Depthwise, norm })
    }

    /// 1 x 1 across channels: weight [output, input, 1, 1].
    pub(crate) fn pointwise(input: usize, norm: BatchNorm, vb: &VarBuilder) -> Result<Self> {
        let output = norm.channels();
        let weight = vb.get_with_hints((output, input, 1, 1), "weight", he_fan_out(output))?;
        Ok(Self { weight, kind: Kind::Pointwise, norm })
    }

    /// Side of the kernel.
    pub(crate) fn kernel(&self) -> usize {
        self.weight.dims().last().copied().unwrap_or(1)
    }

    /// A copy for many batches of evaluation, made of the present parameters and running statistics.
    pub(crate) fn evaluator(&self) -> Result<FoldedConv> {
        let (stride, padding) = self.stride_and_padding()?;
        FoldedConv::new(self.folded()?, stride, padding, self.norm.activation)
    }

    /// Stride and padding of a stem or head.
    fn stride_and_padding(&self) -> Result<(usize, Padding)> {
        match self.kind {
            Kind::Full { stride, padding } => Ok((stride, padding)),
            Kind::Pointwise => Ok((1, Padding::Symmetric)),
            Kind::Depthwise => candle_core::bail!("a depthwise convolution outside its block"),
        }
    }

    /// A stem or head in training.
    pub(crate) fn layer<'p>(&self, parameters: &'p ConvNormParameters) -> Result<ConvNormAct<'p>> {
        let (stride, padding) = self.stride_and_padding()?;
        let (eps, activation) = (self.norm.settings.eps, self.norm.activation);
        Ok(ConvNormAct { conv: parameters.as_ref(), stride, padding, eps, activation })
    }

    /// The norm by its running statistics as a part of the convolution.
    pub(crate) fn folded(&self) -> Result<Folded> {
        self.norm.folded(&self.weight.detach(), None)
    }

    /// Adds the layer to an ONNX graph, and returns the name of its result.
    pub(crate) fn add_to(
        &self,
        graph: &mut GraphBuilder,
        name: &str,
        x: &str,
        geometry: &ConvGeometry,
    ) -> Result<String> {
        let y = graph.conv(name, x, self.folded()?, geometry);
        Ok(graph.activation(name, &y, self.norm.activation))
    }

    /// Adds a stem or head to an ONNX graph, for a square input of `side` pixels, and returns the name of its result.
    pub(crate) fn add_stem_or_head_to(
        &self,
        graph: &mut GraphBuilder,
        name: &str,
        x: &str,
        side: usize,
    ) -> Result<String> {
        let (stride, padding) = self.stride_and_padding()?;
        self.add_to(graph, name, x, &ConvGeometry { stride, padding, side })
    }

    /// The parameters as a mode uses them.
    pub(crate) fn parameters(&self, mode: Mode) -> ConvNormParameters {
        let [weight, norm_weight, norm_bias] =
            [&self.weight, &self.norm.weight, &self.norm.bias].map(|parameter| mode.parameter(parameter));
        ConvNormParameters { weight, norm_weight, norm_bias }
    }

    /// Moves the running statistics, by the next of the batch's.
    pub(crate) fn track(&self, batch: &mut impl Iterator<Item = BatchStatistics>) -> Result<()> {
        match batch.next() {
            Some(batch) => self.norm.track(&batch),
            None => candle_core::bail!("statistics of fewer norms than there are"),
        }
    }
}

/// The parameters of a convolution and its norm.
pub(crate) struct ConvNormParameters {
    weight: Tensor,
    norm_weight: Tensor,
    norm_bias: Tensor,
}

impl ConvNormParameters {
    pub(crate) fn as_ref(&self) -> effnet_ops::ConvNorm<'_> {
        let Self { weight, norm_weight, norm_bias } = self;
        effnet_ops::ConvNorm { weight, norm_weight, norm_bias }
    }
}

/// The two numbers in which published batch norms differ.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchNormSettings {
    pub(crate) eps: f64,
    pub(crate) momentum: f64,
}

/// The defaults of PyTorch's `nn.BatchNorm1d` and `2d`.
pub(crate) const PYTORCH_BATCH_NORM: BatchNormSettings = BatchNormSettings { eps: 1e-5, momentum: 0.1 };

/// Batch norm over all but the last dimension, and the activation after it.
#[derive(Debug, Clone)]
pub(crate) struct BatchNorm {
    weight: Tensor,
    bias: Tensor,
    running_mean: Var,
    running_var: Var,
    settings: BatchNormSettings,
    activation: Activation,
}

impl BatchNorm {
    pub(crate) fn new(
        channels: usize,
        settings: BatchNormSettings,
        activation: Activation,
        vb: &VarBuilder,
    ) -> Result<Self> {
        Ok(Self {
            weight: vb.get_with_hints(channels, "weight", ONE)?,
            bias: vb.get_with_hints(channels, "bias", ZERO)?,
            running_mean: Var::from_tensor(&vb.get_with_hints(channels, "running_mean", ZERO)?)?,
            running_var: Var::from_tensor(&vb.get_with_hints(channels, "running_var", ONE)?)?,
            settings,
            activation,
        })
    }

    fn channels(&self) -> usize {
        self.weight.elem_count()
    }

    /// In the training modes, [..., C] -> [..., C].
    pub(crate) fn train(&self, x: &Tensor, mode: Mode) -> Result<Tensor> {
        let (weight, bias) = (mode.parameter(&self.weight), mode.parameter(&self.bias));
        let (eps, activation) = (self.settings.eps, self.activation);
        let (y, batch) = effnet_ops::batch_norm_train(x, &weight, &bias, eps, activation)?;
        self.track(&batch)?;
        Ok(y)
    }

    /// The norm by its running statistics as a part of the convolution before it, whose weight is [C, in, k, k].
    fn folded(&self, weight: &Tensor, bias: Option<&Tensor>) -> Result<Folded> {
        let [mean, var] = [&self.running_mean, &self.running_var].map(|running| running.as_detached_tensor());
        let mean = match bias {
            Some(bias) => (mean - bias)?,
            None => mean,
        };
        let (norm_weight, norm_bias) = (&self.weight.detach(), &self.bias.detach());
        let conv = effnet_ops::ConvNorm { weight, norm_weight, norm_bias };
        Folded::new(&conv, &mean, &var, self.settings.eps)
    }

    fn track(&self, batch: &BatchStatistics) -> Result<()> {
        batch.track(&self.running_mean, &self.running_var, self.settings.momentum)
    }
}

/// Squeeze and excitation: global pool, reduce, swish, expand, sigmoid, scale.
#[derive(Debug, Clone)]
pub(crate) struct SqueezeExcite {
    reduce_weight: Tensor,
    reduce_bias: Tensor,
    expand_weight: Tensor,
    expand_bias: Tensor,
}

impl SqueezeExcite {
    pub(crate) fn new(channels: usize, reduced: usize, vb: &VarBuilder) -> Result<Self> {
        let (reduce, expand) = (vb.pp("conv_reduce"), vb.pp("conv_expand"));
        Ok(Self {
            reduce_weight: reduce.get_with_hints((reduced, channels, 1, 1), "weight", he_fan_out(reduced))?,
            reduce_bias: reduce.get_with_hints(reduced, "bias", ZERO)?,
            expand_weight: expand.get_with_hints(
                (channels, reduced, 1, 1),
                "weight",
                he_fan_out(channels),
            )?,
            expand_bias: expand.get_with_hints(channels, "bias", ZERO)?,
        })
    }

    /// Adds the gate to an ONNX graph, and returns the name of its result.
    pub(crate) fn add_to(&self, graph: &mut GraphBuilder, name: &str, x: &str) -> Result<String> {
        let pointwise = |weight: &Tensor, bias: &Tensor| {
            Folded::linear(&weight.detach().flatten_from(1)?, &bias.detach())
        };
        let pooled = graph.pool(&format!("{name}.pool"), x);
        let reduce = pointwise(&self.reduce_weight, &self.reduce_bias)?;
        let reduced = graph.conv(&format!("{name}.reduce"), &pooled, reduce, &ConvGeometry::POINTWISE);
        let reduced = graph.activation(&format!("{name}.reduce"), &reduced, Activation::Swish);
        let expand = pointwise(&self.expand_weight, &self.expand_bias)?;
        let expanded = graph.conv(&format!("{name}.expand"), &reduced, expand, &ConvGeometry::POINTWISE);
        let gate = graph.sigmoid(&format!("{name}.gate"), &expanded);
        Ok(graph.mul(name, x, &gate))
    }

    /// Its parameters as a mode uses them.
    pub(crate) fn parameters(&self, mode: Mode) -> SqueezeExciteParameters {
        let all = [&self.reduce_weight, &self.reduce_bias, &self.expand_weight, &self.expand_bias];
        SqueezeExciteParameters(all.map(|parameter| mode.parameter(parameter)))
    }
}

/// The parameters of squeeze and excitation.
pub(crate) struct SqueezeExciteParameters([Tensor; 4]);

impl SqueezeExciteParameters {
    pub(crate) fn as_ref(&self) -> effnet_ops::SqueezeExcitation<'_> {
        let [reduce_weight, reduce_bias, expand_weight, expand_bias] = &self.0;
        effnet_ops::SqueezeExcitation { reduce_weight, reduce_bias, expand_weight, expand_bias }
    }
}

/// A linear layer with bias.
#[derive(Debug, Clone)]
pub(crate) struct Linear {
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    /// First weights are uniform within `bound`, first biases zero.
    pub(crate) fn new(input: usize, output: usize, bound: f64, vb: &VarBuilder) -> Result<Self> {
        let init = Init::Uniform { lo: -bound, up: bound };
        let weight = vb.get_with_hints((output, input), "weight", init)?;
        Ok(Self { weight, bias: vb.get_with_hints(output, "bias", ZERO)? })
    }

    /// A copy for many batches of evaluation, with the norm after it, if there is one.
    pub(crate) fn evaluator(&self, norm: Option<&BatchNorm>) -> Result<FoldedConv> {
        let (folded, activation) = self.folded(norm)?;
        FoldedConv::new(folded, 1, Padding::Symmetric, activation)
    }

    /// As [`Linear::evaluator`], without the activation after the norm.
    pub(crate) fn before_activation(&self, norm: &BatchNorm) -> Result<FoldedConv> {
        let (folded, _) = self.folded(Some(norm))?;
        FoldedConv::new(folded, 1, Padding::Symmetric, Activation::Identity)
    }

    fn folded(&self, norm: Option<&BatchNorm>) -> Result<(Folded, Activation)> {
        let (weight, bias) = (self.weight.detach(), self.bias.detach());
        match norm {
            None => Ok((Folded::linear(&weight, &bias)?, Activation::Identity)),
            Some(norm) => {
                Ok((norm.folded(&weight.unsqueeze(2)?.unsqueeze(3)?, Some(&bias))?, norm.activation))
            }
        }
    }

    /// Adds the layer to an ONNX graph, with the norm after it if there is one, and returns the name of its result.
    pub(crate) fn add_to(
        &self,
        graph: &mut GraphBuilder,
        name: &str,
        x: &str,
        norm: Option<&BatchNorm>,
    ) -> Result<String> {
        let (folded, activation) = self.folded(norm)?;
        let y = graph.linear(name, x, folded);
        Ok(graph.activation(name, &y, activation))
    }

    /// [N, input] -> [N, output]
    pub(crate) fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor> {
        effnet_ops::linear(x, &mode.parameter(&self.weight), &mode.parameter(&self.bias))
    }
}
