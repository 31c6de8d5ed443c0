//! Plain training on all labels: warm-up, `--method ce`, `penalty` and `entropy`, and DivideMix's epochs that can't be divided.

use noisy_labels::division::Division;
use noisy_labels::losses::{cross_entropy, negative_entropy};

use super::Recipe;
use super::over_all::{Objective, over_all};
use crate::pass::{Pass, ViewKind};
use crate::{Losses, Result};

/// Cross entropy, with a penalty on confident (or on doubtful) predictions where its weight isn't 0.
pub(crate) struct Plain {
    /// Weight of the confidence penalty: loss = -y log p + penalty * p log p (Pereyra et al. 2017). Below 0 it is entropy
    /// minimisation: the network is to be sure of what it says, whatever the label (Grandvalet & Bengio 2004).
    pub penalty: f64,
    /// What is trained on.
    pub view: ViewKind,
}

impl Plain {
    /// Cross entropy alone: what a method falls back to.
    pub(crate) const CROSS_ENTROPY: Self = Self { penalty: 0.0, view: ViewKind::Strong };
}

impl Recipe for Plain {
    fn epoch(&self, pass: &mut Pass, _: Option<&Division>) -> Result<Losses> {
        over_all(pass, &[self.view], |pass, batch, _| {
            let targets = pass.weigh_classes(&pass.labels(&batch.samples)?)?;
            let logits = pass.forward(&batch.views[0])?;
            Objective::of(cross_entropy(&logits, &targets)?)
                .penalised(self.penalty, || Ok(negative_entropy(&logits)?))
        })
    }
}
