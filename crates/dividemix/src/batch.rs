//! A batch of samples with views of them.

use std::sync::Arc;

use candle_core::Tensor;

use crate::{Result, Stream, View, ViewKind, ViewSource};

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

/// A batch: its samples and some views of all of them.
#[derive(Debug, Default)]
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

/// Makes batches of an epoch.
pub(crate) struct BatchMaker {
    pub(crate) source: Arc<dyn ViewSource>,
    /// The kinds of views that each sample gets.
    pub(crate) kinds: Vec<ViewKind>,
    /// The stream that seeds views.
    pub(crate) stream: Stream,
}

impl BatchMaker {
    /// The batches of a step, by its number from 0, one for each set.
    pub(crate) fn batches(&self, number: usize, sets: Vec<(SampleSet, Vec<usize>)>) -> Result<Vec<Batch>> {
        let wanted: Vec<(ViewKind, Vec<View>)> = sets
            .iter()
            .flat_map(|(set, samples)| {
                let stream = self.stream.at(*set as u64).at(number as u64);
                self.kinds.iter().enumerate().map(move |(m, kind)| {
                    let stream = stream.at(m as u64);
                    let view = |&sample| View { sample, seed: stream.at(sample as u64).key() };
                    (*kind, samples.iter().map(view).collect())
                })
            })
            .collect();
        let mut views = self.source.together(&wanted)?.into_iter();
        let batch = |(_, samples)| Batch { samples, views: views.by_ref().take(self.kinds.len()).collect() };
        Ok(sets.into_iter().map(batch).collect())
    }
}
