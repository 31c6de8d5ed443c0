//! What a layer of a [sequence](crate::sequence_train) returns, and what it can do in the backward pass.

use crate::batch_norm::statistics::BatchStatistics;
use crate::dispatch::Level;
use crate::multi_input_op::Gradients;

/// The result of a layer's forward pass.
pub(crate) struct LayerOutput {
    pub(crate) y: Vec<f32>,
    pub(crate) dims: [usize; 4],
    /// The statistics of the layer's batch norms, in their order.
    pub(crate) statistics: Vec<BatchStatistics>,
    /// The backward pass, with the values that it needs.
    pub(crate) backward: Box<dyn LayerBackward>,
}

/// The backward pass of one layer, with the values that its forward pass saved.
pub(crate) trait LayerBackward: Send + Sync {
    /// The gradients of x and of the parameters, from the layer's arguments and the gradient of its result. The gradient of x
    /// may be empty if `wants_x` is false.
    fn backward(
        &self,
        level: Level,
        x: &[f32],
        parameters: &[&[f32]],
        dy: &[f32],
        wants_x: bool,
    ) -> Gradients;
}
