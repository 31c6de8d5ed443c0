//! `summary.json`: a run in numbers.

use std::path::Path;

use dividemix::memory::peak_rss_bytes;
use noisy_labels::metrics;
use noisy_labels::noise::{EstimationError, LabelNoise};
use serde::{Deserialize, Serialize};

use super::data_issues::DuplicateCounts;
use super::evidence::Began;
use super::findings::{Findings, Judged};
use super::matrices::{for_summary, transition_for_summary};
use super::provenance::Provenance;
use super::record::Timing;
use super::skipped::SkippedFile;
use super::test_copy::TestCopy;
use crate::data::Sets;
use crate::files::{read_to_string, write_atomic};
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

/// How wrong the labels are, as a run estimates it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoiseEstimate {
    /// The share of labels that are wrong.
    pub rate: f64,
    /// The probability of each given label (column) for each true class (row), in the order of the classes; null for a
    /// class that no image seems to be of. Above 100 classes it is null, and in `transition_confident.npy` and
    /// `transition_division.npy`, with NaN for null.
    pub transition: Option<Vec<Option<Vec<f64>>>>,
    /// How far that is from the real noise; null where the truth is unknown.
    pub error: Option<EstimationError>,
}

impl NoiseEstimate {
    fn new(noise: &LabelNoise, real: Option<&LabelNoise>) -> Result<Self> {
        let error = real.map(|real| noise.error_against(real)).transpose()?;
        Ok(Self { rate: noise.rate(), transition: transition_for_summary(&noise.transition()), error })
    }
}

/// A run's estimates of the noise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoiseEstimates {
    /// By confident learning (`noisy_labels::quality::ConfidentJoint`): more than are wrong where images are difficult.
    pub confident: NoiseEstimate,
    /// By the last divisions (`noisy_labels::noise::LabelNoise::by_division`); null above 4,000 classes.
    pub division: Option<NoiseEstimate>,
    /// The real share of wrong labels; null where the truth is unknown.
    pub real_rate: Option<f64>,
}

/// The figures of a run. What can't be known is null.
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
    /// Estimated share of training labels that are wrong (`noisy_labels::evidence`).
    pub estimated_noise_rate: Option<f64>,
    /// Lower end of a range that holds it in nine cases of ten.
    #[serde(default)]
    pub estimated_noise_rate_low: Option<f64>,
    /// Its upper end.
    #[serde(default)]
    pub estimated_noise_rate_high: Option<f64>,
    /// Why no estimate of the labels is given, and what to do. The estimates, issues and suggestions are then null or empty.
    #[serde(default)]
    pub withheld: Option<String>,
    /// How wrong the labels are by two other estimates, with the errors where the truth is known; null where no estimate is given of the
    /// labels and the truth is unknown.
    #[serde(default)]
    pub noise_estimates: Option<NoiseEstimates>,
    /// Training labels that should be checked by a person.
    pub issues: Option<usize>,
    /// Labels of held-out images that should be checked.
    #[serde(default)]
    pub test_issues: Option<usize>,
    /// Held-out images.
    #[serde(default)]
    pub test_images: usize,
    /// Training images.
    pub images: usize,
    /// Classes.
    pub classes: usize,
    /// Epochs done.
    pub epochs: usize,
    /// AUC of `label_quality` for the true state of the labels.
    pub clean_auc: Option<f64>,
    /// AUC of `p_clean`, the clean probability of the last division, for the same.
    #[serde(default)]
    pub division_auc: Option<f64>,
    /// Average precision of finding wrong labels by low `label_quality`.
    pub issue_average_precision: Option<f64>,
    /// Precision of `is_issue`.
    pub issue_precision: Option<f64>,
    /// Recall of `is_issue`.
    pub issue_recall: Option<f64>,
    /// F1 of `is_issue`.
    pub issue_f1: Option<f64>,
    /// Training images by given label (rows) and suggested label, or the given one where none is suggested (columns), in the order of
    /// the classes; null where there is no evidence. Above 100 classes it is null, and in `confusion_given_suggested.npy`.
    pub confusion_given_suggested: Option<Vec<Vec<usize>>>,
    /// Images and rows that took no part.
    pub skipped_files: Vec<SkippedFile>,
    /// Images that are there more than once.
    #[serde(default)]
    pub duplicates: DuplicateCounts,
    /// Held-out images that are training images as well; left out where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub test_copies: Vec<TestCopy>,
    /// Seconds that the run took, over all processes that worked on it.
    pub seconds: f64,
    /// Seconds that it was to take, by what was measured at its start.
    #[serde(default)]
    pub estimated_seconds: Option<f64>,
    /// Views trained on a second.
    pub images_per_s: Option<f64>,
    /// The most memory that this process had, in bytes.
    pub peak_rss_bytes: Option<u64>,
    /// What the run was made from; nothing in a summary of an older version.
    #[serde(flatten)]
    pub provenance: Option<Provenance>,
}

