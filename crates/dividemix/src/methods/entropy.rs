//! Entropy minimisation (Grandvalet & Bengio 2004): a network is to be sure of what it says, whatever the label.

use noisy_labels::division::Division;
use noisy_labels::losses::{cross_entropy, negative_entropy};

use super::Recipe;
use super::over_all::{Objective, over_all};
use crate::pass::Pass;
use crate::{Losses, Result};

/// Cross entropy and the entropy of the predictions.
pub(crate) struct Entropy {
    /// Weight of the entropy; the opposite of a confidence penalty.
    pub weight: f64,
}

impl Recipe for Entropy {
    fn epoch(&self, pass: &mut Pass, _: Option<&Division>) -> Result<Losses> {
        over_all(pass, 1, |pass, batch, _| {
            let y = pass.weigh_classes(&pass.labels(&batch.samples)?)?;
            let logits = pass.forward(&batch.views[0])?;
            let entropy = || Ok(negative_entropy(&logits)?.neg()?);
            Objective::of(cross_entropy(&logits, &y)?).and(self.weight, entropy)
        })
    }
}
