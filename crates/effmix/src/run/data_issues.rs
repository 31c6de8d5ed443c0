//! `data_issues.csv`: what is wrong with images, beside their labels.

use std::path::Path;

use image_folder::{Duplicates, Same};
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::data::Sets;
use crate::files::write_atomic;

/// The name of the file in a run folder.
pub(crate) const DATA_ISSUES: &str = "data_issues.csv";

/// A row of `data_issues.csv`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataIssue {
    /// The image, relative to DATA.
    pub path: String,
    /// What is wrong.
    pub kind: DataIssueKind,
    /// More about it, a sentence or a few words.
    pub detail: String,
    /// The other image, where two are concerned, relative to DATA.
    pub other_path: String,
}

/// What is wrong with an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataIssueKind {
    /// It is there more than once.
    ExactDuplicate,
    /// It can't be decoded.
    Unreadable,
    /// It has no label, or one that can't be used; or a row of the labels has no image.
    Skipped,
    /// It was left without a look at its content.
    Left,
}

/// The numbers of images that are there more than once. Each image counts once, however often it is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DuplicateCounts {
    /// Images that are there more than once under one label.
    pub one_label: usize,
    /// Images that are there under two labels or more: at least one of them is wrong.
    pub two_labels: usize,
    /// Images that are both trained on and held out, whatever their labels are.
    pub train_and_test: usize,
}

impl DuplicateCounts {
    pub(super) fn of(sets: &Sets) -> Self {
        let training = sets.samples.len();
        let is_both = |group: &&Duplicates| {
            let held_out = |image: &usize| *image >= training;
            group.images.iter().any(held_out) && !group.images.iter().all(held_out)
        };
        let two_labels = sets.duplicates.iter().filter(|group| sets.is_under_two_labels(group)).count();
        Self {
            one_label: sets.duplicates.len() - two_labels,
            two_labels,
            train_and_test: sets.duplicates.iter().filter(is_both).count(),
        }
    }
}

/// All rows: duplicates, those under two labels first; then what is unreadable, skipped and left, each by path.
pub(super) fn data_issues(sets: &Sets, classes: &[String]) -> Vec<DataIssue> {
    let (two, one): (Vec<_>, Vec<_>) =
        sets.duplicates.iter().partition(|group| sets.is_under_two_labels(group));
    let mut rows: Vec<DataIssue> =
        two.into_iter().chain(one).flat_map(|group| rows_of(sets, classes, group)).collect();
    let row = |path: &str, kind, detail: &str| DataIssue {
        path: path.to_owned(),
        kind,
        detail: detail.to_owned(),
        other_path: String::new(),
    };
    let (unreadable, skipped): (Vec<_>, Vec<_>) =
        sets.skipped.iter().partition(|skipped| sets.unreadable.contains(&skipped.path));
    rows.extend(unreadable.iter().map(|file| row(&file.path, DataIssueKind::Unreadable, &file.reason)));
    rows.extend(skipped.iter().map(|file| row(&file.path, DataIssueKind::Skipped, &file.reason)));
    rows.extend(sets.left.iter().map(|left| row(&left.path, DataIssueKind::Left, &left.kind.in_words())));
    rows
}

/// A row for each image of a group but the first, which is the other image.
fn rows_of(sets: &Sets, classes: &[String], group: &Duplicates) -> Vec<DataIssue> {
    let Some((first, others)) = group.images.split_first() else { return Vec::new() };
    let (first, training) = (sets.image(*first), sets.samples.len());
    let same = match group.same {
        Same::Bytes => "the same bytes",
        Same::Pixels => "the same pixels",
    };
    let row = |index: &usize| {
        let image = sets.image(*index);
        let mut detail = same.to_owned();
        if image.label != first.label {
            detail += &format!(", labels {} and {}", classes[image.label], classes[first.label]);
        }
        if *index >= training && group.images[0] < training {
            detail += ", held out and trained on";
        }
        DataIssue {
            path: image.path.clone(),
            kind: DataIssueKind::ExactDuplicate,
            detail,
            other_path: first.path.clone(),
        }
    };
    others.iter().map(row).collect()
}

/// Writes `data_issues.csv`.
pub(super) fn write_data_issues(path: &Path, rows: &[DataIssue]) -> Result<()> {
    write_atomic(path, |out| {
        let mut csv = csv::WriterBuilder::new().has_headers(false).from_writer(out);
        csv.write_record(["path", "kind", "detail", "other_path"]).map_err(std::io::Error::other)?;
        for row in rows {
            csv.serialize(row).map_err(std::io::Error::other)?;
        }
        csv.flush()
    })
}
