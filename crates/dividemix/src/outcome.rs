//! What a training run yields besides the networks.

use noisy_labels::ClassTable;

use crate::EpochRecord;

/// What is known of every sample, and of every epoch, in the end.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Probability that a sample's label is clean: mean of the last divisions'.
    pub clean_probability: Vec<f64>,
    /// Quality of each label in 0..1, low is bad: its margin gathered over epochs and networks.
    pub label_quality: Vec<f64>,
    /// Softmax of the networks' mean logits on plain views after the last epoch, `[N, classes]`.
    pub probabilities: Vec<f32>,
    /// Softmax averaged over epochs and networks, `[N, classes]`: steadier than the last epoch's alone.
    pub mean_probabilities: ClassTable,
    /// Losses of the given labels, the networks' mean, min-max normalised: what the mixture is fitted to.
    pub losses: Vec<f32>,
    /// All epochs, in order; those before a checkpoint included.
    pub records: Vec<EpochRecord>,
    /// Views trained on, and seconds taken by it, in this process.
    pub trained: (usize, f64),
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
