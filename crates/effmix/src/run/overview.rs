//! What a run works on.

use std::path::Path;

use crate::data::Data;
use crate::settings::ResolvedSettings;

/// What a run works on: what it was given, and what was made of that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overview<'a> {
    /// Training images, listed and not yet read.
    pub train: usize,
    /// Images held out.
    pub test: usize,
    /// Files and rows that have no label, or no class or image; what is left without a look at its content is said apart.
    pub skipped: usize,
    /// Names of the classes.
    pub classes: &'a [String],
    /// The architecture.
    pub arch: &'a str,
    /// Side of its images, in pixels.
    pub size: usize,
    /// The pretrained weights, a file or a name on a hub; `None` where training starts from random numbers.
    pub weights: Option<&'a Path>,
    /// Further pretrained networks whose features stand beside those of the first.
    pub further_bodies: usize,
    /// Features of one's own, and their number for each image.
    pub features: Option<(&'a Path, usize)>,
    /// Whether the pretrained network stays as it is.
    pub is_frozen: bool,
}

impl<'a> Overview<'a> {
    pub(super) fn of(data: &'a Data, resolved: &'a ResolvedSettings) -> Self {
        Self {
            train: data.folder.train.len(),
            test: data.folder.test.len(),
            skipped: data.folder.skipped.len(),
            classes: &data.folder.classes,
            arch: &resolved.arch.name,
            size: resolved.arch.size,
            weights: resolved.settings.pretrained(),
            further_bodies: resolved.bodies.len().saturating_sub(1),
            features: resolved.settings.features.as_deref().zip(resolved.own_features),
            is_frozen: resolved.settings.frozen(),
        }
    }
}
