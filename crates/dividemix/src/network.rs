//! What the loop asks of a network.

use candle_core::{Result, Tensor, Var};
use effnet_model::{Classifier, EfficientNet, Mode, ParameterStore};

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
    /// When the network can't be evaluated at all; what it returns, when a batch's shape isn't what the network takes.
    fn evaluator(&self) -> Result<Evaluator<'_>> {
        Ok(Box::new(|batch| self.forward_t(batch, Mode::Eval)))
    }

    /// What is trained, by name, always in the same order.
    fn parameters(&self) -> Vec<(String, Var)>;

    /// What moves without being trained (running statistics), by name, always in the same order.
    fn buffers(&self) -> Vec<(String, Var)>;
}

/// A network with the store that holds its parameters.
pub struct Trainable<N> {
    /// The network.
    pub network: N,
    /// Its parameters and running statistics.
    pub store: ParameterStore,
}

/// Both of the house's networks keep their parameters in a [`ParameterStore`].
macro_rules! trainable {
    ($network:ty) => {
        impl Network for Trainable<$network> {
            fn forward_t(&self, batch: &Tensor, mode: Mode) -> Result<Tensor> {
                self.network.forward_t(batch, mode)
            }

            fn evaluator(&self) -> Result<Evaluator<'_>> {
                let ready = self.network.evaluator()?;
                Ok(Box::new(move |batch| ready.logits(batch)))
            }

            fn parameters(&self) -> Vec<(String, Var)> {
                self.store.trainable()
            }

            fn buffers(&self) -> Vec<(String, Var)> {
                self.store.buffers()
            }
        }
    };
}

trainable!(EfficientNet);
trainable!(Classifier);
