//! mixup (Zhang et al. 2018): a network is to be linear between samples, so that no single label is learned by heart.

use noisy_labels::division::Division;
use noisy_labels::losses::cross_entropy;
use noisy_labels::mixup::Mixup;

use super::Recipe;
use super::over_all::{Objective, over_all};
use crate::pass::{Pass, ViewKind};
use crate::{Losses, Result};

/// x' = l x + (1 - l) x2, y' = l y + (1 - l) y2, with l ~ Beta(alpha, alpha), at least 1/2, one a batch.
pub(crate) struct MixedUp {
    /// alpha; 0 mixes nothing.
    pub alpha: f64,
}

impl Recipe for MixedUp {
    fn epoch(&self, pass: &mut Pass, _: Option<&Division>) -> Result<Losses> {
        over_all(pass, &[ViewKind::Strong], |pass, batch, number| {
            let y = pass.labels(&batch.samples)?;
            let mixup = Mixup::draw(batch.samples.len(), self.alpha, &mut pass.mix(number).rng());
            let logits = pass.forward(&mixup.mix(&batch.views[0])?)?;
            Ok(Objective::of(cross_entropy(&logits, &pass.weigh_classes(&mixup.mix(&y)?)?)?))
        })
    }
}
