//! Squeeze and excitation (Hu et al., arXiv 1709.01507): each image scales its channels.
//!
//! ```text
//! p = mean of x over H, W        a = swish(W1 p + b1)        g = sigmoid(W2 a + b2)        y = x g
//!
//! with s = (sum over H, W of dy x) sigmoid'(W2 a + b2),  t = (W2^T s) swish'(W1 p + b1):
//! dW2 = s a^T    db2 = s    dW1 = t p^T    db1 = t    dx = dy g + (W1^T t) / (H W)
//! ```
//!
//! One operation, not five, for the sake of dx: apart, the paths through the pool and the product
//! would each write a tensor of the size of x, and a third would take their sum.

pub(crate) mod cpu;

use candle_core::{Result, Tensor};

use crate::by_candle::{product, sigmoid};
use crate::channels::{Rows, column_sums};
use crate::dispatch::level;
use crate::error::shape_error;
use crate::host;
use crate::multi_input_op::{self, Differentiable, Gradients};
use cpu::{Gate, Layers};

const NAME: &str = "squeeze_excitation";

/// The parameters of a squeeze-and-excitation block, in PyTorch's layout.
#[derive(Debug, Clone, Copy)]
pub struct SqueezeExcitation<'a> {
    /// `[R, C, 1, 1]`.
    pub reduce_weight: &'a Tensor,
    /// `[R]`.
    pub reduce_bias: &'a Tensor,
    /// `[C, R, 1, 1]`.
    pub expand_weight: &'a Tensor,
    /// `[C]`.
    pub expand_bias: &'a Tensor,
}

/// Scales the channels of each image by a gate made from the image's means: a 1x1 convolution, swish,
/// a 1x1 convolution, sigmoid.
///
/// # Shapes
/// `x` [N, H, W, C], to the same.
///
/// # Errors
/// If the shapes do not fit, `x` has no pixels, or a tensor on the CPU is not f32.
pub fn squeeze_excitation(x: &Tensor, parameters: &SqueezeExcitation<'_>) -> Result<Tensor> {
    let SqueezeExcitation { reduce_weight, reduce_bias, expand_weight, expand_bias } = *parameters;
    if x.elem_count() == 0 || !matches!(x.dims(), &[_, _, _, c] if parameters.fits(c)) {
        let arguments = [
            ("x", x.dims()),
            ("reduce_weight", reduce_weight.dims()),
            ("reduce_bias", reduce_bias.dims()),
            ("expand_weight", expand_weight.dims()),
            ("expand_bias", expand_bias.dims()),
        ];
        let expected = "x [N, H, W, C] without a 0, [R, C, 1, 1], [R], [C, R, 1, 1], [C]";
        return Err(shape_error(NAME, &arguments, expected));
    }
    if crate::by_candle::is_wanted(x) {
        return by_candle(x, parameters);
    }
    let shape = Rows::by_image(x.dims());
    let parameters = parameters.in_order();
    let x = x.contiguous()?;
    let [a, b, c, d] = parameters;
    let (gate, y) = host::read(NAME, [&x, a, b, c, d], |[x, weights @ ..]| {
        let level = level();
        let gate = Gate::new(level, shape.rows, &column_sums(level, shape, x), Layers::new(weights));
        let y = cpu::scale(level, shape, x, &gate.gate);
        Ok((gate, y))
    })?;
    multi_input_op::apply(&x, &parameters, SqueezeExcite { shape, gate }, y, x.shape())
}

/// As [`squeeze_excitation`], for arguments that fit, by candle's operations.
pub(crate) fn by_candle(x: &Tensor, parameters: &SqueezeExcitation<'_>) -> Result<Tensor> {
    let SqueezeExcitation { reduce_weight, reduce_bias, expand_weight, expand_bias } = *parameters;
    let means = x.flatten(1, 2)?.mean(1)?;
    let few = product(&means, reduce_weight)?.broadcast_add(reduce_bias)?.silu()?;
    let gate = sigmoid(&product(&few, expand_weight)?.broadcast_add(expand_bias)?)?;
    x.broadcast_mul(&gate.unsqueeze(1)?.unsqueeze(1)?)
}

impl<'a> SqueezeExcitation<'a> {
    /// Whether the shapes are those of a gate on so many channels.
    pub(crate) fn fits(&self, channels: usize) -> bool {
        let r = self.reduce_bias.elem_count();
        r > 0
            && self.reduce_weight.dims() == [r, channels, 1, 1]
            && self.reduce_bias.dims() == [r]
            && self.expand_weight.dims() == [channels, r, 1, 1]
            && self.expand_bias.dims() == [channels]
    }

    pub(crate) fn in_order(&self) -> [&'a Tensor; 4] {
        [self.reduce_weight, self.reduce_bias, self.expand_weight, self.expand_bias]
    }
}

struct SqueezeExcite {
    shape: Rows,
    gate: Gate,
}

impl Differentiable for SqueezeExcite {
    const NAME: &'static str = NAME;

    fn backward(&self, x: &[f32], parameters: &[&[f32]], dy: &[f32], _: bool) -> Gradients {
        let (level, shape) = (level(), self.shape);
        let dgate = cpu::gate_gradient(level, shape, x, dy);
        let layers = Layers::new(std::array::from_fn(|i| parameters[i]));
        let gradients = self.gate.backward(level, shape.rows, &dgate, layers);
        Gradients {
            x: cpu::input_gradient(level, shape, dy, &self.gate.gate, &gradients.share),
            parameters: gradients.parameters.into(),
        }
    }
}
