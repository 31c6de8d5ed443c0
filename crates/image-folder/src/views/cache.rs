//! Where decoded images are kept.

use std::path::PathBuf;

use super::disk;
use crate::{Sample, Transform};

/// Where the decoded images are kept, at the size of the views, 3 bytes a pixel. It decides speed and
/// memory; the views are the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cache {
    /// In memory.
    Ram,
    /// In a file in this folder, which is made where it is missing. The file is named by the paths, sizes
    /// and times of the images and by the transform, so that it is used again as long as they stay, and may
    /// be deleted at any time when nothing runs.
    Disk(PathBuf),
    /// Nowhere: an image is decoded each time it is used.
    None,
}

impl Cache {
    /// Whether these samples' images, so transformed, are there already from an earlier [`Views::build`].
    pub fn holds(&self, samples: &[Sample], transform: &Transform) -> bool {
        matches!(self, Self::Disk(folder) if disk::is_there(folder, samples, transform))
    }
}
