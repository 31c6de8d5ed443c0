//! Operations of one tensor and many parameters. candle's own take three arguments at most.
//!
//! An operation sees two arguments: x, and a stand-in of one value that depends on all parameters. Its backward pass
//! computes every gradient at once, returns that of x, and leaves the others with the stand-in, whose own backward pass
//! candle calls next, and which hands them to the parameters (or leaves them with [`backward()`](backward::backward), where
//! that asks for them). So they stay ordinary variables, each with a gradient of its own, and nothing is copied together.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};

use crate::{backward, host};

/// The backward pass of an operation of x and its parameters, all f32 on the CPU.
pub(crate) trait Differentiable: Send + Sync + 'static {
    const NAME: &'static str;

    /// The gradients, from the arguments and that of the result; that of x may be left empty unless it is wanted.
    fn backward(&self, x: &[f32], parameters: &[&[f32]], dy: &[f32], wants_x: bool) -> Gradients;
}

/// What a backward pass found.
pub(crate) struct Gradients {
    pub(crate) x: Vec<f32>,
    /// One for each parameter, in their order.
    pub(crate) parameters: Vec<Vec<f32>>,
}

/// `y`, which was computed from contiguous `x` and two parameters or more, as their differentiable function.
pub(crate) fn apply<D: Differentiable>(
    x: &Tensor,
    parameters: &[&Tensor],
    op: D,
    y: Vec<f32>,
    shape: impl Into<Shape>,
) -> Result<Tensor> {
    let stash: Stash = Arc::new(Mutex::new(vec![None; parameters.len()]));
    let hand_over = |slots: [Option<usize>; 2]| HandOver { slots, stash: Arc::clone(&stash) };
    let mut stand_in = parameters[0].apply_op2(parameters[1], hand_over([Some(0), Some(1)]))?;
    for (i, parameter) in parameters.iter().enumerate().skip(2) {
        stand_in = stand_in.apply_op2(parameter, hand_over([None, Some(i)]))?;
    }
    let parameters = parameters.iter().map(|parameter| parameter.detach()).collect();
    let y = Mutex::new(Some(y));
    x.apply_op2(&stand_in, Operation { op, parameters, y, shape: shape.into(), stash })
}

/// Gradients of the parameters, on their way from the operation to the stand-ins.
type Stash = Arc<Mutex<Vec<Option<Tensor>>>>;

struct Operation<D> {
    op: D,
    parameters: Vec<Tensor>,
    /// Until candle takes it.
    y: Mutex<Option<Vec<f32>>>,
    shape: Shape,
    stash: Stash,
}

impl<D: Differentiable> CustomOp2 for Operation<D> {
    fn name(&self) -> &'static str {
        D::NAME
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        let y = lock(&self.y).take().unwrap_or_default();
        Ok((CpuStorage::F32(y), self.shape.clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        stand_in: &Tensor,
        _y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let parameters: Vec<&Tensor> = self.parameters.iter().collect();
        let found = host::read(D::NAME, [x, dy], |[values, dy]| {
            host::read_all(D::NAME, &parameters, |parameters| {
                Ok(self.op.backward(values, parameters, dy, x.track_op()))
            })
        })?;
        if stand_in.track_op() {
            for ((slot, values), like) in lock(&self.stash).iter_mut().zip(found.parameters).zip(parameters) {
                *slot = Some(host::tensor(values, like.shape())?);
            }
        }
        let dx = x.track_op().then(|| host::tensor(found.x, x.shape())).transpose()?;
        Ok((dx, stand_in.track_op().then(|| stand_in.zeros_like()).transpose()?))
    }
}

/// The stand-in: for two parameters, or for an earlier stand-in and one parameter more.
struct HandOver {
    /// Which parameter each argument is.
    slots: [Option<usize>; 2],
    stash: Stash,
}

impl CustomOp2 for HandOver {
    fn name(&self) -> &'static str {
        "parameters"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(vec![0.0]), Shape::from(1)))
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        y: &Tensor,
        _dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let mut stash = lock(&self.stash);
        let mut of = |argument: &Tensor, slot: Option<usize>| match slot {
            _ if !argument.track_op() => Ok(None),
            Some(slot) => {
                Ok(stash[slot].take().and_then(|gradient| backward::collect(y, argument, gradient)))
            }
            None => argument.zeros_like().map(Some),
        };
        Ok((of(a, self.slots[0])?, of(b, self.slots[1])?))
    }
}

/// A panic elsewhere leaves nothing half done here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
