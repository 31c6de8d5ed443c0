//! Operations of one tensor and any number of parameters. candle's own operations take three arguments at most.
//!
//! candle sees an operation of two arguments: x, and a stand-in of one value that depends on all parameters. The backward
//! pass computes every gradient at once, returns the gradient of x, and leaves the others with the stand-in. candle calls the
//! stand-in's backward pass next, which hands the gradients to the parameters (or to [`backward()`](backward::backward), if
//! that runs). So parameters stay ordinary variables, each with a gradient of its own, and nothing is copied.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};

use crate::{backward, host};

/// The backward pass of an operation of x and its parameters, all f32 on the CPU.
pub(crate) trait Differentiable: Send + Sync + 'static {
    const NAME: &'static str;

    /// The gradients of x and of the parameters, from the arguments and the gradient of the result. The gradient of x may be
    /// empty if `wants_x` is false.
    fn backward(&self, x: &[f32], parameters: &[&[f32]], dy: &[f32], wants_x: bool) -> Gradients;
}

/// The gradients that a backward pass returns.
pub(crate) struct Gradients {
    pub(crate) x: Vec<f32>,
    /// One for each parameter, in their order.
    pub(crate) parameters: Vec<Vec<f32>>,
}

/// `y` as a tensor of candle's graph that depends on `x` and the parameters, of which it was computed. `x` is contiguous, and
/// there are at least two parameters.
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
    /// The result, until candle takes it.
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

#[cfg(test)]
mod tests {
    use candle_core::backprop::GradStore;
    use candle_core::{DType, Device, Var};

    use super::*;
    use crate::backward::backward;

    /// A constant whose gradients tell whether they were added to zeros: -0 + 0 is 0.
    struct NegativeZeros;

    impl Differentiable for NegativeZeros {
        const NAME: &'static str = "negative_zeros";

        fn backward(&self, x: &[f32], parameters: &[&[f32]], _dy: &[f32], _: bool) -> Gradients {
            let parameters = parameters.iter().map(|values| vec![-0.0; values.len()]).collect();
            Gradients { x: vec![-0.0; x.len()], parameters }
        }
    }

    #[test]
    fn gradients_of_parameters_stay_as_they_are() {
        let [x, a, b, c] = [4, 3, 2, 1].map(|n| Var::ones(n, DType::F32, &Device::Cpu).unwrap());
        let loss = apply(&x, &[&a, &b, &c], NegativeZeros, vec![0.0], 1).unwrap();
        let has_signs = |store: &GradStore| {
            [&x, &a, &b, &c].map(|var| {
                let gradient: Vec<f32> = store.get(var).unwrap().to_vec1().unwrap();
                gradient.iter().all(|g| g.is_sign_negative())
            })
        };
        assert_eq!(has_signs(&loss.backward().unwrap()), [false; 4]);
        assert_eq!(has_signs(&backward(&loss).unwrap()), [false, true, true, true]);
    }
}
