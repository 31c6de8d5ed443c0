//! Held-out images that were trained on.

use serde::{Deserialize, Serialize};

use crate::data::Sets;

/// A held-out image that is a training image as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestCopy {
    /// The held-out image.
    pub path: String,
    /// The training image.
    pub train_path: String,
}

impl TestCopy {
    /// All of these sets, in the order of the held-out images.
    pub(super) fn all(sets: &Sets) -> impl Iterator<Item = Self> {
        sets.test_copies.iter().map(|&(copy, original)| Self {
            path: sets.test_samples[copy].path.clone(),
            train_path: sets.samples[original].path.clone(),
        })
    }
}
