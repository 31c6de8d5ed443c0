//! An epoch over all its samples alike: what every method but DivideMix shares.

use candle_core::Tensor;
use candle_nn::ops::softmax_last_dim;
use noisy_labels::losses::negative_entropy;

use crate::{Batch, Losses, NetworkEpoch, Objective, Result, SampleSet, ViewKind};

/// Trains a step on each batch of the epoch's samples, with `views` of each sample, and returns the mean losses. `objective` gets
/// the batch and its number, from 0.
///
/// # Errors
/// What `objective` returns; a sample that can't be read; [`crate::Error::Diverged`]; [`crate::Error::Stopped`].
pub fn supervised_epoch<'a>(
    pass: &mut NetworkEpoch<'a>,
    views: &[ViewKind],
    mut objective: impl FnMut(&mut NetworkEpoch<'a>, &Batch, usize) -> Result<Objective>,
) -> Result<Losses> {
    let batches = pass.shuffled(pass.samples(), SampleSet::All);
    pass.start(batches.len())?;
    for (number, batch) in pass.views(batches, views, SampleSet::All).enumerate() {
        let batch = batch?;
        let objective = objective(pass, &batch, number)?;
        pass.step(&objective, batch.samples.len())?;
    }
    Ok(pass.mean_losses())
}

/// Plain training: cross entropy of the given (or, after another run, the refined) labels.
pub(crate) fn cross_entropy_epoch(pass: &mut NetworkEpoch<'_>) -> Result<Losses> {
    penalised_epoch(pass, 0.0, ViewKind::Strong)
}

/// Plain training on views of this kind with a confidence penalty (Pereyra et al. 2017): loss = -y log p + penalty * p log p. A
/// penalty below 0 is entropy minimisation: it makes the network's predictions confident, whatever the label (Grandvalet &
/// Bengio 2004).
pub(crate) fn penalised_epoch(pass: &mut NetworkEpoch<'_>, penalty: f64, view: ViewKind) -> Result<Losses> {
    supervised_epoch(pass, &[view], |pass, batch, _| {
        let targets = pass.weigh_classes(&pass.labels(batch)?)?;
        let logits = pass.forward(&batch.views[0])?;
        Objective::new(pass.cross_entropy(&logits, &targets)?)
            .with_penalty(penalty, || Ok(negative_entropy(&logits)?))
    })
}

/// The softmax of logits `[B, C]` as a target: probabilities without gradient.
pub(crate) fn detached_softmax(logits: &Tensor) -> Result<Tensor> {
    Ok(softmax_last_dim(&logits.detach())?)
}
