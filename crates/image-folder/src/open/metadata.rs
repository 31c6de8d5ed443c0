//! The metadata of a Hugging Face `imagefolder`: `metadata.csv` or `metadata.jsonl` beside the images, which says which file has which label.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::header::{Header, line_error};
use super::layout::{Layout, Scanned};
use super::options::LabelsCsv;
use super::root::Root;
use super::table::{Row, Table};
use crate::{Error, Result};

/// The names that the file may have.
const NAMES: [&str; 2] = ["metadata.csv", "metadata.jsonl"];

/// The field that names the image, relative to the folder of the file.
const FILE_NAME: &str = "file_name";

/// The field that holds the label, where another is not asked for.
const LABEL: &str = "label";

/// The metadata of a set: beside `train/` and `test/`, or in them.
#[derive(Debug)]
pub(super) struct Metadata {
    files: Vec<(PathBuf, String)>,
}

impl Metadata {
    /// The metadata that are there, of files that name images.
    pub(super) fn find(layout: &Layout) -> Option<Self> {
        let whole = Root { folder: layout.data.clone(), prefix: String::new() };
        let mut files = Vec::new();
        for root in std::iter::once(&whole).chain(&layout.train).chain(&layout.test) {
            for name in NAMES {
                let file = root.folder.join(name);
                if file.is_file() && names_images(&file) && files.iter().all(|(known, _)| *known != file) {
                    files.push((file, root.prefix.clone()));
                }
            }
        }
        (!files.is_empty()).then_some(Self { files })
    }

    /// What is said where the labels are theirs.
    pub(super) fn in_words(&self) -> String {
        format!("the labels are those of {}, as of an imagefolder", self.names())
    }

    /// What is said where the folders are the classes.
    pub(super) fn left_in_words(&self) -> String {
        format!(
            "the folders are the classes, and the labels in {} are left; give that file as the labels to take them",
            self.names()
        )
    }

    fn names(&self) -> String {
        self.files.iter().map(|(file, _)| file.display().to_string()).collect::<Vec<_>>().join(" and ")
    }

    /// The files.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|(file, _)| file.as_path())
    }

    /// The rows of all files, with paths relative to the folder of the set; the labels are in the field `label`, where one is asked for.
    pub(super) fn table(&self, label: Option<&str>) -> Result<Table> {
        let mut table: Option<Table> = None;
        for (file, prefix) in &self.files {
            let csv = LabelsCsv {
                path_column: FILE_NAME.to_owned(),
                label_column: label.unwrap_or(LABEL).to_owned(),
                ..LabelsCsv::new(file)
            };
            let mut found = if is_json(file) { from_json_lines(&csv)? } else { Table::read(&csv)? };
            found.rows.iter_mut().for_each(|row| row.path.insert_str(0, prefix));
            match &mut table {
                None => table = Some(found),
                Some(table) => table.append(found),
            }
        }
        // There is at least one file.
        table.ok_or_else(|| Error::Missing { path: PathBuf::new() })
    }
}

/// Whether the folders of the images can't be their classes: there are no two of them.
pub(super) fn folders_are_no_classes(scanned: &Scanned) -> bool {
    let folders: BTreeSet<&String> =
        scanned.train.images.iter().filter_map(|found| found.folder.as_ref()).collect();
    folders.len() < 2
}

fn is_json(file: &Path) -> bool {
    file.extension().is_some_and(|ending| ending == "jsonl")
}

/// Whether the beginning of a file speaks of the field that names images.
fn names_images(file: &Path) -> bool {
    let Ok(bytes) = fs::read(file) else { return false };
    let csv = LabelsCsv {
        path_column: FILE_NAME.to_owned(),
        label_column: FILE_NAME.to_owned(),
        ..LabelsCsv::new(file)
    };
    match is_json(file) {
        true => first_object(&bytes).is_some_and(|object| object.contains_key(FILE_NAME)),
        false => Header::read(&csv, &bytes).is_ok(),
    }
}

fn first_object(bytes: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(bytes.split(|byte| *byte == b'\n').find(|line| !line.trim_ascii().is_empty())?)
        .ok()
}

/// The rows of a file with a JSON object a line.
fn from_json_lines(csv: &LabelsCsv) -> Result<Table> {
    let bytes = fs::read(&csv.file).map_err(|e| Error::io(&csv.file, "reading the labels", e))?;
    let mut table = Table::empty(csv);
    let file: Arc<Path> = csv.file.as_path().into();
    for (text, line) in bytes.split(|byte| *byte == b'\n').zip(1..) {
        if text.trim_ascii().is_empty() {
            continue;
        }
        let wrong = |problem: String| line_error(csv, line, problem);
        let object: Map<String, Value> =
            serde_json::from_slice(text).map_err(|error| wrong(format!("no JSON object: {error}")))?;
        let path = object.get(&csv.path_column).and_then(Value::as_str);
        let path =
            path.ok_or_else(|| wrong(format!("it has no text {FILE_NAME:?}, which names the image")))?;
        let label = match object.get(&csv.label_column) {
            None => {
                let names: Vec<String> = object.keys().map(|name| format!("{name:?}")).collect();
                return Err(Error::NoColumn {
                    file: csv.file.clone(),
                    column: csv.label_column.clone(),
                    columns: names.join(", "),
                    hint: String::new(),
                });
            }
            Some(Value::Null) => None,
            Some(Value::String(label)) => Some(label.trim().to_owned()).filter(|label| !label.is_empty()),
            Some(Value::Number(label)) => Some(label.to_string()),
            Some(other) => {
                return Err(wrong(format!("its label is {other}, where a text or a number is expected")));
            }
        };
        table.rows.push(Row {
            file: Arc::clone(&file),
            line,
            path: path.to_owned(),
            label,
            truth: None,
            part: None,
        });
    }
    Ok(table)
}
