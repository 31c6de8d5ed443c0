//! The result of a training besides the networks.

use noisy_labels::mixture::Mixture;

use noisy_labels::ClassTable;

use crate::EpochRecord;

/// What is known of every sample and of every epoch after training.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Probability that a sample's label is clean: mean of the last divisions'.
    pub clean_probability: Vec<f64>,
    /// Quality of each label in 0..1, low is bad: its margin gathered over epochs and networks.
    pub label_quality: Vec<f64>,
    /// Softmax of the networks' mean logits on plain views after the last epoch.
    pub probabilities: ClassTable,
    /// Softmax averaged over epochs and networks, `[N, classes]`: steadier than the last epoch's alone.
    pub mean_probabilities: ClassTable,
    /// Losses of the given labels, the networks' mean, min-max normalised. The mixtures are fitted to each network's own losses
    /// ([`FittedMixture::losses`]).
    pub losses: Vec<f32>,
    /// The mixture that was fitted to the losses under each network at the end, in the order of the networks. It divides the samples for the
    /// other network.
    pub mixtures: Vec<FittedMixture>,
    /// All epochs, in order; those before a checkpoint included.
    pub records: Vec<EpochRecord>,
    /// Views trained on, and seconds taken by it, in this process.
    pub trained: (usize, f64),
}

/// The mixture of the losses under a network, with these losses.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedMixture {
    /// The mixture; `None` where the fit failed.
    pub mixture: Option<Mixture>,
    /// The losses of all samples in the mixture's units: normalised, so that most lie in 0..=1. Empty where they can't be normalised.
    pub losses: Vec<f64>,
}

impl Outcome {
    /// The best test accuracy of any epoch.
    pub fn best_accuracy(&self) -> Option<f64> {
        self.records.iter().filter_map(|r| r.test_accuracy).reduce(f64::max)
    }

    /// The last epoch's test accuracy.
    pub fn last_accuracy(&self) -> Option<f64> {
        self.records.last().and_then(|r| r.test_accuracy)
    }
}
