//! `summary.json`: the figures of a run. Its times and its use of memory are left out, as they differ from run to run.

use super::open;
use crate::{Error, Result};
use serde::{Deserialize, Deserializer};
use std::path::Path;

/// `None` is unknown: no test set, no true labels.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Summary {
    pub(crate) test_accuracy_last: Option<f64>,
    pub(crate) test_accuracy_best: Option<f64>,
    /// `truth` or `given`: what the test accuracy is measured against.
    pub(crate) test_labels: Option<String>,
    /// Plain training beside it, where the program made one.
    pub(crate) plain_accuracy: Option<f64>,
    /// Share of wrong labels, with the ends of its 90 % interval.
    pub(crate) estimated_noise_rate: Option<f64>,
    pub(crate) estimated_noise_rate_low: Option<f64>,
    pub(crate) estimated_noise_rate_high: Option<f64>,
    /// Training images.
    pub(crate) images: Option<u64>,
    pub(crate) classes: Option<u64>,
    /// Training images whose labels look wrong.
    pub(crate) issues: Option<u64>,
    /// Held-out images, and how many of their labels look wrong.
    pub(crate) test_images: Option<u64>,
    pub(crate) test_issues: Option<u64>,
    /// Why nothing is claimed about the labels, and what to do. Empty where something is.
    #[serde(deserialize_with = "paragraphs")]
    pub(crate) withheld: Vec<String>,
    /// AUC of the labels' quality for the true state of the labels, and of the last division's clean probability.
    pub(crate) clean_auc: Option<f64>,
    pub(crate) division_auc: Option<f64>,
    pub(crate) issue_precision: Option<f64>,
    pub(crate) issue_recall: Option<f64>,
    pub(crate) issue_f1: Option<f64>,
    /// Images by given label (row) and suggested label (column).
    pub(crate) confusion_given_suggested: Option<Vec<Vec<u64>>>,
    pub(crate) skipped_files: Option<Vec<SkippedFile>>,
}

impl Summary {
    /// Whether the run says which labels look wrong.
    pub(crate) fn claims(&self) -> bool {
        self.withheld.is_empty()
    }
}

/// Sentences in one string or in several; null is no sentence.
fn paragraphs<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Sentences {
        One(String),
        Several(Vec<String>),
    }
    let mut sentences = match Option::deserialize(deserializer)? {
        None => Vec::new(),
        Some(Sentences::One(text)) => vec![text],
        Some(Sentences::Several(texts)) => texts,
    };
    sentences.retain(|text| !text.trim().is_empty());
    Ok(sentences)
}

/// A file that took no part.
#[derive(Debug, Deserialize)]
pub(crate) struct SkippedFile {
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) reason: String,
}

/// The figures that the caller gives, else those of the file. `None` where there are neither: the run has not come to its end.
pub(super) fn read(path: &Path, given: Option<&serde_json::Value>) -> Result<Option<Summary>> {
    if let Some(given) = given {
        return Summary::deserialize(given).map(Some).map_err(|error| Error::content(path, None, error));
    }
    let Some(file) = open(path)? else { return Ok(None) };
    let summary = serde_json::from_reader(file);
    summary.map(Some).map_err(|error| match error.is_io() {
        true => Error::read(path)(error.into()),
        false => Error::content(path, Some(error.line() as u64), error),
    })
}
