//! The networks of effnet-model as the loop's.

use candle_core::{Result, Tensor, Var};
use effnet_model::{Classifier, EfficientNet, ParameterStore};

use crate::{Evaluator, Mode, Network};

/// A network with the store that holds its parameters.
pub struct Trainable<N> {
    /// The network.
    pub network: N,
    /// Its parameters and running statistics.
    pub store: ParameterStore,
}

/// A network of effnet-model, which keeps its parameters in a [`ParameterStore`], and which of these are the classifier's.
macro_rules! trainable {
    ($network:ty, $is_classifier:expr) => {
        impl Network for Trainable<$network> {
            fn forward_t(&self, batch: &Tensor, mode: Mode) -> Result<Tensor> {
                self.network.forward_t(batch, mode.into())
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

            fn classifier_parameters(&self) -> Vec<String> {
                let is_classifier: fn(&$network, &str) -> bool = $is_classifier;
                let names = self.store.trainable().into_iter().map(|(name, _)| name);
                names.filter(|name| is_classifier(&self.network, name)).collect()
            }
        }
    };
}

trainable!(EfficientNet, EfficientNet::is_classifier);
trainable!(Classifier, |_, _| true);
