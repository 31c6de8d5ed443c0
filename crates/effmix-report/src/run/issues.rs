//! `label_issues.csv`: every training image, worst first.

use super::open;
use crate::{Error, Result};
use serde::Deserialize;
use std::path::Path;

/// How many rows the page shows. The rest is not read: the file has a row for every image.
const SHOWN: usize = 50;

/// A row. The numbers are 0..1.
#[derive(Debug, Deserialize)]
pub(crate) struct LabelIssue {
    pub(crate) rank: u64,
    pub(crate) path: String,
    pub(crate) given_label: String,
    pub(crate) suggested_label: String,
    pub(crate) label_quality: Option<f64>,
    pub(crate) p_clean: Option<f64>,
    pub(crate) p_given: Option<f64>,
    pub(crate) p_suggested: Option<f64>,
}

/// Empty where there is no such file.
pub(super) fn read(path: &Path) -> Result<Vec<LabelIssue>> {
    let Some(file) = open(path)? else { return Ok(Vec::new()) };
    let rows = csv::Reader::from_reader(file).into_deserialize().take(SHOWN);
    rows.map(|row| {
        row.map_err(|error: csv::Error| {
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
        })
    })
    .collect()
}
