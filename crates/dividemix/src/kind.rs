//! The methods' names in settings.

use serde::{Deserialize, Serialize};

/// How to train on labels that may be wrong. What each method is, and all that is known of it, is the value that
/// [`MethodKind::method`] returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum MethodKind {
    /// DivideMix (Li, Socher & Hoi 2020): two networks, division, MixMatch.
    DivideMix,
    /// Plain cross entropy with the given labels, one network.
    Ce,
    /// Label smoothing.
    Smooth,
    /// The confidence penalty.
    Penalty,
    /// mixup.
    Mixup,
    /// Knowledge distillation from a teacher.
    Distill,
    /// Bootstrapping: a part of each label becomes the network's prediction.
    Relabel,
    /// Each label becomes the average of the network's predictions in the last epochs.
    Joint,
    /// Samples count by their clean probability.
    Reweight,
    /// Forward correction: the prediction is made as noisy as the labels, by the estimated noise.
    Forward,
    /// Backward correction: the loss is multiplied by the inverse of the estimated noise.
    Backward,
    /// Two views, and the network's moving average as teacher.
    Consistency,
    /// Entropy minimisation.
    Entropy,
}

impl MethodKind {
    /// All methods.
    pub const ALL: &[Self] = &[
        Self::DivideMix,
        Self::Ce,
        Self::Smooth,
        Self::Penalty,
        Self::Mixup,
        Self::Distill,
        Self::Relabel,
        Self::Joint,
        Self::Reweight,
        Self::Forward,
        Self::Backward,
        Self::Consistency,
        Self::Entropy,
    ];
}
