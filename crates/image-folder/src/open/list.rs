//! The image files below a folder whose images have no labels.

use std::path::{Path, PathBuf};

use super::root::Root;
use super::scan::{Apart, Scan, scan};
use crate::{Left, Result, Skipped};

/// The image files below a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// The image files, sorted by name within each folder.
    pub files: Vec<PathBuf>,
    /// The files and folders that are left without a look at their content.
    pub left: Vec<Left>,
    /// The links and folders that can't be read or followed.
    pub skipped: Vec<Skipped>,
}

/// The image files below `folder`, as [`open`](fn@crate::open) finds them, whatever the folders between are called. Paths begin with
/// `folder`.
///
/// # Errors
/// [`Error::Io`](crate::Error::Io) for a folder that can't be read.
pub fn list(folder: &Path) -> Result<Listed> {
    let shown = folder.to_string_lossy();
    let prefix = if shown.ends_with('/') { shown.into_owned() } else { format!("{shown}/") };
    let mut found = Scan::default();
    scan(&Root { folder: folder.to_owned(), prefix }, Apart::default(), &mut found)?;
    let files = found.images.into_iter().filter_map(|image| image.source.into_file()).collect();
    Ok(Listed { files, left: found.left, skipped: found.skipped })
}
