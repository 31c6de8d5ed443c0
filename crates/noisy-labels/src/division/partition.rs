//! Samples, divided.

use crate::mixture::{Degenerate, Mixture, NormalisedLosses};

/// Samples, divided by how probable it is that their label is clean.
#[derive(Clone, Debug, PartialEq)]
pub struct Division {
    /// The probability that each sample's label is clean, in `0..=1`. Where there is no mixture it is 1 for every sample, so
    /// that each label is believed.
    pub clean_probability: Vec<f64>,
    /// The samples whose probability is above the threshold, ascending: they keep their label. These are all samples where the
    /// division is degenerate.
    pub labeled: Vec<usize>,
    /// The other samples, ascending: their label is dropped. There are none where the division is degenerate.
    pub unlabeled: Vec<usize>,
    /// The mixture, in units of the normalised losses.
    pub mixture: Option<Mixture>,
    /// Why this epoch can only be trained plainly, on all given labels at full weight; `None` where the division is sound.
    ///
    /// With [`Degenerate::NoneAbove`] and [`Degenerate::AllAbove`] the mixture and its `clean_probability` are sound and
    /// kept, because they still rank the samples. They are not weights to train with.
    pub degenerate: Option<Degenerate>,
}

impl Division {
    /// The division by known probabilities: a sample is labeled where its probability is *above* `threshold`. (The paper writes
    /// "not below"; the authors' code compares with `>`, and so does this.)
    pub fn by_probability(clean_probability: Vec<f64>, threshold: f64) -> Self {
        let (labeled, unlabeled): (Vec<usize>, Vec<usize>) =
            (0..clean_probability.len()).partition(|&sample| clean_probability[sample] > threshold);
        let degenerate = if labeled.is_empty() {
            Some(Degenerate::NoneAbove { threshold })
        } else if unlabeled.is_empty() {
            Some(Degenerate::AllAbove { threshold })
        } else {
            None
        };
        let (labeled, unlabeled) = match degenerate {
            Some(_) => ((0..clean_probability.len()).collect(), Vec::new()),
            None => (labeled, unlabeled),
        };
        Self { clean_probability, labeled, unlabeled, mixture: None, degenerate }
    }

    /// This division of `samples` alone, as a division of all `total` samples: entry i of this one is about sample `samples[i]`. The
    /// other samples are neither labeled nor unlabeled, and their clean probability is 0.
    ///
    /// # Panics
    /// If `samples` is shorter than this division, or a sample is not below `total`.
    #[must_use]
    pub fn of_samples(self, samples: &[usize], total: usize) -> Self {
        let mut clean_probability = vec![0.0; total];
        samples
            .iter()
            .zip(&self.clean_probability)
            .for_each(|(&sample, &probability)| clean_probability[sample] = probability);
        let place = |entries: Vec<usize>| entries.into_iter().map(|entry| samples[entry]).collect();
        let degenerate = match self.degenerate {
            Some(Degenerate::NotFinite { count, total, first }) => {
                Some(Degenerate::NotFinite { count, total, first: samples[first] })
            }
            other => other,
        };
        Self {
            clean_probability,
            labeled: place(self.labeled),
            unlabeled: place(self.unlabeled),
            mixture: self.mixture,
            degenerate,
        }
    }

    /// The division by the posteriors of a mixture.
    pub(super) fn by_mixture(losses: &NormalisedLosses, mixture: Mixture, threshold: f64) -> Self {
        let clean = losses.as_slice().iter().map(|&loss| mixture.clean_probability(loss)).collect();
        Self { mixture: Some(mixture), ..Self::by_probability(clean, threshold) }
    }

    /// All samples labeled, and each label believed, because of `degenerate`.
    pub(super) fn plain(samples: usize, degenerate: Degenerate) -> Self {
        Self {
            clean_probability: vec![1.0; samples],
            labeled: (0..samples).collect(),
            unlabeled: Vec::new(),
            mixture: None,
            degenerate: Some(degenerate),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_at_the_threshold_is_unlabeled() {
        let division = Division::by_probability(vec![0.4, 0.5, 0.6], 0.5);
        assert_eq!((division.labeled, division.unlabeled), (vec![2], vec![0, 1]));
    }

    #[test]
    fn without_a_labeled_or_an_unlabeled_sample_all_are_labeled() {
        let none = Division::by_probability(vec![0.4, 0.5], 0.5);
        assert_eq!(none.degenerate, Some(Degenerate::NoneAbove { threshold: 0.5 }));
        let all = Division::by_probability(vec![0.4, 0.5], 0.3);
        assert_eq!(all.degenerate, Some(Degenerate::AllAbove { threshold: 0.3 }));
        for division in [none, all] {
            assert_eq!((division.labeled, division.unlabeled), (vec![0, 1], vec![]));
        }
    }

    #[test]
    fn a_division_of_some_samples_leaves_the_others_out() {
        let some = Division::by_probability(vec![0.9, 0.2, 0.7], 0.5).of_samples(&[1, 3, 4], 6);
        assert_eq!(some.clean_probability, [0.0, 0.9, 0.0, 0.2, 0.7, 0.0]);
        assert_eq!((some.labeled, some.unlabeled), (vec![1, 4], vec![3]));
        let reason = Degenerate::NotFinite { count: 1, total: 2, first: 1 };
        let plain = Division::plain(2, reason).of_samples(&[2, 5], 6);
        assert_eq!(plain.labeled, [2, 5]);
        assert_eq!(plain.degenerate, Some(Degenerate::NotFinite { count: 1, total: 2, first: 5 }));
    }
}
