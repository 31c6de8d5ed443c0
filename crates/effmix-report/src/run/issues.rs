//! `label_issues.csv`: every image, worst first.

use super::open;
use super::smallest::Smallest;
use crate::{Error, Result};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// Rows in the page's table.
const TABLE_ROWS: usize = 50;

/// Held-out images have no more than this part of the pictures.
const HELD_OUT_PART: usize = 4;

/// A row. The numbers are 0..1; what is empty is `None`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct LabelIssue {
    pub(crate) rank: u64,
    pub(crate) path: String,
    pub(crate) given_label: String,
    /// `None` where no label is better, or nothing speaks for one.
    pub(crate) suggested_label: Option<String>,
    pub(crate) label_quality: Option<f64>,
    pub(crate) p_given: Option<f64>,
    pub(crate) p_suggested: Option<f64>,
    pub(crate) is_issue: Option<bool>,
    /// `None`, in files without such a column, is [`Set::Train`].
    set: Option<Set>,
    /// Paths of the same image, where it is there under another label, too.
    #[serde(skip)]
    pub(crate) same_image: Vec<String>,
}

/// What an image was used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Set {
    Train,
    Test,
}

impl LabelIssue {
    pub(crate) fn set(&self) -> Set {
        self.set.unwrap_or(Set::Train)
    }

    /// The suggested label where it is another than the given one.
    pub(crate) fn better_label(&self) -> Option<&str> {
        self.suggested_label.as_deref().filter(|suggested| *suggested != self.given_label)
    }

    pub(crate) fn looks_wrong(&self) -> bool {
        self.is_issue == Some(true)
    }

    /// Rows that look wrong first, each kind by rank.
    fn wrong_first(&self) -> (bool, u64) {
        (!self.looks_wrong(), self.rank)
    }
}

/// The rows that the page shows.
#[derive(Debug, Default)]
pub(crate) struct Issues {
    /// For the table: the lowest ranks.
    pub(crate) table: Vec<LabelIssue>,
    /// For pictures: training images, those that look wrong first.
    pub(crate) train: Vec<LabelIssue>,
    /// For pictures: held-out images that look wrong.
    pub(crate) held_out: Vec<LabelIssue>,
    /// Training images by given label and the other label that is suggested.
    pub(crate) changes: BTreeMap<(String, String), u64>,
}

/// The rows to be shown, with at most `images` of them as pictures; none where there is no such file. Without `claimed`, no row
/// looks wrong. `same` has the paths of the same images.
pub(super) fn read(
    path: &Path,
    images: usize,
    claimed: bool,
    same: &HashMap<String, Vec<String>>,
) -> Result<Issues> {
    let Some(file) = open(path)? else { return Ok(Issues::default()) };
    let mut table = Smallest::new(TABLE_ROWS);
    let mut train = Smallest::new(images);
    let mut held_out = Smallest::new(images / HELD_OUT_PART);
    let mut changes = BTreeMap::new();
    for row in csv::Reader::from_reader(file).into_deserialize() {
        let mut row: LabelIssue = row.map_err(|error| in_words(path, error))?;
        row.is_issue = row.is_issue.filter(|_| claimed);
        // Of copies under one label, quality says nothing.
        if let (Some(0.0), Some(same)) = (row.label_quality, same.get(&row.path)) {
            row.same_image.clone_from(same);
        }
        table.add(row.rank, || row.clone());
        if let (true, Set::Train, Some(better)) = (claimed, row.set(), row.better_label()) {
            *changes.entry((row.given_label.clone(), better.to_owned())).or_default() += 1;
        }
        match row.set() {
            Set::Train => train.add(row.wrong_first(), || row),
            Set::Test if row.looks_wrong() => held_out.add(row.wrong_first(), || row),
            Set::Test => {}
        }
    }
    let held_out = held_out.into_sorted();
    let mut train = train.into_sorted();
    train.truncate(images - held_out.len());
    Ok(Issues { table: table.into_sorted(), train, held_out, changes })
}

pub(super) fn in_words(path: &Path, error: csv::Error) -> Error {
    let line = error.position().map(csv::Position::line);
    match error.into_kind() {
        csv::ErrorKind::Io(source) => Error::read(path)(source),
        csv::ErrorKind::Deserialize { err, .. } => Error::content(path, line, err),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            Error::content(path, line, format!("{len} fields instead of {expected_len}"))
        }
        csv::ErrorKind::Utf8 { err, .. } => Error::content(path, line, err),
        _ => Error::content(path, line, "not a table as CSV"),
    }
}
