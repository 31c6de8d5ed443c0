//! A CSV file of labels.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use csv::{ByteRecord, ReaderBuilder};

use super::header::{Header, SplitColumn, line_error};
use super::options::LabelsCsv;
use super::part::Part;
use crate::nearest::nearest;
use crate::{Error, Result, Skipped};

/// The row of one image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// The file that it stands in.
    pub(super) file: Arc<Path>,
    pub(super) line: u64,
    /// The path, as it is written there.
    pub(super) path: String,
    pub(super) label: Option<String>,
    pub(super) truth: Option<String>,
    /// The part of the set that the image belongs to, where there is a column that says so.
    pub(super) part: Option<Part>,
}

/// The rows, in the order of their lines.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) csv: LabelsCsv,
    pub(super) rows: Vec<Row>,
    /// The column that says which images are held out.
    pub(super) split_column: Option<String>,
    /// The rows whose path can't be read.
    pub(super) skipped: Vec<Skipped>,
}

impl Table {
    pub(super) fn read(csv: &LabelsCsv) -> Result<Self> {
        let bytes = fs::read(&csv.file).map_err(|e| Error::io(&csv.file, "reading the labels", e))?;
        let header = Header::read(csv, &bytes)?;
        let split_column = header.split.as_ref().map(|column| column.name.clone());
        let mut table = Self { split_column, ..Self::empty(csv) };
        let file: Arc<Path> = csv.file.as_path().into();
        records(csv, &header, &bytes, |line, record| table.add(&header, (&file, line), record))?;
        Ok(table)
    }

    /// No rows yet.
    pub(super) fn empty(csv: &LabelsCsv) -> Self {
        Self { csv: csv.clone(), rows: Vec::new(), split_column: None, skipped: Vec::new() }
    }

    /// Adds the rows of another file.
    pub(super) fn append(&mut self, mut other: Self) {
        self.rows.append(&mut other.rows);
        self.skipped.append(&mut other.skipped);
        self.split_column = self.split_column.take().or(other.split_column);
    }

    fn add(&mut self, header: &Header, (file, line): (&Arc<Path>, u64), record: &ByteRecord) -> Result<()> {
        let text = |column: usize| {
            let text = std::str::from_utf8(record.get(column).unwrap_or_default())
                .map_err(|_| line_error(&self.csv, line, "a label is not UTF-8: save the file as UTF-8"))?;
            Ok(Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned))
        };
        let label = text(header.label)?;
        let truth = header.truth.map(text).transpose()?.flatten();
        let written = header.split.as_ref().map(|column| text(column.index)).transpose()?.flatten();
        let part = match (&header.split, written) {
            (Some(column), Some(written)) => {
                Some(column.part(&written).map_err(|problem| line_error(&self.csv, line, problem))?)
            }
            _ => None,
        };
        match std::str::from_utf8(record.get(header.path).unwrap_or_default()) {
            Ok(path) => {
                let (file, path) = (Arc::clone(file), path.trim().to_owned());
                self.rows.push(Row { file, line, path, label, truth, part });
            }
            Err(_) => self.skipped.push(Skipped {
                path: String::from_utf8_lossy(record.get(header.path).unwrap_or_default()).into_owned(),
                reason: format!("line {line} of the labels: the path is not UTF-8"),
            }),
        }
        Ok(())
    }

    /// Whether some label is the name of a folder, so that the folders are classes.
    pub(super) fn names_any_of(&self, folders: &BTreeSet<String>) -> bool {
        let is_folder = |name: &Option<String>| name.as_ref().is_some_and(|name| folders.contains(name));
        self.rows.iter().any(|row| is_folder(&row.label) || is_folder(&row.truth))
    }

    /// Checks that each label is the name of a folder; the error names the first line whose label is not.
    pub(super) fn check_names(&self, folders: &BTreeSet<String>) -> Result<()> {
        let stranger = |row: &Row| {
            let names = [&row.label, &row.truth].into_iter().flatten();
            names.into_iter().find(|name| !folders.contains(*name)).cloned()
        };
        let Some((row, name)) = self.rows.iter().find_map(|row| Some((row, stranger(row)?))) else {
            return Ok(());
        };
        let shown: Vec<String> = folders.iter().take(20).map(|folder| format!("{folder:?}")).collect();
        let more = if folders.len() > shown.len() { ", ..." } else { "" };
        let problem = format!(
            "the label {name:?} is not a class; the class folders are {}{more}; correct the label, or make a folder \
             of that name{}",
            shown.join(", "),
            match nearest(&name, folders.iter().map(String::as_str)).first() {
                Some(nearest) => format!("; did you mean {nearest:?}?"),
                None => String::new(),
            }
        );
        Err(self.error(row, problem))
    }

    /// An error at a row.
    pub(super) fn error(&self, row: &Row, problem: impl Into<String>) -> Error {
        Error::LabelsLine { file: row.file.to_path_buf(), line: row.line, problem: problem.into() }
    }
}

