//! `summary.json`: a run in numbers.

use std::path::Path;

use noisy_labels::metrics;
use noisy_labels::noise::{EstimationError, LabelNoise};
use serde::{Deserialize, Serialize};

use super::data::Sets;
use super::files::{read_to_string, write_atomic};
use super::issues::Findings;
use super::record::Timing;
use crate::memory::peak_rss_bytes;
use crate::{Error, Result};

/// Which labels the test accuracy is measured against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TestLabels {
    /// The true ones.
    Truth,
    /// The given ones, which may be wrong.
    Given,
}

/// An image or row that takes no part, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedFile {
    /// Relative to DATA.
    pub path: String,
    /// Why.
    pub reason: String,
}

/// How wrong the labels are, as a run estimates it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoiseEstimate {
    /// The share of labels that are wrong.
    pub rate: f64,
    /// The probability of each given label (column) for each true class (row), in the order of the classes; null for a
    /// class that no image seems to be of.
    pub transition: Vec<Option<Vec<f64>>>,
    /// How far that is from the real noise; null where the truth is unknown.
    pub error: Option<EstimationError>,
}

impl NoiseEstimate {
    fn new(noise: &LabelNoise, real: Option<&LabelNoise>) -> Result<Self> {
        let error = real.map(|real| noise.error_against(real)).transpose()?;
        Ok(Self { rate: noise.rate(), transition: noise.transition(), error })
    }
}

/// A run's estimates of the noise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoiseEstimates {
    /// By confident learning (`noisy_labels::quality::ConfidentJoint`); its rate is `estimated_noise_rate`.
    pub confident: NoiseEstimate,
    /// By the last divisions (`noisy_labels::noise::LabelNoise::by_division`).
    pub division: NoiseEstimate,
    /// The real share of wrong labels; null where the truth is unknown.
    pub real_rate: Option<f64>,
}

/// A run in numbers; what can't be known is null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Best test accuracy of any epoch.
    pub test_accuracy_best: Option<f64>,
    /// Test accuracy after the last epoch.
    pub test_accuracy_last: Option<f64>,
    /// What the test accuracy is measured against.
    pub test_labels: Option<TestLabels>,
    /// Of the demo set: test accuracy of plain training, after as many epochs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plain_accuracy: Option<f64>,
    /// Estimated share of labels that are wrong, by confident learning (`noisy_labels::quality::ConfidentJoint`).
    pub estimated_noise_rate: f64,
    /// How wrong the labels are, estimated in two ways, with the errors where the truth is known.
    #[serde(default)]
    pub noise_estimates: Option<NoiseEstimates>,
    /// Labels that should be looked at.
    pub issues: usize,
    /// Training images.
    pub images: usize,
    /// Classes.
    pub classes: usize,
    /// Epochs done.
    pub epochs: usize,
    /// AUC of `label_quality` for the true state of the labels.
    pub clean_auc: Option<f64>,
    /// Average precision of finding wrong labels by low `label_quality`.
    pub issue_average_precision: Option<f64>,
    /// Precision of `is_issue`.
    pub issue_precision: Option<f64>,
    /// Recall of `is_issue`.
    pub issue_recall: Option<f64>,
    /// F1 of `is_issue`.
    pub issue_f1: Option<f64>,
    /// Training images by given label (rows) and suggested label (columns), in the order of the classes.
    pub confusion_given_suggested: Vec<Vec<usize>>,
    /// Images and rows that took no part.
    pub skipped_files: Vec<SkippedFile>,
    /// Seconds that the run took, over all processes that worked on it.
    pub seconds: f64,
    /// Seconds that it was to take, by what was measured at its start.
    #[serde(default)]
    pub estimated_seconds: Option<f64>,
    /// Views trained on a second.
    pub images_per_s: Option<f64>,
    /// The most memory that this process had, in bytes.
    pub peak_rss_bytes: Option<u64>,
}

