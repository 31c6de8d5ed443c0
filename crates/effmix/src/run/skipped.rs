//! Files that take no part in a run.

use image_folder::Skipped;
use serde::{Deserialize, Serialize};

/// An image or a row that takes no part, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedFile {
    /// Relative to DATA.
    pub path: String,
    /// Why.
    pub reason: String,
}

impl From<Skipped> for SkippedFile {
    fn from(skipped: Skipped) -> Self {
        Self { path: skipped.path, reason: skipped.reason }
    }
}
