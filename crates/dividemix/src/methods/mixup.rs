//! mixup (Zhang et al. 2018): a network is to be linear between samples, so that it memorises no single label.

use noisy_labels::division::Division;
use noisy_labels::mixup::Mixup as Mix;

use crate::{Losses, Method, NetworkEpoch, Objective, Result, Strength, ViewKind, supervised_epoch};

/// Cross entropy of x' = l x + (1 - l) x2 and y' = l y + (1 - l) y2, with l ~ Beta(s, s), at least 1/2, one a batch.
pub(super) struct Mixup;

impl Method for Mixup {
    fn name(&self) -> &'static str {
        "mixup"
    }

    /// alpha of the Beta distribution; 0 mixes nothing.
    fn strength(&self) -> Option<Strength> {
        Some(Strength { usual: 1.0, most: f64::MAX })
    }

    fn warm_up(&self, pass: &mut NetworkEpoch<'_>) -> Result<Losses> {
        self.epoch(pass, None)
    }

    fn epoch(&self, pass: &mut NetworkEpoch<'_>, _: Option<&Division>) -> Result<Losses> {
        supervised_epoch(pass, &[ViewKind::Strong], |pass, batch, number| {
            let y = pass.labels(batch)?;
            let mix = Mix::draw(batch.samples.len(), pass.strength(), &mut pass.mix(number).rng());
            let logits = pass.forward(&mix.mix(&batch.views[0])?)?;
            Ok(Objective::new(pass.cross_entropy(&logits, &pass.weigh_classes(&mix.mix(&y)?)?)?))
        })
    }
}
