//! The inverted residual block (MobileNetV2, arXiv 1801.04381; with squeeze and excitation "MBConv"), from its input to
//! the last batch norm, in training.
//!
//! ```text
//! c1 = x We^T               y1 = f(norm(c1))                  widen (left out in the first block: y1 = x)
//! c2 = depthwise(y1, Wd)    y2 = f(norm(c2))                  filter
//! g = sigmoid(W2 swish(W1 mean(y2) + b1) + b2)                attend (left out: g = 1)
//! c3 = (y2 g) Wp^T          y = norm(c3)                      narrow
//! ```
//!
//! All that [`crate::pointwise_conv`], [`crate::depthwise_conv`], [`crate::batch_norm_train`] and
//! [`crate::squeeze_excitation`] compute in turn, and the same derivatives. What is gained by one operation: the widened
//! tensors, which are nearly all of a network's memory traffic, are never seen by candle, whose backward pass would read
//! and write each gradient twice more; y1 and y2 are not kept, but computed again; and gradients move on in place.

mod backward;
mod forward;

use candle_core::{Result, Tensor};

use crate::activation::{Activation, cpu::Function, with_function};
use crate::batch_norm::BatchStatistics;
use crate::channels::Rows;
use crate::dispatch::level;
use crate::error::shape_error;
use crate::many::{self, Differentiable, Gradients};
use crate::squeeze_excitation::SqueezeExcitation;
use crate::squeeze_excitation::cpu::Layers;
use crate::window::{Padding, Window};
use crate::{Error, host};
use forward::Pass;

const NAME: &str = "mb_conv_train";

/// A convolution without bias and the batch norm behind it.
#[derive(Debug, Clone, Copy)]
pub struct ConvNorm<'a> {
    /// PyTorch's: `[Cout, Cin, 1, 1]`, or depthwise `[C, 1, k, k]`.
    pub weight: &'a Tensor,
    /// `[Cout]`.
    pub norm_weight: &'a Tensor,
    /// `[Cout]`.
    pub norm_bias: &'a Tensor,
}

impl<'a> ConvNorm<'a> {
    fn in_order(&self) -> [&'a Tensor; 3] {
        [self.weight, self.norm_weight, self.norm_bias]
    }
}

/// A block's parameters and settings.
#[derive(Debug, Clone, Copy)]
pub struct MbConv<'a> {
    /// Pointwise, from C to H channels; without it, H = C.
    pub expansion: Option<ConvNorm<'a>>,
    /// Depthwise, H channels.
    pub depthwise: ConvNorm<'a>,
    /// On H channels.
    pub attention: Option<SqueezeExcitation<'a>>,
    /// Pointwise, from H to O channels, without an activation behind it.
    pub projection: ConvNorm<'a>,
    /// Of the depthwise convolution.
    pub stride: usize,
    /// Of the depthwise convolution.
    pub padding: Padding,
    /// Of the three batch norms.
    pub eps: f64,
    /// Behind the first two batch norms.
    pub activation: Activation,
}

/// The statistics of a block's batch norms.
#[derive(Debug, Clone)]
pub struct MbConvStatistics {
    /// Of the expansion, where there is one.
    pub expansion: Option<BatchStatistics>,
    /// Of the depthwise convolution.
    pub depthwise: BatchStatistics,
    /// Of the projection.
    pub projection: BatchStatistics,
}

/// A block without its skip connection, normalised by the batch's own statistics.
///
/// # Shapes
/// `x` [N, H, W, C], to [N, Ho, Wo, O] with the sizes that [`Padding`] says.
///
/// # Errors
/// If the shapes do not fit, the stride is 0, `eps` is not positive, or a tensor is not f32 on the CPU.
pub fn mb_conv_train(x: &Tensor, block: &MbConv<'_>) -> Result<(Tensor, MbConvStatistics)> {
    with_function!(block.activation, |f| train(x, block, f))
}

fn train<F: Function + 'static>(x: &Tensor, block: &MbConv<'_>, f: F) -> Result<(Tensor, MbConvStatistics)> {
    let plan = Plan::new(x, block)?;
    let parameters = block.in_order();
    let x = x.contiguous()?;
    let (y, pass) = host::read(NAME, [&x], |[x]| {
        host::read_all(NAME, &parameters, |values| {
            Ok(Pass::forward(level(), plan, x, &plan.parameters(values), f))
        })
    })?;
    let statistics = pass.statistics()?;
    let Window { images, y: down, x: across } = plan.window;
    let shape = (images, down.output, across.output, plan.output);
    Ok((many::apply(&x, &parameters, Block { plan, pass, f }, y, shape)?, statistics))
}

