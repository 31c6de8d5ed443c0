//! What can go wrong in making a page.

use std::io;
use std::path::{Path, PathBuf};

/// A page that could not be made; the message says where and, where it can, what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The folder holds no `metrics.jsonl`.
    #[error("{}: no run folder (it has no metrics.jsonl); give the folder that `effmix train` wrote", .0.display())]
    NotARun(PathBuf),
    /// A file that is there could not be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file does not hold what its name promises.
    #[error("{}{}: {message}", path.display(), line.map(|n| format!(":{n}")).unwrap_or_default())]
    Content {
        /// The file.
        path: PathBuf,
        /// The line, from one, where there is one.
        line: Option<u64>,
        /// What is wrong with it.
        message: String,
    },
    /// A chart could not be drawn.
    #[error("a chart could not be drawn ({0}); please report the run's metrics.jsonl")]
    Chart(String),
    /// The page could not be written.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// The page.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// What this crate's functions return.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn read(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        |source| Self::Read { path: path.to_owned(), source }
    }

    pub(crate) fn content(path: &Path, line: Option<u64>, message: impl ToString) -> Self {
        Self::Content { path: path.to_owned(), line, message: message.to_string() }
    }
}
