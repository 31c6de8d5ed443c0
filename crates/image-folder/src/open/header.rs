//! The header of a labels file: what separates its fields, and which columns are meant.

use csv::{ByteRecord, ReaderBuilder};

use super::ending::has_image_ending;
use super::options::LabelsCsv;
use crate::nearest::nearest;
use crate::{Error, Result};

/// What may separate fields.
const SEPARATORS: [u8; 3] = *b",;\t";

/// Columns that say which images are held out, where none is named.
const SPLIT_COLUMNS: [&str; 4] = ["split", "is_valid", "is_val", "is_test"];

/// The columns of a labels file.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) separator: u8,
    /// The number of bytes before the header, of a byte order mark and of a line that names the separator.
    pub(super) start: usize,
    pub(super) path: usize,
    pub(super) label: usize,
    pub(super) truth: Option<usize>,
    pub(super) split: Option<SplitColumn>,
}

/// The column that says which images are held out.
#[derive(Debug)]
pub(super) struct SplitColumn {
    pub(super) index: usize,
    pub(super) name: String,
    /// Whether it says so by true and false.
    pub(super) is_flag: bool,
}

impl Header {
    /// The header at the beginning of a file's bytes. Of the separators the one is taken by which both columns are found, else the one
    /// by which there are most columns.
    pub(super) fn read(csv: &LabelsCsv, bytes: &[u8]) -> Result<Self> {
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            return Err(line_error(csv, 1, "the file is UTF-16: save it as UTF-8"));
        }
        let (start, named) = before_header(bytes);
        let headers = named.map_or(SEPARATORS.to_vec(), |separator| vec![separator]).into_iter();
        let headers = headers.map(|separator| (separator, names(&bytes[start..], separator)));
        let found = |(_, names): &(u8, Vec<String>)| {
            let of = [&csv.path_column, &csv.label_column];
            (of.iter().filter(|name| position(names, name).is_some()).count(), names.len())
        };
        // Of equals the first: `max_by_key` gives the last.
        let best = headers.rev().max_by_key(found);
        let (separator, names) = best.unwrap_or((b',', Vec::new()));
        let column = |name: &str| {
            if names.iter().filter(|column| *column == name).count() > 1 {
                return Err(Error::ColumnTwice { file: csv.file.clone(), column: name.to_owned() });
            }
            position(&names, name).ok_or_else(|| no_column(csv, &names, name))
        };
        let split = match &csv.split_column {
            Some(name) => Some(column(name)?),
            None => SPLIT_COLUMNS.iter().find_map(|name| position(&names, name)),
        };
        let split = split.map(|index| SplitColumn {
            index,
            is_flag: names[index].to_ascii_lowercase().starts_with("is_"),
            name: names[index].clone(),
        });
        Ok(Self {
            separator,
            start,
            path: column(&csv.path_column)?,
            label: column(&csv.label_column)?,
            truth: csv.truth_column.as_deref().map(column).transpose()?,
            split,
        })
    }
}

/// The number of bytes before the header, and the separator that a first line `sep=;` names, as Excel writes and reads it.
fn before_header(bytes: &[u8]) -> (usize, Option<u8>) {
    let mark = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let line = bytes[mark..].split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default();
    match line.trim_ascii_end() {
        [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', separator] => (mark + line.len(), Some(*separator)),
        // A tab would be trimmed.
        [b's' | b'S', b'e' | b'E', b'p' | b'P', b'='] if line.contains(&b'\t') => {
            (mark + line.len(), Some(b'\t'))
        }
        _ => (mark, None),
    }
}

/// The names of the columns, without blanks around them.
pub(super) fn names(bytes: &[u8], separator: u8) -> Vec<String> {
    let mut reader = ReaderBuilder::new().has_headers(false).delimiter(separator).from_reader(bytes);
    let mut header = ByteRecord::new();
    // What can't be read as a header has no columns, which are asked for next.
    let is_there = reader.read_byte_record(&mut header).unwrap_or(false);
    let names = header.iter().filter(|_| is_there);
    names.map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect()
}

/// The column of this name; else the only one of this name in another case.
pub(super) fn position(names: &[String], name: &str) -> Option<usize> {
    let alike = |column: &String| column.to_lowercase() == name.to_lowercase();
    names.iter().position(|column| column == name).or_else(|| {
        let first = names.iter().position(alike)?;
        names[first + 1..].iter().all(|column| !alike(column)).then_some(first)
    })
}

fn no_column(csv: &LabelsCsv, names: &[String], name: &str) -> Error {
    let quoted: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    if names.iter().all(String::is_empty) {
        let problem =
            "the file is empty: its first line must name the columns, such as path,label".to_owned();
        return Error::LabelsLine { file: csv.file.clone(), line: 1, problem };
    }
    let hint = match nearest(name, names.iter().map(String::as_str)).first() {
        _ if names.len() == 1 => "; fields must be separated by commas, semicolons or tabs".to_owned(),
        Some(nearest) => format!("; did you mean {nearest:?}?"),
        None if names.iter().any(|name| has_image_ending(name.as_ref())) => {
            "; the first line looks like a row: put a header before it".to_owned()
        }
        None => String::new(),
    };
    Error::NoColumn { file: csv.file.clone(), column: name.to_owned(), columns: quoted.join(", "), hint }
}

/// An error at a line of the file.
pub(super) fn line_error(csv: &LabelsCsv, line: u64, problem: impl Into<String>) -> Error {
    Error::LabelsLine { file: csv.file.clone(), line, problem: problem.into() }
}
