//! Algorithm 1, lines 4 and 5: each network's losses divide the samples for the other.

use noisy_labels::division::{Division, co_divide};
use noisy_labels::metrics::auc;

use crate::{Hyperparameters, TrainingSet};

/// Cross entropy of every sample's given label: -log softmax(logits)_y.
pub(crate) fn losses(logits: &[f32], labels: &[usize], classes: usize) -> Vec<f32> {
    logits
        .chunks(classes)
        .zip(labels)
        .map(|(row, &label)| {
            let top = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let sum: f32 = row.iter().map(|v| (v - top).exp()).sum();
            sum.ln() + top - row[label]
        })
        .collect()
}

/// The divisions for all networks: `W^(k)` comes from the losses under the *other* network.
/// A network that trains alone divides for itself.
pub(crate) fn co_divide_all(losses: &[Vec<f32>], hyper: &Hyperparameters) -> Vec<Division> {
    let networks = losses.len();
    (0..networks).map(|k| co_divide(&losses[(k + 1) % networks], &hyper.mixture, hyper.threshold)).collect()
}

/// AUC of the clean probability against the truth, where every sample's truth is known.
pub(crate) fn clean_auc(division: &Division, data: &TrainingSet) -> Option<f64> {
    let clean: Option<Vec<bool>> =
        data.truth.iter().zip(&data.labels).map(|(t, y)| t.map(|t| t == *y)).collect();
    auc(&division.clean_probability, &clean?)
}
