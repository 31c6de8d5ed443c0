//! The networks that the loop trains.

use candle_core::{Device, Result, Tensor, Var};

use crate::Mode;

/// From a batch `[B, ...]` to its logits `[B, classes]`, in evaluation.
pub type Evaluator<'a> = Box<dyn Fn(&Tensor) -> Result<Tensor> + Send + Sync + 'a>;

/// A classifier that can be trained: an EfficientNet, a head on cached features, or anybody's own candle model.
pub trait Network: Send + Sync {
    /// Logits `[B, classes]` of a batch `[B, ...]`.
    ///
    /// In [`Mode::Eval`] and [`Mode::TrainNoGrad`] no graph should be kept; in both training modes batch statistics
    /// are used, and running statistics move.
    ///
    /// # Errors
    /// When the batch's shape isn't what the network takes.
    fn forward_t(&self, batch: &Tensor, mode: Mode) -> Result<Tensor>;

    /// The network as it is now, for many batches of evaluation.
    ///
    /// # Errors
    /// When the network can't be evaluated at all. The evaluator itself fails when a batch's shape isn't what the network takes.
    fn evaluator(&self) -> Result<Evaluator<'_>> {
        Ok(Box::new(|batch| self.forward_t(batch, Mode::Eval)))
    }

    /// The trained variables by name, always in the same order.
    fn parameters(&self) -> Vec<(String, Var)>;

    /// The variables that change without being trained (running statistics) by name, always in the same order.
    fn buffers(&self) -> Vec<(String, Var)>;

    /// The device that it computes on: by default that of its first parameter, or the CPU where it has none.
    fn device(&self) -> Device {
        self.parameters().first().map_or(Device::Cpu, |(_, var)| var.device().clone())
    }

    /// Names of the parameters that make up the classifier: the last layers, which turn features into logits. All other
    /// parameters are the backbone's. The default is an empty list, for a network without this distinction:
    /// [`crate::Hyperparameters::backbone_lr`] is refused for it.
    fn classifier_parameters(&self) -> Vec<String> {
        Vec::new()
    }
}

/// All variables that make a network what it is: parameters, then running statistics.
pub(crate) fn variables(network: &dyn Network) -> Vec<(String, Var)> {
    [network.parameters(), network.buffers()].concat()
}
