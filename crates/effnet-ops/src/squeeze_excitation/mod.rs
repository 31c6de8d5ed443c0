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

mod cpu;

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};

use crate::channels::Rows;
use crate::dispatch::level;
use crate::error::shape_error;
use crate::host;
use cpu::{Gate, Layers, Wanted};

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
/// If the shapes do not fit, `x` has no pixels, or a tensor is not f32 on the CPU.
pub fn squeeze_excitation(x: &Tensor, parameters: &SqueezeExcitation<'_>) -> Result<Tensor> {
    let SqueezeExcitation { reduce_weight, reduce_bias, expand_weight, expand_bias } = *parameters;
    let r = reduce_bias.elem_count();
    let fits = |c: usize| {
        reduce_weight.dims() == [r, c, 1, 1]
            && reduce_bias.dims() == [r]
            && expand_weight.dims() == [c, r, 1, 1]
            && expand_bias.dims() == [c]
    };
    if r == 0 || x.elem_count() == 0 || !matches!(x.dims(), &[_, _, _, c] if fits(c)) {
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
    // candle's operations take three arguments, so weights and bias go as one.
    let reduce = Tensor::cat(&[&reduce_weight.flatten_all()?, reduce_bias], 0)?;
    let expand = Tensor::cat(&[&expand_weight.flatten_all()?, expand_bias], 0)?;
    let (shape, x) = (Rows::by_image(x.dims()), x.contiguous()?);
    let gate = host::read(NAME, [&x, &reduce, &expand], |[x, reduce, expand]| {
        Ok(Gate::new(level(), shape, x, Layers::new(reduce, expand, shape.channels, r)))
    })?;
    x.apply_op3(&reduce, &expand, SqueezeExcite { channels: shape.channels, reduced: r, gate })
}

struct SqueezeExcite {
    channels: usize,
    reduced: usize,
    gate: Gate,
}

impl CustomOp3 for SqueezeExcite {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let y = self.gate.scale(level(), host::floats(NAME, x, x_layout)?);
        Ok((CpuStorage::F32(y), x_layout.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        reduce: &Tensor,
        expand: &Tensor,
        _y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let wanted = Wanted { x: x.track_op(), reduce: reduce.track_op(), expand: expand.track_op() };
        let gradients = host::read(NAME, [x, reduce, expand, dy], |[x, reduce, expand, dy]| {
            let layers = Layers::new(reduce, expand, self.channels, self.reduced);
            Ok(self.gate.backward(level(), x, dy, layers, wanted))
        })?;
        let tensor = |values: Option<Vec<f32>>, like: &Tensor| {
            values.map(|values| host::tensor(values, like.shape())).transpose()
        };
        Ok((tensor(gradients.x, x)?, tensor(gradients.reduce, reduce)?, tensor(gradients.expand, expand)?))
    }
}