impl Summary {
    /// Gathers the numbers. `other_seconds` is the time outside of epochs.
    pub(super) fn new(
        findings: &Findings<'_>,
        sets: &Sets,
        plain_accuracy: Option<f64>,
        timing: &[Timing],
        other_seconds: f64,
        estimated_seconds: Option<f64>,
    ) -> Result<Self> {
        let outcome = findings.outcome;
        let n = findings.samples.len();
        let issues = &findings.issues;
        // Known only where it is known of every sample: a part would measure another set.
        let wrong: Option<Vec<bool>> = findings.samples.iter().map(|s| Some(s.truth? != s.label)).collect();
        let found = wrong.as_ref().and_then(|wrong| metrics::precision_recall_f1(issues, wrong));
        let clean = |wrong: &Vec<bool>| wrong.iter().map(|wrong| !wrong).collect::<Vec<bool>>();
        let badness: Vec<f64> = outcome.label_quality.iter().map(|quality| 1.0 - quality).collect();
        let given: Vec<usize> = findings.samples.iter().map(|s| s.label).collect();
        let classes = findings.classes.len();
        let confusion = metrics::confusion(&given, &findings.suggested, classes)?;
        let truth: Option<Vec<usize>> = findings.samples.iter().map(|s| s.truth).collect();
        let real = truth.map(|truth| LabelNoise::measured(&given, &truth, classes)).transpose()?;
        let epoch_seconds: f64 = timing.iter().map(|t| t.seconds).sum();
        let views: f64 = timing.iter().map(|t| t.seconds * t.train_images_per_s).sum();
        let skipped = sets.skipped.iter().cloned();
        Ok(Self {
            test_accuracy_best: outcome.best_accuracy(),
            test_accuracy_last: outcome.last_accuracy(),
            test_labels: sets.test.as_ref().map(|_| match sets.test_is_true {
                true => TestLabels::Truth,
                false => TestLabels::Given,
            }),
            plain_accuracy,
            estimated_noise_rate: findings.noise.rate(),
            noise_estimates: Some(NoiseEstimates {
                confident: NoiseEstimate::new(&findings.noise, real.as_ref())?,
                division: NoiseEstimate::new(&findings.noise_by_division, real.as_ref())?,
                real_rate: real.as_ref().map(LabelNoise::rate),
            }),
            issues: issues.iter().filter(|issue| **issue).count(),
            images: n,
            classes,
            epochs: outcome.records.last().map_or(0, |record| record.epoch),
            clean_auc: wrong.as_ref().and_then(|wrong| metrics::auc(&outcome.label_quality, &clean(wrong))),
            issue_average_precision: wrong
                .as_ref()
                .and_then(|wrong| metrics::average_precision(&badness, wrong)),
            issue_precision: found.and_then(|found| found.precision),
            issue_recall: found.and_then(|found| found.recall),
            issue_f1: found.and_then(|found| found.f1),
            confusion_given_suggested: confusion,
            skipped_files: skipped.map(|s| SkippedFile { path: s.path, reason: s.reason }).collect(),
            seconds: epoch_seconds + other_seconds,
            estimated_seconds,
            images_per_s: (epoch_seconds > 0.0).then(|| views / epoch_seconds),
            peak_rss_bytes: peak_rss_bytes(),
        })
    }

    /// Reads a `summary.json`.
    ///
    /// # Errors
    /// The disk's, or a file that is none of ours.
    pub fn read(path: &Path) -> Result<Self> {
        let text = read_to_string(path)?;
        serde_json::from_str(&text)
            .map_err(|e| Error::Format { path: path.to_owned(), problem: e.to_string() })
    }

    /// Writes it.
    pub(super) fn write(&self, path: &Path) -> Result<()> {
        write_atomic(path, |out| {
            serde_json::to_writer_pretty(&mut *out, self)?;
            out.write_all(b"\n")
        })
    }
}
