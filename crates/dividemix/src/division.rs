//! Algorithm 1, lines 4 and 5: each network's losses divide the samples for the other.

use noisy_labels::division::{
    Division, co_divide, co_divide_by_class, divide_normalised, divide_normalised_by_class,
};
use noisy_labels::metrics::auc;
use noisy_labels::mixture::Degenerate;
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

/// The divisions for all networks: `W^(k)` comes from the losses under the *other* network, of the `samples` that k is to be trained on.
/// A network that trains alone divides for itself.
pub(crate) fn co_divide_all(
    losses: &[Vec<f32>],
    samples: &[Vec<usize>],
    data: &TrainingSet,
    hyper: &Hyperparameters,
) -> Result<Vec<Division>> {
    let (settings, threshold) = (&hyper.mixture, hyper.threshold);
    let divide = |losses: &[f32], labels: &[usize]| match hyper.division {
        DivisionScope::All => Ok(co_divide(losses, settings, threshold)),
        DivisionScope::ByClass => Ok(co_divide_by_class(losses, labels, data.classes, settings, threshold)?),
    };
    let losses_and_samples = by_whom(losses, hyper).zip(samples);
    losses_and_samples.map(|(losses, samples)| among(samples, losses, data, divide)).collect()
}

/// [`co_divide_all`] by normalised losses that are averages over epochs.
pub(crate) fn co_divide_averages(
    losses: &[Vec<f64>],
    samples: &[Vec<usize>],
    data: &TrainingSet,
    hyper: &Hyperparameters,
) -> Result<Vec<Division>> {
    let (settings, threshold) = (&hyper.mixture, hyper.threshold);
    let divide = |losses: &[f64], labels: &[usize]| match hyper.division {
        DivisionScope::All => Ok(divide_normalised(losses, settings, threshold)),
        DivisionScope::ByClass => {
            Ok(divide_normalised_by_class(losses, labels, data.classes, settings, threshold)?)
        }
    };
    let losses_and_samples = by_whom(losses, hyper).zip(samples);
    losses_and_samples.map(|(losses, samples)| among(samples, losses, data, divide)).collect()
}

/// What `divide` makes of the values and the given labels of `samples` alone, as a division of all samples: the others are in neither
/// set, and have 0 for a clean probability.
pub(crate) fn among<T: Copy>(
    samples: &[usize],
    values: &[T],
    data: &TrainingSet,
    divide: impl FnOnce(&[T], &[usize]) -> Result<Division>,
) -> Result<Division> {
    let mut division = divide(&at(samples, values), &at(samples, &data.labels))?;
    let mut clean_probability = vec![0.0; values.len()];
    samples.iter().zip(&division.clean_probability).for_each(|(&sample, &p)| clean_probability[sample] = p);
    if let Some(Degenerate::NotFinite { first, .. }) = &mut division.degenerate {
        *first = samples[*first];
    }
    let (labeled, unlabeled) = (at(&division.labeled, samples), at(&division.unlabeled, samples));
    Ok(Division { clean_probability, labeled, unlabeled, ..division })
}

/// The values at these places.
fn at<T: Copy>(places: &[usize], values: &[T]) -> Vec<T> {
    places.iter().map(|&place| values[place]).collect()
}

/// The share of its samples that a division keeps as labeled.
pub(crate) fn kept(division: &Division) -> f64 {
    let (labeled, unlabeled) = (division.labeled.len(), division.unlabeled.len());
    labeled as f64 / (labeled + unlabeled) as f64
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

/// AUC of the clean probability of `samples` against the truth, where it is known of every one.
pub(crate) fn clean_auc(division: &Division, samples: &[usize], data: &TrainingSet) -> Option<f64> {
    let is_clean = |&sample: &usize| data.truth[sample].map(|truth| truth == data.labels[sample]);
    let clean: Option<Vec<bool>> = samples.iter().map(is_clean).collect();
    auc(&at(samples, &division.clean_probability), &clean?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use candle_core::Tensor;

    use super::*;
    use crate::{View, ViewSource};

    /// Nothing to see, and all labels right.
    fn training_set(labels: Vec<usize>) -> TrainingSet {
        let truth = labels.iter().copied().map(Some).collect();
        TrainingSet { views: Arc::new(Unseen(labels.len())), labels, truth, classes: 2, teacher: None }
    }

    struct Unseen(usize);

    impl ViewSource for Unseen {
        fn len(&self) -> usize {
            self.0
        }

        fn plain(&self, _: &[usize]) -> Result<Tensor> {
            unreachable!("losses are divided, not images")
        }

        fn augmented(&self, _: &[View]) -> Result<Tensor> {
            unreachable!("losses are divided, not images")
        }
    }

    /// Two heaps of losses, whose wrong ones are every third sample's.
    fn two_heaps(n: usize) -> Vec<f32> {
        (0..n).map(|i| (i % 17) as f32 / 17.0 + if i % 3 == 0 { 3.0 } else { 0.0 }).collect()
    }

    #[test]
    fn only_what_is_drawn_is_divided_by_the_losses_of_the_other_network() {
        let n = 200;
        let data = training_set((0..n).map(|i| i % 2).collect());
        let samples = [(0..100).collect::<Vec<usize>>(), (50..170).collect()];
        // Each network's losses are finite for what the other one is trained on alone.
        let losses: Vec<Vec<f32>> = [&samples[1], &samples[0]]
            .map(|samples| {
                let mut losses = two_heaps(n);
                (0..n).filter(|i| !samples.contains(i)).for_each(|i| losses[i] = f32::NAN);
                losses
            })
            .to_vec();
        for division in [DivisionScope::All, DivisionScope::ByClass] {
            let hyper = Hyperparameters { division, ..Hyperparameters::default() };
            let divisions = co_divide_all(&losses, &samples, &data, &hyper).unwrap();
            for (division, samples) in divisions.iter().zip(&samples) {
                let wrong: Vec<usize> = samples.iter().copied().filter(|i| i % 3 == 0).collect();
                assert_eq!(division.unlabeled, wrong);
                assert_eq!(division.labeled.len(), samples.len() - wrong.len());
                assert_eq!(kept(division), division.labeled.len() as f64 / samples.len() as f64);
                assert!((0..n).all(|i| samples.contains(&i) || division.clean_probability[i] == 0.0));
                assert_eq!(clean_auc(division, samples, &data), None, "all labels are right");
            }
        }
    }

    #[test]
    fn what_is_no_number_is_named_by_its_sample() {
        let data = training_set(vec![0; 40]);
        let mut losses = two_heaps(40);
        losses[30] = f32::NAN;
        let samples = vec![(20..40).collect::<Vec<usize>>()];
        let divisions = co_divide_all(&[losses], &samples, &data, &Hyperparameters::default()).unwrap();
        assert_eq!(divisions[0].degenerate, Some(Degenerate::NotFinite { count: 1, total: 20, first: 30 }));
        assert_eq!(divisions[0].labeled, samples[0]);
    }
}
