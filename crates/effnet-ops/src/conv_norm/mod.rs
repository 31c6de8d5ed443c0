//! A convolution without bias, its batch norm and its activation (timm's `ConvNormAct`), in training: the stem and the head.
//!
//! ```text
//! c = conv(x, W)            y = f(norm(c))
//! dc from dy through f and the norm        dW from x and dc        dx from dc and W
//! ```
//!
//! The formulas are those of [`crate::conv2d`], [`crate::pointwise_conv`] and [`crate::batch_norm_train`]. One operation is
//! faster than three: the statistics of a block of c are taken, and a block of dc is computed, while a product has the block
//! in the cache anyway.

use candle_core::{Result, Tensor};

use crate::activation::{Activation, cpu::Function};
use crate::batch_norm::batch_norm_train;
use crate::batch_norm::context::{BatchNormContext, ConvNormValues, gradients_of_layer};
use crate::batch_norm::cpu::{InputGradientTrain, check_eps, forward as normalise, parameter_sums};
use crate::batch_norm::moments::Moments;
use crate::batch_norm::statistics::BatchStatistics;
use crate::by_candle;
use crate::channels::Rows;
use crate::conv2d::{self, cpu::Convolution};
use crate::dispatch::Level;
use crate::error::shape_error;
use crate::fused_matmul;
use crate::host;
use crate::layer::{LayerBackward, LayerOutput};
use crate::matmul::Matrix;
use crate::multi_input_op::Gradients;
use crate::row_source::{MappedRows, RowSource, StoredRows};
use crate::window::{Padding, Window};

const NAME: &str = "conv_norm_act";

/// The parameters of a convolution without bias and of the batch norm after it.
#[derive(Debug, Clone, Copy)]
pub struct ConvNorm<'a> {
    /// The convolution's weight in PyTorch's layout: `[Cout, Cin, k, k]`, or `[C, 1, k, k]` of a depthwise one.
    pub weight: &'a Tensor,
    /// The norm's weight (gamma), `[Cout]`.
    pub norm_weight: &'a Tensor,
    /// The norm's bias (beta), `[Cout]`.
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
    /// The parameters; the weight is `[Cout, Cin, k, k]` with k odd.
    pub conv: ConvNorm<'a>,
    /// Stride of the convolution, in pixels.
    pub stride: usize,
    /// Padding of the convolution.
    pub padding: Padding,
    /// What the batch norm adds to the variance; above 0.
    pub eps: f64,
    /// The activation after the batch norm.
    pub activation: Activation,
}

impl ConvNormAct<'_> {
    /// The forward pass for x of shape `dims`; `f` is the layer's activation.
    pub(crate) fn forward<F: Function + 'static>(
        &self,
        level: Level,
        x: &[f32],
        dims: &[usize],
        f: F,
    ) -> Result<LayerOutput> {
        let conv = self.convolution(dims)?;
        let kernel = ConvNormKernel { conv, pointwise: self.is_pointwise(), f };
        let (y, context) = host::read(NAME, self.conv.in_order(), |[weight, norm_weight, norm_bias]| {
            Ok(kernel.forward(level, x, ConvNormValues { weight, norm_weight, norm_bias }, self.eps))
        })?;
        let Window { images, y: down, x: across } = conv.window;
        Ok(LayerOutput {
            y,
            dims: [images, down.output, across.output, conv.output],
            statistics: vec![context.statistics()?],
            backward: Box::new(SavedForBackward { kernel, context }),
        })
    }

    /// The result of the layer, and the statistics of its batch norm.
    pub(crate) fn by_candle(&self, x: &Tensor) -> Result<(Tensor, BatchStatistics)> {
        let ConvNorm { weight, norm_weight, norm_bias } = self.conv;
        let window = self.convolution(x.dims())?.window;
        let c = match self.is_pointwise() {
            true => by_candle::product(x, weight)?,
            false => conv2d::by_candle::conv2d(x, weight, window)?,
        };
        batch_norm_train(&c, norm_weight, norm_bias, self.eps, self.activation)
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

/// Shapes and activation, without any values.
#[derive(Clone, Copy)]
struct ConvNormKernel<F> {
    conv: Convolution,
    pointwise: bool,
    f: F,
}

struct SavedForBackward<F> {
    kernel: ConvNormKernel<F>,
    context: BatchNormContext,
}

impl<F: Function> ConvNormKernel<F> {
    /// The shape of the result, all of it one group.
    fn shape(&self) -> Rows {
        Rows { groups: 1, rows: self.conv.pixels(), channels: self.conv.output }
    }

    fn forward(
        &self,
        level: Level,
        x: &[f32],
        values: ConvNormValues<'_>,
        eps: f64,
    ) -> (Vec<f32>, BatchNormContext) {
        let channels = self.conv.output;
        let moments = |c: &[f32]| Moments::of(level, c, channels);
        let convolved = if self.pointwise {
            let x = StoredRows { values: x, columns: self.conv.input };
            fused_matmul::product(&x, Matrix::transposed(values.weight, channels), &moments)
        } else {
            self.conv.forward_with(x, values.weight, &moments)
        };
        let context = BatchNormContext::new(convolved, eps);
        let y = normalise(level, self.shape(), &context.c, &context.channels(&values), self.f);
        (y, context)
    }
}

impl<F: Function> LayerBackward for SavedForBackward<F> {
    fn backward(
        &self,
        level: Level,
        x: &[f32],
        parameters: &[&[f32]],
        dy: &[f32],
        wants_x: bool,
    ) -> Gradients {
        let (ConvNormKernel { conv, pointwise, f }, shape) = (self.kernel, self.kernel.shape());
        let [weight, norm_weight, norm_bias] = std::array::from_fn(|i| parameters[i]);
        let norm = self.context.channels(&ConvNormValues { weight, norm_weight, norm_bias });
        let sums = parameter_sums(level, shape, &self.context.c, dy, &norm, f);
        let [constant, slope] = norm.through_statistics(&sums, shape.rows);
        let (inputs, scale) = ([&*self.context.c, dy], norm.scale());
        let params = [norm.mean, &scale, norm.bias, &constant, &slope];
        let dc = MappedRows { level, shape, inputs, params, map: InputGradientTrain(f) };
        let (dx, dw) = if pointwise {
            fused_matmul::backward(&dc, &StoredRows { values: x, columns: conv.input }, weight)
        } else {
            let dx = if wants_x { conv.input_gradient(&dc.whole(), weight) } else { vec![] };
            (dx, conv.weight_gradient(x, &dc))
        };
        Gradients { x: dx, parameters: gradients_of_layer(dw, &self.context.inv_std, &sums).into() }
    }
}
