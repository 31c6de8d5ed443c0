//! A batch of samples with views of them.

use candle_core::Tensor;

use crate::Result;

/// The samples that a batch is drawn from. Each set has random streams of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleSet {
    /// All samples of the epoch.
    All,
    /// The labeled samples of a division.
    Labeled,
    /// The unlabeled samples of a division.
    Unlabeled,
}

/// A kind of random view of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViewKind {
    /// An augmented view.
    Weak,
    /// A view to train on: a strong one with [`crate::Hyperparameters::strong_views`], else an augmented one.
    Strong,
}

/// A batch: its samples and some views of all of them.
#[derive(Debug)]
pub struct Batch {
    /// The samples' indices in the training set.
    pub samples: Vec<usize>,
    /// A tensor `[B, ...]` for each kind of view that was asked for.
    pub views: Vec<Tensor>,
}

impl Batch {
    /// The tensor on the device of the batch's views and in their type.
    ///
    /// # Errors
    /// candle's, where the tensor can't be copied or converted.
    pub fn match_views(&self, tensor: &Tensor) -> Result<Tensor> {
        let Some(view) = self.views.first() else { return Ok(tensor.clone()) };
        Ok(tensor.to_device(view.device())?.to_dtype(view.dtype())?)
    }
}
