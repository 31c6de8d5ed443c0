//! Cross entropy, alone (`ce`) or with a term on the entropy of predictions that keeps it high (`penalty`) or low (`entropy`).

use noisy_labels::division::Division;

use crate::supervised::{cross_entropy_epoch, penalised_epoch};
use crate::{Losses, Method, NetworkEpoch, Result, Strength, ViewKind};

/// Plain training: -y log p.
pub(super) struct CrossEntropy;

impl Method for CrossEntropy {
    fn name(&self) -> &'static str {
        "ce"
    }

    fn epoch(&self, pass: &mut NetworkEpoch<'_>, _: Option<&Division>) -> Result<Losses> {
        cross_entropy_epoch(pass)
    }
}

/// The confidence penalty (Pereyra et al. 2017): -y log p + s p log p.
pub(super) struct ConfidencePenalty;

impl Method for ConfidencePenalty {
    fn name(&self) -> &'static str {
        "penalty"
    }

    fn strength(&self) -> Option<Strength> {
        Some(Strength { usual: 0.1, most: f64::MAX })
    }

    fn warm_up(&self, pass: &mut NetworkEpoch<'_>) -> Result<Losses> {
        self.epoch(pass, None)
    }

    fn epoch(&self, pass: &mut NetworkEpoch<'_>, _: Option<&Division>) -> Result<Losses> {
        penalised_epoch(pass, pass.strength(), ViewKind::Strong)
    }
}

/// Entropy minimisation (Grandvalet & Bengio 2004): -y log p - s p log p.
pub(super) struct EntropyMinimisation;

impl Method for EntropyMinimisation {
    fn name(&self) -> &'static str {
        "entropy"
    }

    fn strength(&self) -> Option<Strength> {
        Some(Strength { usual: 0.1, most: f64::MAX })
    }

    fn epoch(&self, pass: &mut NetworkEpoch<'_>, _: Option<&Division>) -> Result<Losses> {
        penalised_epoch(pass, -pass.strength(), ViewKind::Strong)
    }
}
