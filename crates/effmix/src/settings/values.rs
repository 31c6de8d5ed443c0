//! Settings that are one of a few names.

use image_folder::Policy;
use serde::{Deserialize, Serialize};

/// What of the network stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Freeze {
    /// All but the classifier: a small head is trained on features that are computed once.
    #[serde(alias = "body")]
    Backbone,
    /// Nothing: the whole network is trained.
    None,
}

/// How an augmented view differs from the plain one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Augment {
    /// Mirrored half the time, padded by an eighth of its side and cropped by chance.
    FlipCrop,
    /// Padded and cropped, never mirrored.
    Crop,
    /// Not at all.
    None,
}

/// How a strong view, which is trained on, differs from an augmented one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StrongView {
    /// By AutoAugment's policy for CIFAR-10.
    AutoAugment,
    /// By RandAugment.
    RandAugment,
    /// There are none: augmented views are trained on.
    None,
}

impl StrongView {
    /// The policy, if there is one.
    pub fn policy(self) -> Option<Policy> {
        match self {
            Self::AutoAugment => Some(Policy::AutoAugment),
            Self::RandAugment => Some(Policy::RandAugment),
            Self::None => None,
        }
    }
}

/// Where decoded images are kept between epochs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CacheKind {
    /// In memory, as bytes at training size.
    Ram,
    /// In a file in the cache folder, as bytes at training size.
    Disk,
    /// Nowhere: decoded anew each epoch.
    None,
}
