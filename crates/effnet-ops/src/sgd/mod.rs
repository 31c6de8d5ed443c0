//! The step of stochastic gradient descent with momentum and weight decay, in place.
//!
//! ```text
//! v <- momentum v + (g + weight_decay p)        p <- p - lr v
//! ```
//!
//! As `torch.optim.SGD` (PyTorch 2.x, dampening 0, no Nesterov): its first step, which sets v to the
//! gradient, is this with a v of zeros.

use candle_core::{CpuStorage, InplaceOp2, InplaceOp3, Layout, Result, Tensor, Var};

use crate::dispatch::level;
use crate::elementwise::{self, Map};
use crate::error::shape_error;
use crate::simd::Simd;
use crate::{Error, host};

const NAME: &str = "sgd_step";

/// The settings of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sgd {
    /// Learning rate.
    pub lr: f64,
    /// What is kept of the velocity.
    pub momentum: f64,
    /// L2 penalty, as a share of the parameter that is added to its gradient.
    pub weight_decay: f64,
}

/// Moves a parameter and its velocity by one step.
///
/// # Shapes
/// All three of one shape.
///
/// # Errors
/// If the shapes differ, or a tensor is not f32 on the CPU; nothing is changed then.
pub fn sgd_step(parameter: &Var, velocity: &Var, gradient: &Tensor, settings: &Sgd) -> Result<()> {
    if parameter.dims() != velocity.dims() || parameter.dims() != gradient.dims() {
        let arguments =
            [("parameter", parameter.dims()), ("velocity", velocity.dims()), ("gradient", gradient.dims())];
        return Err(shape_error(NAME, &arguments, "three equal shapes"));
    }
    let [momentum, decay] = [settings.momentum, settings.weight_decay].map(|value| value as f32);
    velocity.inplace_op3(&gradient.contiguous()?, parameter, &Velocity { momentum, decay })?;
    parameter.inplace_op2(velocity, &Move { lr: settings.lr as f32 })
}

/// v <- momentum v + (g + decay p).
#[derive(Clone, Copy)]
struct Velocity {
    momentum: f32,
    decay: f32,
}

impl Map<3> for Velocity {
    #[inline(always)]
    fn apply<S: Simd>(self, s: S, [v, g, p]: [S::F; 3]) -> S::F {
        let g = s.mul_add(p, s.splat(self.decay), g);
        s.mul_add(v, s.splat(self.momentum), g)
    }
}

impl InplaceOp3 for Velocity {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        v: &mut CpuStorage,
        v_layout: &Layout,
        g: &CpuStorage,
        g_layout: &Layout,
        p: &CpuStorage,
        p_layout: &Layout,
    ) -> Result<()> {
        let (g, p) = (host::floats(NAME, g, g_layout)?, host::floats(NAME, p, p_layout)?);
        elementwise::map_in_place(level(), floats_mut(v, v_layout)?, [g, p], *self);
        Ok(())
    }
}

/// p <- p - lr v.
#[derive(Clone, Copy)]
struct Move {
    lr: f32,
}

impl Map<2> for Move {
    #[inline(always)]
    fn apply<S: Simd>(self, s: S, [p, v]: [S::F; 2]) -> S::F {
        s.mul_add(v, s.splat(-self.lr), p)
    }
}

impl InplaceOp2 for Move {
    fn name(&self) -> &'static str {
        NAME
    }

    fn cpu_fwd(
        &self,
        p: &mut CpuStorage,
        p_layout: &Layout,
        v: &CpuStorage,
        v_layout: &Layout,
    ) -> Result<()> {
        let v = host::floats(NAME, v, v_layout)?;
        elementwise::map_in_place(level(), floats_mut(p, p_layout)?, [v], *self);
        Ok(())
    }
}

fn floats_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&mut values[start..end]),
        _ => Err(Error::Storage { op: NAME, got: "another type, or a view with strides".to_owned() }.into()),
    }
}
