//! Label smoothing (Szegedy et al. 2016, section 7): a part of each label is spread over all classes.

use noisy_labels::division::Division;
use noisy_labels::soft::smooth;

use crate::{Losses, Method, NetworkEpoch, Objective, Result, Strength, ViewKind, supervised_epoch};

/// Cross entropy of y (1 - s) + s / C, for all samples alike.
pub(super) struct Smooth;

impl Method for Smooth {
    fn name(&self) -> &'static str {
        "smooth"
    }

    fn strength(&self) -> Option<Strength> {
        Some(Strength { usual: 0.1, most: 1.0 })
    }

    fn warm_up(&self, pass: &mut NetworkEpoch<'_>) -> Result<Losses> {
        self.epoch(pass, None)
    }

    fn epoch(&self, pass: &mut NetworkEpoch<'_>, _: Option<&Division>) -> Result<Losses> {
        supervised_epoch(pass, &[ViewKind::Strong], |pass, batch, _| {
            let y = smooth(&pass.labels(batch)?, pass.strength())?;
            let logits = pass.forward(&batch.views[0])?;
            Ok(Objective::new(pass.cross_entropy(&logits, &pass.weigh_classes(&y)?)?))
        })
    }
}
