//! Algorithm 1, lines 4 and 5: each network's losses divide the samples for the other.

use noisy_labels::division::{
    Division, co_divide, co_divide_by_class, divide_normalised, divide_normalised_by_class,
};
use noisy_labels::metrics::auc;
use noisy_labels::noise::LabelNoise;
use noisy_labels::quality::ConfidentJoint;

use crate::evaluate::softmax_rows;
use crate::{Ablation, DivisionScope, Hyperparameters, Result, TrainingSet};

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
pub(crate) fn co_divide_all(
    losses: &[Vec<f32>],
    data: &TrainingSet,
    hyper: &Hyperparameters,
) -> Result<Vec<Division>> {
    let (settings, threshold) = (&hyper.mixture, hyper.threshold);
    let divide = |losses: &Vec<f32>| match hyper.division {
        DivisionScope::All => Ok(co_divide(losses, settings, threshold)),
        DivisionScope::ByClass => {
            Ok(co_divide_by_class(losses, &data.labels, data.classes, settings, threshold)?)
        }
    };
    by_whom(losses, hyper).map(divide).collect()
}

/// [`co_divide_all`] by normalised losses that are averages over epochs.
pub(crate) fn co_divide_averages(
    losses: &[Vec<f64>],
    data: &TrainingSet,
    hyper: &Hyperparameters,
) -> Result<Vec<Division>> {
    let (settings, threshold) = (&hyper.mixture, hyper.threshold);
    let divide = |losses: &Vec<f64>| match hyper.division {
        DivisionScope::All => Ok(divide_normalised(losses, settings, threshold)),
        DivisionScope::ByClass => {
            Ok(divide_normalised_by_class(losses, &data.labels, data.classes, settings, threshold)?)
        }
    };
    by_whom(losses, hyper).map(divide).collect()
}

/// The losses by which each network's samples are divided.
fn by_whom<'a, T>(losses: &'a [Vec<T>], hyper: &Hyperparameters) -> impl Iterator<Item = &'a Vec<T>> {
    let other = usize::from(hyper.ablation != Some(Ablation::OtherDivision));
    (0..losses.len()).map(move |k| &losses[(k + other) % losses.len()])
}

/// Probability `[classes, classes]` of each given label (column) for each true class (row), by what a network says of the samples:
/// confident learning (Northcutt, Jiang & Chuang 2021). A class that no sample is taken to be of counts as one without noise.
pub(crate) fn estimated_transition(logits: &[f32], data: &TrainingSet) -> Result<Vec<f32>> {
    let probabilities = softmax_rows(logits, data.classes);
    let counts = ConfidentJoint::count(&probabilities, &data.labels, data.classes)?;
    let rows = LabelNoise::by_confident_joint(&counts).transition();
    let row = |(class, row): (usize, Option<Vec<f64>>)| match row {
        Some(row) => row.into_iter().map(|p| p as f32).collect::<Vec<f32>>(),
        None => (0..data.classes).map(|given| f32::from(u8::from(given == class))).collect(),
    };
    Ok(rows.into_iter().enumerate().flat_map(row).collect())
}

/// AUC of the clean probability against the truth, where every sample's truth is known.
pub(crate) fn clean_auc(division: &Division, data: &TrainingSet) -> Option<f64> {
    let clean: Option<Vec<bool>> =
        data.truth.iter().zip(&data.labels).map(|(t, y)| t.map(|t| t == *y)).collect();
    auc(&division.clean_probability, &clean?)
}
