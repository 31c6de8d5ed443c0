//! A CSV file of labels.

use std::collections::{BTreeSet, HashMap};
use std::fs;

use csv::{ByteRecord, ReaderBuilder};

use super::options::LabelsCsv;
use super::scan::Found;
use crate::{Error, Result, Skipped};

/// The row of one image.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) line: u64,
    pub(super) label: Option<String>,
    pub(super) truth: Option<String>,
}

/// The rows by path.
#[derive(Debug)]
pub(super) struct Table {
    csv: LabelsCsv,
    rows: HashMap<String, Row>,
    first: Option<String>,
    pub(super) skipped: Vec<Skipped>,
    pub(super) warnings: Vec<String>,
}

impl Table {
    pub(super) fn read(csv: &LabelsCsv) -> Result<Self> {
        let bytes = fs::read(&csv.file).map_err(|e| Error::io(&csv.file, "reading the labels", e))?;
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            return Err(line_error(csv, 1, "the file is UTF-16: save it as UTF-8"));
        }
        let mut table = Self {
            csv: csv.clone(),
            rows: HashMap::new(),
            first: None,
            skipped: Vec::new(),
            warnings: Vec::new(),
        };
        let mut lines = Lines::new(&bytes);
        let mut reader = ReaderBuilder::new().from_reader(bytes.as_slice());
        let header = reader.byte_headers().map_err(|e| csv_error(csv, &e, &mut lines))?.clone();
        let path = column(csv, &header, &csv.path_column)?;
        let label = column(csv, &header, &csv.label_column)?;
        let truth = csv.truth_column.as_ref().map(|name| column(csv, &header, name)).transpose()?;
        let mut repeated = Vec::new();
        let mut record = ByteRecord::new();
        loop {
            match reader.read_byte_record(&mut record) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => return Err(csv_error(csv, &error, &mut lines)),
            }
            let line = lines.at(record.position());
            let text = |column: usize| {
                let text = std::str::from_utf8(record.get(column).unwrap_or_default())
                    .map_err(|_| line_error(csv, line, "a label is not UTF-8: save the file as UTF-8"))?;
                Ok(Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned))
            };
            let row = Row { line, label: text(label)?, truth: truth.map(text).transpose()?.flatten() };
            let Ok(key) = std::str::from_utf8(record.get(path).unwrap_or_default()) else {
                table.skipped.push(Skipped {
                    path: String::from_utf8_lossy(record.get(path).unwrap_or_default()).into_owned(),
                    reason: format!("line {line} of the labels: the path is not UTF-8"),
                });
                continue;
            };
            let key = relative(key).map_err(|problem| line_error(csv, line, problem))?;
            table.first.get_or_insert_with(|| key.clone());
            if let Some(before) = table.rows.get(&key) {
                if (&before.label, &before.truth) != (&row.label, &row.truth) {
                    let problem = format!(
                        "{key:?} has another label here than in line {}: keep the right one of the two",
                        before.line
                    );
                    return Err(line_error(csv, line, problem));
                }
                repeated.push(line);
            } else {
                table.rows.insert(key, row);
            }
        }
        if let Some(line) = repeated.first() {
            table.warnings.push(format!(
                "{} rows of the labels repeat a path with the same label, the first in line {line}",
                repeated.len()
            ));
        }
        Ok(table)
    }

    pub(super) fn row(&self, key: &str) -> Option<&Row> {
        self.rows.get(key)
    }

    pub(super) fn first_path(&self) -> Option<&str> {
        self.first.as_deref()
    }

    /// The number of images that have a row.
    pub(super) fn matches(&self, images: &[Found]) -> usize {
        images.iter().filter(|found| self.rows.contains_key(&found.key)).count()
    }

    /// Whether some label is the name of a folder, so that the folders are classes.
    pub(super) fn names_any_of(&self, folders: &BTreeSet<String>) -> bool {
        let is_folder = |name: &Option<String>| name.as_ref().is_some_and(|name| folders.contains(name));
        self.rows.values().any(|row| is_folder(&row.label) || is_folder(&row.truth))
    }

    /// Checks that each label is the name of a folder; the error names the first line whose label is not.
    pub(super) fn check_names(&self, folders: &BTreeSet<String>) -> Result<()> {
        let stranger = |row: &Row| {
            [&row.label, &row.truth].into_iter().flatten().find(|name| !folders.contains(*name)).cloned()
        };
        let first = self.rows.values().filter_map(|row| Some((row.line, stranger(row)?))).min();
        let Some((line, name)) = first else { return Ok(()) };
        let shown: Vec<String> = folders.iter().take(20).map(|folder| format!("{folder:?}")).collect();
        let more = if folders.len() > shown.len() { ", ..." } else { "" };
        let problem = format!(
            "the label {name:?} is not a class; the class folders are {}{more}; correct the label, or make a folder \
             of that name",
            shown.join(", ")
        );
        Err(line_error(&self.csv, line, problem))
    }

    /// The paths and lines of the rows whose path is not among `known`, by line.
    pub(super) fn rows_not_in(&self, known: &BTreeSet<&str>) -> Vec<(String, u64)> {
        let rows = self.rows.iter().filter(|(key, _)| !known.contains(key.as_str()));
        let mut rows: Vec<(String, u64)> = rows.map(|(key, row)| (key.clone(), row.line)).collect();
        rows.sort_by_key(|(_, line)| *line);
        rows
    }
}

fn column(csv: &LabelsCsv, header: &ByteRecord, name: &str) -> Result<usize> {
    let names: Vec<_> = header.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect();
    names.iter().position(|column| column == name).ok_or_else(|| Error::NoColumn {
        file: csv.file.clone(),
        column: name.to_owned(),
        columns: names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", "),
    })
}

/// The path as a key. It must stay below the folder of the set.
fn relative(path: &str) -> std::result::Result<String, String> {
    let path = if cfg!(windows) { path.replace('\\', "/") } else { path.to_owned() };
    let drive = matches!(path.as_bytes(), [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic());
    if path.starts_with('/') || drive {
        return Err(format!("the path {path:?} is absolute: paths are relative to the folder of the images"));
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if parts.contains(&"..") {
        return Err(format!("the path {path:?} leaves the folder of the images by \"..\""));
    }
    if parts.is_empty() {
        return Err("the row has no path".to_owned());
    }
    Ok(parts.join("/"))
}

/// Counts lines up to a byte, forwards only. The CSV reader's own count is one too small after `\r\n`, whose `\n`
/// it reads with the next record.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, line: 1 }
    }

    /// The line, counted from 1, of the record that begins at `position` or after the line ends there.
    fn at(&mut self, position: Option<&csv::Position>) -> u64 {
        let start = position.map_or(0, |position| usize::try_from(position.byte()).unwrap_or(usize::MAX));
        while let Some(byte) = self.bytes.get(self.at)
            && (self.at < start || matches!(byte, b'\n' | b'\r'))
        {
            self.line += u64::from(*byte == b'\n');
            self.at += 1;
        }
        self.line
    }
}

fn csv_error(csv: &LabelsCsv, error: &csv::Error, lines: &mut Lines) -> Error {
    let line = lines.at(error.position());
    let problem = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("the row has {len} fields, the header {expected_len}: quote fields that hold a comma")
        }
        _ => error.to_string(),
    };
    line_error(csv, line, problem)
}

fn line_error(csv: &LabelsCsv, line: u64, problem: impl Into<String>) -> Error {
    Error::LabelsLine { file: csv.file.clone(), line, problem: problem.into() }
}
