//! A person's verdicts on labels: a CSV as `effmix review` writes it, or an export of Label Studio.

use std::fs;
use std::path::{Path, PathBuf};

use csv::ByteRecord;

use super::export;
use super::header::{Header, line_error, names, position};
use super::options::LabelsCsv;
use super::table::records;
use super::verdict::{Place, Verdict, error_at};
use crate::nearest::nearest;
use crate::{Error, Result, Skipped};

/// What a verdict can be: the suggestion is right, the given label is right, another one is, or nobody knows.
const VERDICTS: [&str; 4] = ["accept", "keep", "other", "unsure"];

/// The verdicts of a file, in its order.
#[derive(Debug)]
pub(super) struct Verdicts {
    pub(super) file: PathBuf,
    pub(super) all: Vec<Verdict>,
    /// The rows whose path can't be read.
    pub(super) skipped: Vec<Skipped>,
}

impl Verdicts {
    /// Reads a file of either kind, which its first letter shows: JSON begins with a bracket.
    pub(super) fn read(file: &Path) -> Result<Self> {
        let bytes = fs::read(file).map_err(|e| Error::io(file, "reading the verdicts", e))?;
        let first = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes).trim_ascii_start().first();
        if matches!(first, Some(b'[' | b'{')) {
            let all = export::verdicts(file, &bytes)?;
            return Ok(Self { file: file.to_owned(), all, skipped: Vec::new() });
        }
        let csv = LabelsCsv::new(file);
        let header = Header::read(&csv, &bytes)?;
        let names = names(&bytes[header.start..], header.separator);
        let columns = Columns {
            path: header.path,
            label: header.label,
            verdict: position(&names, "verdict"),
            given: position(&names, "given_label"),
        };
        let mut verdicts = Self { file: file.to_owned(), all: Vec::new(), skipped: Vec::new() };
        records(&csv, &header, &bytes, |line, record| {
            let label = columns.label(record).map_err(|problem| line_error(&csv, line, problem))?;
            let path = record.get(columns.path).unwrap_or_default();
            match std::str::from_utf8(path) {
                Ok(path) => {
                    let (place, path) = (Place::Line(line), path.trim().to_owned());
                    verdicts.all.push(Verdict { place, path, label });
                }
                Err(_) => verdicts.skipped.push(Skipped {
                    path: String::from_utf8_lossy(path).into_owned(),
                    reason: format!("line {line} of the verdicts: the path is not UTF-8"),
                }),
            }
            Ok(())
        })?;
        Ok(verdicts)
    }

    /// An error at a place of the file.
    pub(super) fn error(&self, place: Place, problem: String) -> Error {
        error_at(&self.file, place, problem)
    }
}

/// The columns of a CSV of verdicts. Without a column of verdicts every label is one that a person is sure of.
struct Columns {
    path: usize,
    label: usize,
    verdict: Option<usize>,
    given: Option<usize>,
}

impl Columns {
    /// The label that is right by this row; nothing where the person was not sure.
    fn label(&self, record: &ByteRecord) -> std::result::Result<Option<String>, String> {
        let text = |column: usize| -> std::result::Result<Option<String>, String> {
            let text = std::str::from_utf8(record.get(column).unwrap_or_default());
            let text = text.map_err(|_| "a label is not UTF-8: save the file as UTF-8".to_owned())?;
            Ok(Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned))
        };
        let label = text(self.label)?;
        let Some(verdict) = self.verdict else { return Ok(label) };
        let Some(verdict) = text(verdict)? else { return Ok(None) };
        let right = match verdict.to_lowercase().as_str() {
            "unsure" => return Ok(None),
            "keep" => self.given.map(text).transpose()?.flatten().or(label),
            "accept" | "other" => label,
            _ => {
                let hint = match nearest(&verdict, VERDICTS.into_iter()).first() {
                    Some(nearest) => format!("; did you mean {nearest:?}?"),
                    None => String::new(),
                };
                return Err(format!("the verdict {verdict:?} is none of {}{hint}", VERDICTS.join(", ")));
            }
        };
        right
            .map(Some)
            .ok_or_else(|| format!("the verdict {verdict:?} has no label: write it into the column label"))
    }
}
