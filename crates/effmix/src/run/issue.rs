//! `label_issues.csv`: a row for every judged image.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::files::write_csv;
use crate::{Error, Result};

/// Which images of a run a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum ImageSet {
    /// Those that were trained on.
    #[default]
    Train,
    /// Those held out.
    Test,
}

/// A row of `label_issues.csv`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelIssue {
    /// Place in the table, counted from 1: the worst label first.
    pub rank: usize,
    /// The image, relative to DATA.
    pub path: String,
    /// The label that it has.
    pub given_label: String,
    /// The class that the networks would give it; empty where that is the given one, or there is no evidence.
    pub suggested_label: String,
    /// How good the label is, 0..1: low is bad.
    pub label_quality: f64,
    /// Probability that the label is clean, by the last division; nothing for held-out images, which are not divided.
    pub p_clean: Option<f64>,
    /// Predicted probability of the given label.
    pub p_given: f32,
    /// Predicted probability of the suggested label; nothing where there is none.
    pub p_suggested: Option<f32>,
    /// Whether the label should be checked by a person; `None` where there is no evidence, unless the same image has another label, too.
    pub is_issue: Option<bool>,
    /// Whether the image was trained on or held out.
    #[serde(default)]
    pub set: ImageSet,
}

impl LabelIssue {
    /// The class that the networks give the image: the suggested one, or the given one where there is none.
    pub(crate) fn predicted_label(&self) -> &str {
        if self.suggested_label.is_empty() { &self.given_label } else { &self.suggested_label }
    }
}

/// The rows about images that were trained on.
pub(crate) fn training_rows(table: Vec<LabelIssue>) -> Vec<LabelIssue> {
    table.into_iter().filter(|row| row.set == ImageSet::Train).collect()
}

/// Writes `label_issues.csv`.
pub(crate) fn write_issues(path: &Path, table: &[LabelIssue]) -> Result<()> {
    write_csv(path, table.iter())
}

/// Reads a `label_issues.csv`.
///
/// # Errors
/// Names the file, and the line where there is one.
pub fn read_issues(path: &Path) -> Result<Vec<LabelIssue>> {
    let wrong = |e: csv::Error| Error::Format { path: path.to_owned(), problem: e.to_string() };
    let mut csv = csv::Reader::from_path(path).map_err(wrong)?;
    csv.deserialize().collect::<std::result::Result<_, _>>().map_err(wrong)
}