impl<'a> MbConv<'a> {
    /// All parameters, as [`Plan::parameters`] takes them apart.
    fn in_order(&self) -> Vec<&'a Tensor> {
        let expansion = self.expansion.iter().flat_map(ConvNorm::in_order);
        let attention = self.attention.iter().flat_map(SqueezeExcitation::in_order);
        let rest = self.depthwise.in_order().into_iter().chain(self.projection.in_order());
        expansion.chain(rest).chain(attention).collect()
    }
}

/// What a block does, without any values.
#[derive(Debug, Clone, Copy)]
struct Plan {
    window: Window,
    input: usize,
    hidden: usize,
    output: usize,
    expands: bool,
    attends: bool,
    eps: f64,
}

/// The values of a convolution and its batch norm.
#[derive(Clone, Copy)]
struct Layer<'a> {
    weight: &'a [f32],
    norm_weight: &'a [f32],
    norm_bias: &'a [f32],
}

/// The values of a block's parameters.
struct Parameters<'a> {
    expansion: Option<Layer<'a>>,
    depthwise: Layer<'a>,
    projection: Layer<'a>,
    attention: Option<Layers<'a>>,
}

impl Plan {
    fn new(x: &Tensor, block: &MbConv<'_>) -> Result<Self> {
        let window = Window::new(NAME, x, block.depthwise.weight, block.stride, block.padding)?;
        if !(block.eps > 0.0 && block.eps.is_finite()) {
            return Err(
                Error::Setting { op: NAME, setting: "eps", value: block.eps, range: "above 0" }.into()
            );
        }
        let input = x.dims()[3];
        let hidden = block.depthwise.weight.dims()[0];
        let output = block.projection.norm_bias.elem_count();
        let norm = |conv: &ConvNorm<'_>, channels: usize| {
            conv.norm_weight.dims() == [channels] && conv.norm_bias.dims() == [channels]
        };
        let expands = block.expansion.as_ref();
        let fits = expands.map_or(hidden == input, |conv| {
            conv.weight.dims() == [hidden, input, 1, 1] && norm(conv, hidden)
        }) && block.depthwise.weight.dims()[1] == 1
            && norm(&block.depthwise, hidden)
            && block.projection.weight.dims() == [output, hidden, 1, 1]
            && norm(&block.projection, output)
            && output > 0
            && block.attention.as_ref().is_none_or(|attention| attention.fits(hidden));
        if !fits {
            let mut arguments = vec![("x", x.dims())];
            arguments.extend(block.in_order().iter().map(|parameter| ("parameter", parameter.dims())));
            let expected = "x [N, H, W, C], a widening [H, C, 1, 1] or H = C, depthwise [H, 1, k, k], a gate on H, \
                            a narrowing [O, H, 1, 1], and a norm's two vectors behind each convolution";
            return Err(shape_error(NAME, &arguments, expected));
        }
        let attends = block.attention.is_some();
        Ok(Self { window, input, hidden, output, expands: expands.is_some(), attends, eps: block.eps })
    }

    /// The widened tensor before the depthwise convolution, a group an image.
    fn before(&self) -> Rows {
        let Window { images, y, x } = self.window;
        Rows { groups: images, rows: y.input * x.input, channels: self.hidden }
    }

    /// And behind it.
    fn behind(&self) -> Rows {
        let Window { images, y, x } = self.window;
        Rows { groups: images, rows: y.output * x.output, channels: self.hidden }
    }

    /// The block's result.
    fn narrowed(&self) -> Rows {
        let Rows { groups, rows, .. } = self.behind();
        Rows { groups: 1, rows: groups * rows, channels: self.output }
    }

    fn parameters<'a>(&self, values: &[&'a [f32]]) -> Parameters<'a> {
        let mut values = values.iter().copied();
        let mut next = || values.next().unwrap_or_default();
        let mut layer = || Layer { weight: next(), norm_weight: next(), norm_bias: next() };
        let expansion = self.expands.then(&mut layer);
        let (depthwise, projection) = (layer(), layer());
        let attention = self.attends.then(|| Layers::new(std::array::from_fn(|_| next())));
        Parameters { expansion, depthwise, projection, attention }
    }
}

struct Block<F> {
    plan: Plan,
    pass: Pass,
    f: F,
}

impl<F: Function + 'static> Differentiable for Block<F> {
    const NAME: &'static str = NAME;

    fn backward(&self, x: &[f32], parameters: &[&[f32]], dy: &[f32]) -> Gradients {
        let parameters = self.plan.parameters(parameters);
        self.pass.backward(level(), self.plan, x, &parameters, dy, self.f)
    }
}
