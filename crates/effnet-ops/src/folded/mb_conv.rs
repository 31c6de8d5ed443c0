//! The inverted residual block in evaluation.

use candle_core::{Result, Tensor};

use super::by_candle::Block;
use super::parts::{FoldedParts, NAME};
use super::tiled_mb_conv::TiledMbConv;
use crate::by_candle;
use crate::error::shape_error;
use crate::window::{Padding, Window};

/// A block, ready for many images on the device of its weights.
#[derive(Debug, Clone)]
pub struct FoldedMbConv {
    form: Form,
    input: usize,
    kernel: usize,
    stride: usize,
    padding: Padding,
}

/// What computes the block.
#[derive(Debug, Clone)]
enum Form {
    Kernels(TiledMbConv),
    Candle(Block),
}

impl FoldedMbConv {
    /// The block in the form that the present [level](crate::dispatch::level) reads; on other devices, and in
    /// [`by_candle`](crate::by_candle()), in that of candle's operations.
    ///
    /// # Errors
    /// If the shapes do not fit, the stride is 0, or a tensor on the CPU is not f32.
    pub fn new(parts: FoldedParts<'_>) -> Result<Self> {
        let FoldedParts { expansion, depthwise, squeeze_excitation, projection, .. } = &parts;
        let (stride, padding) = (parts.stride, parts.padding);
        let [hidden, one, kernel, kernel_x] = depthwise.dims;
        let input = expansion.as_ref().map_or(hidden, |expansion| expansion.dims[1]);
        let output = projection.dims[0];
        let fits = expansion.as_ref().is_none_or(|conv| conv.dims == [hidden, input, 1, 1])
            && one == 1
            && kernel == kernel_x
            && kernel % 2 == 1
            && stride > 0
            && projection.dims == [output, hidden, 1, 1]
            && squeeze_excitation.as_ref().is_none_or(|gate| gate.fits(hidden))
            && !(parts.skip && (stride != 1 || input != output));
        if !fits {
            let arguments = [("depthwise", &depthwise.dims[..]), ("projection", &projection.dims[..])];
            let expected = "an expansion [H, C, 1, 1] or H = C, depthwise [H, 1, k, k] with k odd, a stride of 1 or more, a \
                            gate on H, a projection [O, H, 1, 1], and O = C with a stride of 1 where there is a skip";
            return Err(shape_error(NAME, &arguments, expected));
        }
        let form = match by_candle::is_wanted_on(&depthwise.device) {
            true => Form::Candle(Block::new(parts)?),
            false => Form::Kernels(TiledMbConv::new(&parts)?),
        };
        Ok(Self { form, input, kernel, stride, padding })
    }

    /// The block, with its skip where it has one; without a graph.
    ///
    /// # Shapes
    /// `x` [N, H, W, C], to [N, Ho, Wo, O] with the sizes that [`Padding`] says.
    ///
    /// # Errors
    /// If the shapes do not fit, `x` is on another device than the weights, or it is on the CPU and not f32.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let window = Window::over(NAME, x, self.kernel, self.stride, self.padding)?;
        if x.dims()[3] != self.input {
            let expected = "x [N, H, W, C] with the block's input width C";
            return Err(shape_error(NAME, &[("x", x.dims()), ("C", &[self.input])], expected));
        }
        match &self.form {
            Form::Kernels(block) => block.forward(window, x),
            Form::Candle(block) => block.forward(window, x),
        }
    }
}
