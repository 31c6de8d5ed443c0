//! candle's backward pass, without zeros for the parameters of operations with many.
//!
//! candle makes a tensor of zeros for each argument of an operation and adds its gradient to them: for a network's
//! parameters, these are four passes over all of them in each training step. An operation of [`multi_input_op`](crate::multi_input_op) computes the
//! gradients of its parameters whole, so while [`backward`] runs, the operation leaves them here instead, and they go into
//! candle's store as they are. This holds for variables only: candle needs the gradients of computed tensors itself.
//!
//! An operation leaves its gradients here if its node leads to the loss. So a backward pass of another loss that runs inside
//! this one (in an operation that recomputes its activations, or in a job of the thread pool that this thread takes while it
//! waits) keeps its own gradients, whether it is candle's or this one.

use std::cell::RefCell;
use std::collections::HashSet;

use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor, TensorId};

/// The gradients of `loss`, for the variables that [`Tensor::backward`] has gradients for, and with the same bits, with two
/// exceptions: a zero may have the other sign; and where a variable has gradients from operations of both kinds, candle's sum
/// comes first and the others are added to it in their order.
///
/// # Errors
/// The errors of [`Tensor::backward`].
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
    /// The nodes that lead to the loss of this pass.
    nodes: HashSet<TensorId>,
    /// The gradients with their variables, in the order in which they were collected.
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

    /// The gradients that were collected.
    fn finish(self) -> Vec<(Tensor, Tensor)> {
        COLLECTOR.take().map_or_else(Vec::new, |collector| collector.gradients)
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        COLLECTOR.set(self.before.take());
    }
}
