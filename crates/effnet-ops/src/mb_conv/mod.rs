//! The inverted residual block (MobileNetV2, arXiv 1801.04381; with squeeze and excitation "MBConv") in training, as a layer
//! of [`crate::sequence_train`].
//!
//! ```text
//! c1 = x We^T               y1 = f(norm(c1))                  widen (left out in the first block: y1 = x)
//! c2 = depthwise(y1, Wd)    y2 = f(norm(c2))                  filter
//! g = sigmoid(W2 swish(W1 mean(y2) + b1) + b2)                attend (left out: g = 1)
//! c3 = (y2 g) Wp^T          y = norm(c3)                      narrow
//! y d + x                                                     skip (left out where the shape changes), d of drop path
//! ```
//!
//! All that [`crate::pointwise_conv`], [`crate::depthwise_conv`], [`crate::batch_norm_train`] and
//! [`crate::squeeze_excitation`] compute in turn, and the same derivatives. What is gained by one operation: the widened
//! tensors, which are nearly all of a network's memory traffic, are never seen by candle, whose backward pass would read
//! and write each gradient twice more; y1 and y2 are not kept, but computed again; and gradients move on in place.

mod backward;
mod forward;

use candle_core::{Result, Tensor};

use crate::activation::{Activation, cpu::Function};
use crate::batch_norm::check_eps;
use crate::channels::Rows;
use crate::conv_norm::ConvNorm;
use crate::dispatch::Level;
use crate::drop::DropPath;
use crate::error::shape_error;
use crate::host;
use crate::many::Gradients;
use crate::normed::ConvNormValues;
use crate::sequence::{Passed, Step};
use crate::squeeze_excitation::SqueezeExcitation;
use crate::squeeze_excitation::cpu::Layers;
use crate::window::{Padding, Window};
use forward::Pass;

const NAME: &str = "mb_conv";

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
    /// Where the input is added to the result: what drops the rest. (A rate of 0 drops nothing.)
    pub skip: Option<DropPath>,
}

impl<'a> MbConv<'a> {
    /// Forward: x of shape `dims`, and `f` the activation.
    pub(crate) fn pass<F: Function + 'static>(
        &self,
        level: Level,
        x: &[f32],
        dims: &[usize],
        f: F,
    ) -> Result<Passed> {
        let plan = Plan::new(dims, self)?;
        let (y, pass) = host::read_all(NAME, &self.in_order(), |values| {
            Ok(Pass::forward(level, plan, x, &plan.parameters(values), f))
        })?;
        let Window { images, y: down, x: across } = plan.window;
        Ok(Passed {
            y,
            dims: [images, down.output, across.output, plan.output],
            statistics: pass.statistics()?,
            step: Box::new(Kept { plan, pass, f }),
        })
    }

    /// All parameters, as [`Plan::parameters`] takes them apart.
    pub(crate) fn in_order(&self) -> Vec<&'a Tensor> {
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
    skip: Option<DropPath>,
}

/// The values of a block's parameters.
struct Parameters<'a> {
    expansion: Option<ConvNormValues<'a>>,
    depthwise: ConvNormValues<'a>,
    projection: ConvNormValues<'a>,
    attention: Option<Layers<'a>>,
}

impl Plan {
    /// For x of shape `dims`.
    fn new(dims: &[usize], block: &MbConv<'_>) -> Result<Self> {
        let window = Window::new(NAME, dims, block.depthwise.weight.dims(), block.stride, block.padding)?;
        check_eps(NAME, block.eps)?;
        if let Some(drop_path) = &block.skip {
            drop_path.check(NAME)?;
        }
        let input = dims[3];
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
            && block.attention.as_ref().is_none_or(|attention| attention.fits(hidden))
            && (block.skip.is_none() || (block.stride == 1 && input == output));
        if !fits {
            let mut arguments = vec![("x", dims)];
            arguments.extend(block.in_order().iter().map(|parameter| ("parameter", parameter.dims())));
            let expected = "x [N, H, W, C], a widening [H, C, 1, 1] or H = C, depthwise [H, 1, k, k], a gate on H, \
                            a narrowing [O, H, 1, 1], a norm's two vectors behind each convolution, and O = C with a \
                            stride of 1 where there is a skip";
            return Err(shape_error(NAME, &arguments, expected));
        }
        let (expands, attends, eps, skip) =
            (expands.is_some(), block.attention.is_some(), block.eps, block.skip);
        Ok(Self { window, input, hidden, output, expands, attends, eps, skip })
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

    /// The block's result, all of it one group.
    fn narrowed(&self) -> Rows {
        let Rows { groups, rows, channels } = self.narrowed_by_image();
        Rows { groups: 1, rows: groups * rows, channels }
    }

    /// And a group an image.
    fn narrowed_by_image(&self) -> Rows {
        Rows { channels: self.output, ..self.behind() }
    }

    fn parameters<'a>(&self, values: &[&'a [f32]]) -> Parameters<'a> {
        let mut values = values.iter().copied();
        let mut next = || values.next().unwrap_or_default();
        let mut layer = || ConvNormValues { weight: next(), norm_weight: next(), norm_bias: next() };
        let expansion = self.expands.then(&mut layer);
        let (depthwise, projection) = (layer(), layer());
        let attention = self.attends.then(|| Layers::new(std::array::from_fn(|_| next())));
        Parameters { expansion, depthwise, projection, attention }
    }
}

/// What the way back needs.
struct Kept<F> {
    plan: Plan,
    pass: Pass,
    f: F,
}

impl<F: Function> Step for Kept<F> {
    fn backward(&self, level: Level, x: &[f32], parameters: &[&[f32]], dy: &[f32], _: bool) -> Gradients {
        self.pass.backward(level, self.plan, x, &self.plan.parameters(parameters), dy, self.f)
    }
}
