//! Algorithm 1, lines 4 and 5: each network's losses divide the samples for the other.

use noisy_labels::ClassTable;
use noisy_labels::division::{Divider, Division, SampleLosses};
use noisy_labels::metrics::auc;
use noisy_labels::noise::LabelNoise;
use noisy_labels::quality::ConfidentJoint;

use crate::{Ablation, Hyperparameters, Result, TrainingSet};

/// The divisions for all networks: `W^(k)` comes from the losses under the *other* network, of the `samples` that k is to be trained on.
/// A network that trains alone divides for itself.
pub(crate) fn co_divide(
    losses: &[SampleLosses<'_>],
    samples: &[Vec<usize>],
    data: &TrainingSet,
    hyper: &Hyperparameters,
) -> Result<Vec<Division>> {
    let divider = divider(hyper);
    let divide = |(network, samples): (usize, &Vec<usize>)| {
        let losses = losses[source(network, losses.len(), hyper)];
        Ok(keep_sure(divider.divide_samples(samples, losses, &data.labels, data.classes)?, data))
    };
    samples.iter().enumerate().map(divide).collect()
}

/// A division that keeps every sample of it whose label is sure, with a clean probability of 1.
pub(crate) fn keep_sure(division: Division, data: &TrainingSet) -> Division {
    if data.sure.is_none() {
        return division;
    }
    let Division { mut clean_probability, mut labeled, unlabeled, .. } = division;
    let (sure, unlabeled) = unlabeled.into_iter().partition::<Vec<usize>, _>(|&sample| data.is_sure(sample));
    labeled.extend(sure);
    labeled.sort_unstable();
    for &sample in labeled.iter().filter(|&&sample| data.is_sure(sample)) {
        clean_probability[sample] = 1.0;
    }
    Division { clean_probability, labeled, unlabeled, ..division }
}

/// The divider of these hyperparameters.
pub(crate) fn divider(hyper: &Hyperparameters) -> Divider {
    Divider { mixture: hyper.mixture, threshold: hyper.threshold, scope: hyper.division }
}

/// The network whose losses divide the samples of network `k` of `networks`: the other one, but with that ablation itself.
pub(crate) fn source(k: usize, networks: usize, hyper: &Hyperparameters) -> usize {
    let other = usize::from(hyper.ablation != Some(Ablation::OtherDivision));
    (k + other) % networks
}

/// The share of its samples that a division keeps as labeled.
pub(crate) fn kept(division: &Division) -> f64 {
    let (labeled, unlabeled) = (division.labeled.len(), division.unlabeled.len());
    labeled as f64 / (labeled + unlabeled) as f64
}

/// Probability `[classes, classes]` of each given label (column) for each true class (row), estimated from a network's logits of the samples:
/// confident learning (Northcutt, Jiang & Chuang 2021). A class that no sample is taken to be of counts as one without noise.
pub(crate) fn estimated_transition(logits: &ClassTable, data: &TrainingSet) -> Result<Vec<f32>> {
    let counts = ConfidentJoint::count(&logits.softmax(), &data.labels)?;
    let rows = LabelNoise::by_confident_joint(&counts).transition();
    let mut matrix = vec![0.0; data.classes * data.classes];
    for (class, full) in matrix.chunks_exact_mut(data.classes.max(1)).enumerate() {
        match rows.row(class) {
            [] => full[class] = 1.0,
            row => row.iter().for_each(|&(given, p)| full[given] = p as f32),
        }
    }
    Ok(matrix)
}

/// AUC of the clean probability of `samples` against the truth, where it is known of every one.
pub(crate) fn division_auc(division: &Division, samples: &[usize], data: &TrainingSet) -> Option<f64> {
    let clean: Option<Vec<bool>> = samples.iter().map(|&sample| data.is_clean(sample)).collect();
    let probability: Vec<f64> = samples.iter().map(|&sample| division.clean_probability[sample]).collect();
    auc(&probability, &clean?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use candle_core::Tensor;
    use noisy_labels::mixture::Degenerate;

    use super::*;
    use crate::{DivisionScope, View, ViewSource};

    /// Nothing to see, and all labels right.
    fn training_set(labels: Vec<usize>) -> TrainingSet {
        let truth = labels.iter().copied().map(Some).collect();
        TrainingSet {
            views: Arc::new(Unseen(labels.len())),
            labels,
            truth,
            sure: None,
            classes: 2,
            teacher: None,
        }
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
            let losses: Vec<SampleLosses<'_>> =
                losses.iter().map(|losses| SampleLosses::Epoch(losses)).collect();
            let divisions = co_divide(&losses, &samples, &data, &hyper).unwrap();
            for (division, samples) in divisions.iter().zip(&samples) {
                let wrong: Vec<usize> = samples.iter().copied().filter(|i| i % 3 == 0).collect();
                assert_eq!(division.unlabeled, wrong);
                assert_eq!(division.labeled.len(), samples.len() - wrong.len());
                assert_eq!(kept(division), division.labeled.len() as f64 / samples.len() as f64);
                assert!((0..n).all(|i| samples.contains(&i) || division.clean_probability[i] == 0.0));
                assert_eq!(division_auc(division, samples, &data), None, "all labels are right");
            }
        }
    }

    #[test]
    fn what_is_sure_is_kept_by_every_division() {
        let n = 200;
        let sure = (0..n).map(|i| i % 4 == 0).collect();
        let data = TrainingSet { sure: Some(sure), ..training_set((0..n).map(|i| i % 2).collect()) };
        let samples = [(0..100).collect::<Vec<usize>>(), (50..170).collect()];
        let losses = two_heaps(n);
        let hyper = Hyperparameters::default();
        let divisions = co_divide(&[SampleLosses::Epoch(&losses); 2], &samples, &data, &hyper).unwrap();
        for (division, samples) in divisions.iter().zip(&samples) {
            let wrong: Vec<usize> = samples.iter().copied().filter(|i| i % 3 == 0 && i % 4 != 0).collect();
            assert_eq!(division.unlabeled, wrong);
            assert!(division.labeled.is_sorted());
            assert_eq!(division.labeled.len() + wrong.len(), samples.len());
            let certain =
                samples.iter().filter(|i| *i % 4 == 0).all(|i| division.clean_probability[*i] == 1.0);
            assert!(certain && (0..n).all(|i| samples.contains(&i) || division.clean_probability[i] == 0.0));
        }
    }

    #[test]
    fn what_is_no_number_is_named_by_its_sample() {
        let data = training_set(vec![0; 40]);
        let mut losses = two_heaps(40);
        losses[30] = f32::NAN;
        let samples = vec![(20..40).collect::<Vec<usize>>()];
        let losses = [SampleLosses::Epoch(&losses)];
        let divisions = co_divide(&losses, &samples, &data, &Hyperparameters::default()).unwrap();
        assert_eq!(divisions[0].degenerate, Some(Degenerate::NotFinite { count: 1, total: 20, first: 30 }));
        assert_eq!(divisions[0].labeled, samples[0]);
    }
}