impl Summary {
    /// Gathers the figures. `began` is what the networks started from, `provenance` what the run was made from; `other_seconds` is the time outside of epochs.
    pub(super) fn new(
        findings: &Findings<'_>,
        sets: &Sets,
        (began, provenance): (Began, Provenance),
        plain_accuracy: Option<f64>,
        timing: &[Timing],
        other_seconds: f64,
        estimated_seconds: Option<f64>,
    ) -> Result<Self> {
        let (outcome, judged) = (findings.outcome, &findings.train);
        let n = judged.samples.len();
        // Known only where it is known of every sample: a part would measure another set.
        let wrong: Option<Vec<bool>> = judged.samples.iter().map(|s| Some(s.truth? != s.label)).collect();
        let found = wrong.as_ref().zip(judged.issues.as_ref());
        let found = found.and_then(|(wrong, issues)| metrics::precision_recall_f1(issues, wrong));
        let clean: Option<Vec<bool>> = wrong.as_ref().map(|wrong| wrong.iter().map(|wrong| !wrong).collect());
        let auc = |scores: &[f64]| clean.as_ref().and_then(|clean| metrics::auc(scores, clean));
        let badness: Vec<f64> = judged.quality.iter().map(|quality| 1.0 - quality).collect();
        let real = findings.real_noise.as_ref();
        let epoch_seconds: f64 = timing.iter().map(|t| t.seconds).sum();
        let views: f64 = timing.iter().map(|t| t.seconds * t.train_images_per_s).sum();
        let skipped = sets.skipped.iter().cloned();
        let range = judged.range.ok();
        // With features, all training images are predicted out of sample.
        let images = sets.samples.len() + sets.test_samples.len();
        let split = (sets.test_is_split_off && sets.features.is_none()).then_some(images);
        let estimates = || {
            Ok::<NoiseEstimates, Error>(NoiseEstimates {
                confident: NoiseEstimate::new(&findings.noise, real)?,
                division: findings
                    .noise_by_division
                    .as_ref()
                    .map(|noise| NoiseEstimate::new(noise, real))
                    .transpose()?,
                real_rate: real.map(LabelNoise::rate),
            })
        };
        Ok(Self {
            test_accuracy_best: outcome.best_accuracy(),
            test_accuracy_last: outcome.last_accuracy(),
            test_labels: sets.test.as_ref().map(|_| match sets.test_is_true {
                true => TestLabels::Truth,
                false => TestLabels::Given,
            }),
            plain_accuracy,
            estimated_noise_rate: range.map(|range| range.rate),
            estimated_noise_rate_low: range.map(|range| range.low),
            estimated_noise_rate_high: range.map(|range| range.high),
            withheld: judged.range.err().map(|withheld| withheld.in_words(began, split)),
            noise_estimates: findings.estimates_noise().then(estimates).transpose()?,
            issues: judged.count(),
            test_issues: findings.test.as_ref().and_then(Judged::count),
            test_images: findings.test.as_ref().map_or(0, |test| test.samples.len()),
            images: n,
            classes: findings.classes.len(),
            epochs: outcome.records.last().map_or(0, |record| record.epoch),
            clean_auc: auc(&judged.quality),
            division_auc: auc(&outcome.clean_probability),
            issue_average_precision: wrong
                .as_ref()
                .and_then(|wrong| metrics::average_precision(&badness, wrong)),
            issue_precision: found.and_then(|found| found.precision),
            issue_recall: found.and_then(|found| found.recall),
            issue_f1: found.and_then(|found| found.f1),
            confusion_given_suggested: range.and_then(|_| for_summary(&findings.confusion)),
            skipped_files: skipped.map(|s| SkippedFile { path: s.path, reason: s.reason }).collect(),
            duplicates: DuplicateCounts::of(sets),
            test_copies: TestCopy::all(sets).collect(),
            seconds: epoch_seconds + other_seconds,
            estimated_seconds,
            images_per_s: (epoch_seconds > 0.0).then(|| views / epoch_seconds),
            peak_rss_bytes: peak_rss_bytes(),
            provenance: Some(provenance),
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
