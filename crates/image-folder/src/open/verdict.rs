//! A person's verdict on a label, and where it stands.

use std::fmt::{self, Display, Formatter};
use std::path::Path;

use crate::Error;

/// What a person said of one image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) place: Place,
    /// The path, as it is written there.
    pub(super) path: String,
    /// The label that is right; nothing where the person was not sure.
    pub(super) label: Option<String>,
}

/// Where in a file a verdict stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In a line of a CSV, counted from 1.
    Line(u64),
    /// In a task of an export, counted from 1.
    Task(usize),
}

impl Display for Place {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Task(task) => write!(f, "task {task}"),
        }
    }
}

/// An error at a place of a file.
pub(super) fn error_at(file: &Path, place: Place, problem: String) -> Error {
    let file = file.to_owned();
    match place {
        Place::Line(line) => Error::LabelsLine { file, line, problem },
        Place::Task(task) => Error::LabelsTask { file, task, problem },
    }
}
