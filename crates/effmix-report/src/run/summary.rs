//! `summary.json`: the figures of a run. Its times and its use of memory are left out, as they differ from run to run.

use super::open;
use crate::{Error, Result};
use serde::Deserialize;
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
    pub(crate) estimated_noise_rate: Option<f64>,
    pub(crate) images: Option<u64>,
    pub(crate) classes: Option<u64>,
    pub(crate) issues: Option<u64>,
    pub(crate) clean_auc: Option<f64>,
    pub(crate) issue_precision: Option<f64>,
    pub(crate) issue_recall: Option<f64>,
    pub(crate) issue_f1: Option<f64>,
    /// Images by given label (row) and suggested label (column).
    pub(crate) confusion_given_suggested: Option<Vec<Vec<u64>>>,
    pub(crate) skipped_files: Option<Vec<SkippedFile>>,
}

/// A file that took no part.
#[derive(Debug, Deserialize)]
pub(crate) struct SkippedFile {
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) reason: String,
}

/// `None` where there is no such file: the run has not come to its end.
pub(super) fn read(path: &Path) -> Result<Option<Summary>> {
    let Some(file) = open(path)? else { return Ok(None) };
    let summary = serde_json::from_reader(file);
    summary.map(Some).map_err(|error| match error.is_io() {
        true => Error::read(path)(error.into()),
        false => Error::content(path, Some(error.line() as u64), error),
    })
}
