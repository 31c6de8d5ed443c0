//! Relabelling, all samples alike: soft bootstrapping (Reed et al. 2015). DivideMix's co-refinement does it by each sample's own
//! clean probability.

use noisy_labels::division::Division;
use noisy_labels::soft::bootstrap;

use crate::supervised::detached_softmax;
use crate::{Losses, Method, NetworkEpoch, Objective, Result, Strength, ViewKind, supervised_epoch};

/// Cross entropy of (1 - s) y + s p, with the prediction p of the step itself.
pub(super) struct Relabel;

impl Method for Relabel {
    fn name(&self) -> &'static str {
        "relabel"
    }

    fn strength(&self) -> Option<Strength> {
        Some(Strength { usual: 0.2, most: 1.0 })
    }

    fn epoch(&self, pass: &mut NetworkEpoch<'_>, _: Option<&Division>) -> Result<Losses> {
        supervised_epoch(pass, &[ViewKind::Strong], |pass, batch, _| {
            let logits = pass.forward(&batch.views[0])?;
            let y = bootstrap(&pass.labels(batch)?, &detached_softmax(&logits)?, pass.strength())?;
            let y = pass.keep_sure(batch, y)?;
            Ok(Objective::new(pass.cross_entropy(&logits, &pass.weigh_classes(&y)?)?))
        })
    }
}
