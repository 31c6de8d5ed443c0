//! The table of label issues: for every training image how sure its label is, and which one it should have.

use std::cmp::Ordering;
use std::path::Path;

use image_folder::Sample;
use noisy_labels::noise::LabelNoise;
use noisy_labels::quality::{ConfidentJoint, label_issues, suggested_label};
use serde::{Deserialize, Serialize};

use super::files::write_atomic;
use crate::{Error, Outcome, Result};

/// A row of `label_issues.csv`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelIssue {
    /// Place in the table, counted from 1: the worst label first.
    pub rank: usize,
    /// The image, relative to DATA.
    pub path: String,
    /// The label that it has.
    pub given_label: String,
    /// The class that the networks would give it.
    pub suggested_label: String,
    /// How good the label is, 0..1: low is bad.
    pub label_quality: f64,
    /// Probability that the label is clean, by the last division.
    pub p_clean: f64,
    /// Predicted probability of the given label.
    pub p_given: f32,
    /// Predicted probability of the suggested label.
    pub p_suggested: f32,
    /// Whether the label should be looked at.
    pub is_issue: bool,
}

/// What is known of the training images in the end, in the order of their paths.
pub(crate) struct Findings<'a> {
    pub(crate) samples: &'a [Sample],
    pub(crate) classes: &'a [String],
    pub(crate) outcome: &'a Outcome,
    /// How wrong labels are, by confident learning.
    pub(crate) noise: LabelNoise,
    /// The same by the last divisions.
    pub(crate) noise_by_division: LabelNoise,
    /// The class that the networks would give each sample.
    pub(crate) suggested: Vec<usize>,
    /// Whether each label should be looked at.
    pub(crate) issues: Vec<bool>,
}

impl<'a> Findings<'a> {
    pub(crate) fn new(samples: &'a [Sample], classes: &'a [String], outcome: &'a Outcome) -> Result<Self> {
        let given: Vec<usize> = samples.iter().map(|s| s.label).collect();
        let predicted = &outcome.mean_probabilities;
        let rows = predicted.chunks_exact(classes.len().max(1));
        let suggested: Vec<usize> = rows.zip(&given).map(|(row, &y)| suggested_label(row, y)).collect();
        let counts = ConfidentJoint::count(predicted, &given, classes.len())?;
        let noise = LabelNoise::by_confident_joint(&counts);
        let clean = &outcome.clean_probability;
        let noise_by_division = LabelNoise::by_division(clean, predicted, &given, classes.len())?;
        let issues = label_issues(&outcome.label_quality, &given, &suggested, counts.noise_rate())?;
        Ok(Self { samples, classes, outcome, noise, noise_by_division, suggested, issues })
    }

    /// Probabilities `[N, classes]` that the table is made from, and `pred_probs.npy` holds.
    pub(crate) fn predicted(&self) -> &[f32] {
        &self.outcome.mean_probabilities
    }

    fn row(&self, sample: usize) -> &[f32] {
        &self.predicted()[sample * self.classes.len()..][..self.classes.len()]
    }

    /// The table, worst label first; of equals, the first path first.
    pub(crate) fn table(&self) -> Vec<LabelIssue> {
        let quality = &self.outcome.label_quality;
        let mut order: Vec<usize> = (0..self.samples.len()).collect();
        order.sort_by(|&a, &b| match quality[a].total_cmp(&quality[b]) {
            Ordering::Equal => self.samples[a].path.cmp(&self.samples[b].path),
            unequal => unequal,
        });
        let row = |(place, sample): (usize, usize)| {
            let (given, suggested) = (self.samples[sample].label, self.suggested[sample]);
            LabelIssue {
                rank: place + 1,
                path: self.samples[sample].path.clone(),
                given_label: self.classes[given].clone(),
                suggested_label: self.classes[suggested].clone(),
                label_quality: quality[sample],
                p_clean: self.outcome.clean_probability[sample],
                p_given: self.row(sample)[given],
                p_suggested: self.row(sample)[suggested],
                is_issue: self.issues[sample],
            }
        };
        order.into_iter().enumerate().map(row).collect()
    }
}

/// Writes `label_issues.csv`.
pub(crate) fn write_issues(path: &Path, table: &[LabelIssue]) -> Result<()> {
    write_atomic(path, |out| {
        let mut csv = csv::Writer::from_writer(out);
        for row in table {
            csv.serialize(row).map_err(std::io::Error::other)?;
        }
        csv.flush()
    })
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
