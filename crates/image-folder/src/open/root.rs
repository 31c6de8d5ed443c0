//! A folder of class folders.

use std::path::PathBuf;

/// A folder that holds one folder for each class, and the beginning of its files' keys.
#[derive(Debug)]
pub(super) struct Root {
    pub(super) folder: PathBuf,
    /// Empty or ending in `/`.
    pub(super) prefix: String,
}
