//! Activations that can follow a batch norm.
//!
//! ```text
//! Identity   f(x) = x                    f'(x) = 1
//! Swish      f(x) = x sigmoid(x)         f'(x) = sigmoid(x) + x sigmoid'(x)
//! Relu6      f(x) = min(max(x, 0), 6)    f'(x) = 1 if 0 < x < 6, else 0
//! ```
//!
//! At its two corners ReLU6 has the derivative 0, as PyTorch's `hardtanh` has.

pub(crate) mod cpu;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};

use crate::dispatch::level;
use crate::{elementwise, host};
use cpu::{Backward, Forward, Function};

/// The activation after a batch norm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Activation {
    /// No activation, as after the projection of a block (MobileNetV2, arXiv 1801.04381, section 3.2).
    #[default]
    Identity,
    /// x sigmoid(x), also called SiLU: EfficientNet's (arXiv 1710.05941).
    Swish,
    /// min(max(x, 0), 6), the activation of the Lite members: its bounded range suits their quantised form.
    Relu6,
}

/// `$body` with the activation's [`Function`] under the name `$f`. The body is compiled for each activation.
macro_rules! with_function {
    ($activation:expr, |$f:ident| $body:expr) => {
        match $activation {
            $crate::Activation::Identity => {
                let $f = $crate::activation::cpu::Identity;
                $body
            }
            $crate::Activation::Swish => {
                let $f = $crate::activation::cpu::Swish { beta: 1.0 };
                $body
            }
            $crate::Activation::Relu6 => {
                let $f = $crate::activation::cpu::Relu6;
                $body
            }
        }
    };
}
pub(crate) use with_function;

/// f(x), elementwise.
///
/// # Shapes
/// Any shape, to the same shape.
///
/// # Errors
/// If `x` is on the CPU and not f32.
pub fn activate(x: &Tensor, activation: Activation) -> Result<Tensor> {
    if crate::by_candle::is_wanted(x) {
        return by_candle(x, activation);
    }
    match activation {
        Activation::Identity => Ok(x.clone()),
        Activation::Swish => apply(x, "swish", cpu::Swish { beta: 1.0 }),
        Activation::Relu6 => apply(x, "relu6", cpu::Relu6),
    }
}

/// As [`activate`], by candle's operations.
pub(crate) fn by_candle(x: &Tensor, activation: Activation) -> Result<Tensor> {
    match activation {
        Activation::Identity => Ok(x.clone()),
        Activation::Swish => x.silu(),
        Activation::Relu6 => {
            // candle's clamp has half a gradient at 0 and 6; the paper's frameworks have none there, nor have the kernels.
            let inside = (x.gt(0.0)? * x.lt(6.0)?)?;
            inside.where_cond(x, &x.detach().clamp(0.0, 6.0)?)
        }
    }
}

/// A function without learned parameters as an operation of candle's graph.
pub(crate) fn apply<F: Function + 'static>(x: &Tensor, name: &'static str, f: F) -> Result<Tensor> {
    x.contiguous()?.apply_op1(Activate { name, f })
}

struct Activate<F> {
    name: &'static str,
    f: F,
}

impl<F: Function> CustomOp1 for Activate<F> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = host::floats(self.name, x, layout)?;
        let y = elementwise::map(level(), [x], Forward(self.f));
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _y: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        let dx =
            host::read(self.name, [x, dy], |inputs| Ok(elementwise::map(level(), inputs, Backward(self.f))))?;
        host::tensor(dx, x.shape()).map(Some)
    }
}
