//! What is trained on, and what accuracy is measured on.

use std::sync::Arc;

use crate::ViewSource;

/// Samples to train on, with labels that may be wrong.
pub struct TrainingSet {
    /// The samples' views.
    pub views: Arc<dyn ViewSource>,
    /// The given labels, below `classes`.
    pub labels: Vec<usize>,
    /// The true labels where they are known: for measuring, never for training.
    pub truth: Vec<Option<usize>>,
    /// Whether each sample's label is known to be right, as by a person's eye: every division keeps such a sample, and no method takes
    /// another label for it. `None` where nothing is known of any label.
    pub sure: Option<Vec<bool>>,
    /// Number of classes.
    pub classes: usize,
    /// A teacher's logits `[N, classes]` of the samples, for distillation.
    pub teacher: Option<Vec<f32>>,
}

impl TrainingSet {
    /// Whether a sample's label is known to be right.
    pub(crate) fn is_sure(&self, sample: usize) -> bool {
        self.sure.as_ref().is_some_and(|sure| sure[sample])
    }

    /// Whether a sample's label is right; `None` where that is not known.
    pub(crate) fn is_clean(&self, sample: usize) -> Option<bool> {
        self.truth[sample].map(|truth| truth == self.labels[sample])
    }
}

/// Samples to measure accuracy on.
pub struct TestSet {
    /// The samples' views.
    pub views: Arc<dyn ViewSource>,
    /// Their labels.
    pub labels: Vec<usize>,
}

impl TestSet {
    /// Why accuracy can't be measured on it, if it can't.
    pub(crate) fn problem(&self, classes: usize) -> Option<String> {
        let (samples, labels) = (self.views.len(), self.labels.len());
        if samples == 0 {
            return Some("the test set is empty; leave it out where there is none".into());
        }
        if labels != samples {
            return Some(format!("{samples} test samples have {labels} labels"));
        }
        let unknown = self.labels.iter().find(|label| **label >= classes)?;
        Some(format!("label {unknown} of a test sample is not below the {classes} classes"))
    }
}
