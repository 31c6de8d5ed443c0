//! A convolution without bias, its batch norm and its activation (timm's `ConvNormAct`), in training: the stem and the head.
//!
//! ```text
//! c = conv(x, W)            y = f(norm(c))
//! dc from dy through f and the norm        dW from x and dc        dx from dc and W
//! ```
//!
//! The formulas of [`crate::conv2d`], [`crate::pointwise_conv`] and [`crate::batch_norm_train`]. What is gained by taking them
//! together: a block of c's statistics are taken, and a block of dc is made, where a product has it in the cache anyway.

use candle_core::{Result, Tensor};

use crate::activation::{Activation, cpu::Function};
use crate::batch_norm::check_eps;
use crate::batch_norm::cpu::{InputGradientTrain, forward as normalise, parameter_sums};
use crate::batch_norm::moments::Moments;
use crate::blocks::{self, Mapped, Source, Stored};
use crate::channels::Rows;
use crate::conv2d::cpu::Convolution;
use crate::dispatch::Level;
use crate::error::shape_error;
use crate::host;
use crate::many::Gradients;
use crate::matmul::Matrix;
use crate::normed::{ConvNormValues, Normed, gradients_of_layer};
use crate::sequence::{Passed, Step};
use crate::window::{Padding, Window};

const NAME: &str = "conv_norm_act";

/// A convolution without bias and the batch norm behind it.
#[derive(Debug, Clone, Copy)]
pub struct ConvNorm<'a> {
    /// PyTorch's: `[Cout, Cin, k, k]`, or depthwise `[C, 1, k, k]`.
    pub weight: &'a Tensor,
    /// `[Cout]`.
    pub norm_weight: &'a Tensor,
    /// `[Cout]`.
    pub norm_bias: &'a Tensor,
}

impl<'a> ConvNorm<'a> {
    pub(crate) fn in_order(&self) -> [&'a Tensor; 3] {
        [self.weight, self.norm_weight, self.norm_bias]
    }
}

/// A full or pointwise convolution, its norm and its activation.
#[derive(Debug, Clone, Copy)]
pub struct ConvNormAct<'a> {
    /// Weight `[Cout, Cin, k, k]`, k odd.
    pub conv: ConvNorm<'a>,
    /// Of the convolution.
    pub stride: usize,
    /// Of the convolution.
    pub padding: Padding,
    /// Of the batch norm.
    pub eps: f64,
    /// Behind the batch norm.
    pub activation: Activation,
}

impl ConvNormAct<'_> {
    /// Forward: x of shape `dims`, and `f` the activation.
    pub(crate) fn pass<F: Function + 'static>(
        &self,
        level: Level,
        x: &[f32],
        dims: &[usize],
        f: F,
    ) -> Result<Passed> {
        let conv = self.convolution(dims)?;
        let plan = Plan { conv, pointwise: self.is_pointwise(), f };
        let (y, normed) = host::read(NAME, self.conv.in_order(), |[weight, norm_weight, norm_bias]| {
            Ok(plan.forward(level, x, ConvNormValues { weight, norm_weight, norm_bias }, self.eps))
        })?;
        let Window { images, y: down, x: across } = conv.window;
        Ok(Passed {
            y,
            dims: [images, down.output, across.output, conv.output],
            statistics: vec![normed.statistics()?],
            step: Box::new(Kept { plan, normed }),
        })
    }

    fn is_pointwise(&self) -> bool {
        self.conv.weight.dims()[2..] == [1, 1] && self.stride == 1
    }

    fn convolution(&self, dims: &[usize]) -> Result<Convolution> {
        let [weight, norm_weight, norm_bias] = self.conv.in_order().map(Tensor::dims);
        let window = Window::new(NAME, dims, weight, self.stride, self.padding)?;
        let (input, output) = (dims[3], weight[0]);
        if weight[1] != input || output == 0 || norm_weight != [output] || norm_bias != [output] {
            let arguments =
                [("x", dims), ("weight", weight), ("norm_weight", norm_weight), ("norm_bias", norm_bias)];
            let expected = "x [N, H, W, Cin], weight [Cout, Cin, k, k], the norm's two vectors [Cout]";
            return Err(shape_error(NAME, &arguments, expected));
        }
        check_eps(NAME, self.eps)?;
        Ok(Convolution { window, input, output })
    }
}

#[derive(Clone, Copy)]
struct Plan<F> {
    conv: Convolution,
    pointwise: bool,
    f: F,
}

/// What the way back needs.
struct Kept<F> {
    plan: Plan<F>,
    normed: Normed,
}

impl<F: Function> Plan<F> {
    /// Of the result.
    fn shape(&self) -> Rows {
        Rows { groups: 1, rows: self.conv.pixels(), channels: self.conv.output }
    }

    fn forward(&self, level: Level, x: &[f32], values: ConvNormValues<'_>, eps: f64) -> (Vec<f32>, Normed) {
        let channels = self.conv.output;
        let moments = |c: &[f32]| Moments::of(level, c, channels);
        let convolved = if self.pointwise {
            let x = Stored { values: x, columns: self.conv.input };
            blocks::product(&x, Matrix::transposed(values.weight, channels), moments)
        } else {
            self.conv.forward_with(x, values.weight, moments)
        };
        let normed = Normed::new(convolved, eps);
        let y = normalise(level, self.shape(), &normed.c, &normed.channels(&values), self.f);
        (y, normed)
    }
}

impl<F: Function> Step for Kept<F> {
    fn backward(
        &self,
        level: Level,
        x: &[f32],
        parameters: &[&[f32]],
        dy: &[f32],
        wants_x: bool,
    ) -> Gradients {
        let (Plan { conv, f, .. }, shape) = (self.plan, self.plan.shape());
        let [weight, norm_weight, norm_bias] = std::array::from_fn(|i| parameters[i]);
        let norm = self.normed.channels(&ConvNormValues { weight, norm_weight, norm_bias });
        let sums = parameter_sums(level, shape, &self.normed.c, dy, &norm, f);
        let [constant, slope] = norm.through_statistics(&sums, shape.rows);
        let (inputs, scale) = ([&*self.normed.c, dy], norm.scale());
        let params = [norm.mean, &scale, norm.bias, &constant, &slope];
        let dc = Mapped { level, shape, inputs, params, map: InputGradientTrain(f) };
        let (dx, dw) = if self.plan.pointwise {
            blocks::backward(&dc, &Stored { values: x, columns: conv.input }, weight)
        } else {
            let dx = if wants_x { conv.input_gradient(&dc.whole(), weight) } else { vec![] };
            (dx, conv.weight_gradient(x, &dc))
        };
        Gradients { x: dx, parameters: gradients_of_layer(dw, &self.normed.inv_std, &sums).into() }
    }
}
