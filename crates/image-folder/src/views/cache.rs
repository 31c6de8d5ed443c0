//! Where decoded images are kept.

use std::path::PathBuf;

use super::disk;
use crate::{Sample, Transform};

/// The place where decoded images are kept, at the size of the views, 3 bytes a pixel. It determines speed and
/// memory; the views are the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cache {
    /// In memory.
    Ram,
    /// In a file in this folder, which is made where it is missing. The file's name is a hash of the paths, sizes
    /// and times of the images and of the transform, so that the file is used again as long as these stay. It may
    /// be deleted when no program uses it.
    Disk(PathBuf),
    /// Nowhere: an image is decoded each time that it is used.
    None,
}

impl Cache {
    /// Whether an earlier [`Views::build`](crate::Views::build) left these samples' images, by this transform, in the cache.
    pub fn holds(&self, samples: &[Sample], transform: &Transform) -> bool {
        matches!(self, Self::Disk(folder) if disk::is_there(folder, samples, transform))
    }
}
