//! candle's backward pass, without zeros for the parameters of operations with many.
//!
//! candle makes a tensor of zeros for each argument of an operation and adds its gradient to them: for a network's
//! parameters, four passes over all of them in each training step. An operation of [`many`](crate::many) computes the
//! gradients of its parameters whole, so while [`backward`] runs it leaves them here instead, and they go into candle's store
//! as they are. Only those of variables: candle asks for no gradient of a variable, but for one of every computed tensor.
//!
//! Which operations leave theirs is decided by the nodes that lead to the loss. So a backward pass of another loss that
//! comes to run inside this one (in an operation that computes its activations anew, or in a job of the thread pool that this
//! thread helps with while it waits) keeps its own gradients, whether it is candle's or this one.

use std::cell::RefCell;
use std::collections::HashSet;

use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor, TensorId};

/// The gradients of `loss`, as of [`Tensor::backward`]: of the same variables, with the same bits, but that a zero may have
/// the other sign, and that where one variable has gradients from operations of both kinds, candle's sum comes first and the
/// others are added to it in their order.
///
/// # Errors
/// As of [`Tensor::backward`].
pub fn backward(loss: &Tensor) -> Result<GradStore> {
    let nodes = loss.sorted_nodes().into_iter().map(Tensor::id).collect();
    let collector = Installed::new(nodes);
    let mut store = loss.backward()?;
    for (parameter, gradient) in collector.finish() {
        let gradient = match store.remove(&parameter) {
            Some(sum) => (sum + gradient)?,
            None => gradient,
        };
        store.insert(&parameter, gradient);
    }
    Ok(store)
}

/// Takes the gradient that the operation `node` found for `parameter`, if a pass of [`backward`] over `node` runs on this
/// thread and the parameter is a variable; else gives it back.
pub(crate) fn collect(node: &Tensor, parameter: &Tensor, gradient: Tensor) -> Option<Tensor> {
    COLLECTOR.with_borrow_mut(|collector| match collector {
        Some(collector) if parameter.is_variable() && collector.nodes.contains(&node.id()) => {
            collector.gradients.push((parameter.clone(), gradient));
            None
        }
        _ => Some(gradient),
    })
}

thread_local! {
    static COLLECTOR: RefCell<Option<Collector>> = const { RefCell::new(None) };
}

struct Collector {
    /// Those of the pass.
    nodes: HashSet<TensorId>,
    /// In the order in which they were found.
    gradients: Vec<(Tensor, Tensor)>,
}

/// This thread's collector, until it is dropped: the one before it is then put back.
struct Installed {
    before: Option<Collector>,
}

impl Installed {
    fn new(nodes: HashSet<TensorId>) -> Self {
        Self { before: COLLECTOR.replace(Some(Collector { nodes, gradients: vec![] })) }
    }

    /// What was collected.
    fn finish(self) -> Vec<(Tensor, Tensor)> {
        COLLECTOR.take().map_or_else(Vec::new, |collector| collector.gradients)
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        COLLECTOR.set(self.before.take());
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device, Var};

    use super::*;
    use crate::many::{self, Differentiable, Gradients};

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
        let loss = many::apply(&x, &[&a, &b, &c], NegativeZeros, vec![0.0], 1).unwrap();
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