impl SplitColumn {
    /// The part that the column's text stands for.
    fn part(&self, text: &str) -> std::result::Result<Part, String> {
        let held_out = if self.name.eq_ignore_ascii_case("is_test") { Part::Test } else { Part::Validation };
        let (part, values) = match self.is_flag {
            true => match text.to_ascii_lowercase().as_str() {
                "true" | "1" | "1.0" | "yes" => (Some(held_out), "true or false"),
                "false" | "0" | "0.0" | "no" => (Some(Part::Train), "true or false"),
                _ => (None, "true or false"),
            },
            false => (Part::named(text), "train, val or test"),
        };
        let name = &self.name;
        part.ok_or_else(|| {
            format!(
                "the column {name:?} says {text:?}, where {values} are expected; if it is about something else, give it another name"
            )
        })
    }
}

/// Calls `each` with every record after the header, and the line that it begins in.
pub(super) fn records(
    csv: &LabelsCsv,
    header: &Header,
    bytes: &[u8],
    mut each: impl FnMut(u64, &ByteRecord) -> Result<()>,
) -> Result<()> {
    let mut lines = Lines::new(bytes, header.start);
    let mut reader = ReaderBuilder::new();
    let mut reader = reader.delimiter(header.separator).from_reader(&bytes[header.start..]);
    let mut record = ByteRecord::new();
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(true) => each(lines.at(record.position()), &record)?,
            Ok(false) => return Ok(()),
            Err(error) => return Err(csv_error(csv, header.separator, &error, &mut lines)),
        }
    }
}

/// Counts lines up to a byte, forwards only. The CSV reader's own count is one too small after `\r\n`, whose `\n`
/// it reads with the next record.
struct Lines<'a> {
    bytes: &'a [u8],
    /// Where the reader's bytes begin.
    start: usize,
    at: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    fn new(bytes: &'a [u8], start: usize) -> Self {
        Self { bytes, start, at: 0, line: 1 }
    }

    /// The line, counted from 1, of the record that begins at `position` or after the line ends there.
    fn at(&mut self, position: Option<&csv::Position>) -> u64 {
        let start = position.map_or(0, |position| usize::try_from(position.byte()).unwrap_or(usize::MAX));
        let start = start.saturating_add(self.start);
        while let Some(byte) = self.bytes.get(self.at)
            && (self.at < start || matches!(byte, b'\n' | b'\r'))
        {
            self.line += u64::from(*byte == b'\n');
            self.at += 1;
        }
        self.line
    }
}

fn csv_error(csv: &LabelsCsv, separator: u8, error: &csv::Error, lines: &mut Lines) -> Error {
    let line = lines.at(error.position());
    let problem = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            let separator = match separator {
                b',' => "comma",
                b';' => "semicolon",
                _ => "tab",
            };
            format!(
                "the row has {len} fields, the header {expected_len}: quote fields that hold a {separator}"
            )
        }
        _ => error.to_string(),
    };
    line_error(csv, line, problem)
}
