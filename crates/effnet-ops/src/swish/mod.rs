//! Swish with its slope (Ramachandran, Zoph and Le, "Searching for activation functions",
//! arXiv 1710.05941): fixed or learned.
//!
//! ```text
//! y = x s            with s = sigmoid(beta x)
//! dy/dx    = s + beta x s (1 - s)
//! dy/dbeta = x^2 s (1 - s), summed over all elements
//! ```
//!
//! beta = 0 gives x / 2, beta = 1 SiLU, and a growing beta ReLU.

mod cpu;

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};

use crate::activation::{self, cpu::Swish};
use crate::dispatch::level;
use crate::error::shape_error;
use crate::{Error, by_candle, host};

/// x sigmoid(beta x) with a constant beta.
///
/// # Shapes
/// Any shape, to the same shape.
///
/// # Errors
/// If `beta` is not finite or `x` is on the CPU and not f32.
pub fn swish(x: &Tensor, beta: f64) -> Result<Tensor> {
    if !beta.is_finite() {
        return Err(Error::Setting { op: "swish", setting: "beta", value: beta, range: "finite" }.into());
    }
    if by_candle::is_wanted(x) {
        return x * by_candle::sigmoid(&x.affine(beta, 0.0)?)?;
    }
    activation::apply(x, "swish", Swish { beta: beta as f32 })
}

/// x sigmoid(beta x) with one beta for all elements, which gets a gradient.
///
/// # Shapes
/// `x` of any shape, `beta` of one element (`[]` or `[1]`), to the shape of `x`.
///
/// # Errors
/// If `beta` has another number of elements, or a tensor on the CPU is not f32.
pub fn swish_learnable(x: &Tensor, beta: &Tensor) -> Result<Tensor> {
    if beta.elem_count() != 1 {
        return Err(shape_error(NAME, &[("x", x.dims()), ("beta", beta.dims())], "beta of one element"));
    }
    if by_candle::is_wanted(x) {
        return x * by_candle::sigmoid(&x.broadcast_mul(&beta.reshape(())?)?)?;
    }
    x.contiguous()?.apply_op2(&beta.contiguous()?, SwishLearnable)
}

const NAME: &str = "swish_learnable";

struct SwishLearnable;

impl CustomOp2 for SwishLearnable {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        beta: &CpuStorage,
        beta_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let x = host::floats(NAME, x, x_layout)?;
        let beta = host::floats(NAME, beta, beta_layout)?[0];
        let y = crate::elementwise::map(level(), [x], activation::cpu::Forward(Swish { beta }));
        Ok((CpuStorage::F32(y), x_layout.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        beta: &Tensor,
        _y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        host::read(NAME, [x, beta, dy], |[values, b, dy]| {
            let f = Swish { beta: b[0] };
            let dx = x
                .track_op()
                .then(|| crate::elementwise::map(level(), [values, dy], activation::cpu::Backward(f)))
                .map(|dx| host::tensor(dx, x.shape()))
                .transpose()?;
            let dbeta = beta
                .track_op()
                .then(|| cpu::beta_gradient(level(), x.dims(), values, dy, f))
                .map(|d| host::tensor(vec![d], beta.shape()))
                .transpose()?;
            Ok((dx, dbeta))
        })
    }
}
