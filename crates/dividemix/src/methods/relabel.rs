//! Relabelling, all samples alike: soft bootstrapping (Reed et al. 2015). DivideMix's co-refinement does it by each sample's own
//! clean probability.

use noisy_labels::division::Division;
use noisy_labels::losses::cross_entropy;
use noisy_labels::soft::bootstrap;

use super::Recipe;
use super::over_all::{Objective, over_all, said};
use crate::pass::{Pass, ViewKind};
use crate::{Losses, Result};

/// (1 - a) y + a p, with the prediction p of the step itself.
pub(crate) struct Relabel {
    /// a
    pub amount: f64,
}

impl Recipe for Relabel {
    fn epoch(&self, pass: &mut Pass, _: Option<&Division>) -> Result<Losses> {
        over_all(pass, &[ViewKind::Strong], |pass, batch, _| {
            let logits = pass.forward(&batch.views[0])?;
            let y = bootstrap(&pass.labels(&batch.samples)?, &said(&logits)?, self.amount)?;
            Ok(Objective::of(cross_entropy(&logits, &pass.weigh_classes(&y)?)?))
        })
    }
}
