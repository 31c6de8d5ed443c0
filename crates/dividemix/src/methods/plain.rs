//! Plain training on all labels: warm-up, `--method ce`, and DivideMix's epochs that can't be divided.

use noisy_labels::division::Division;
use noisy_labels::losses::{cross_entropy, negative_entropy};

use super::Recipe;
use crate::batches::shuffled;
use crate::pass::{Pass, Set};
use crate::{Losses, Result};

/// Cross entropy, with a penalty on confident predictions where its weight isn't 0.
pub(crate) struct Plain {
    /// Weight of the confidence penalty: loss = -y log p + penalty * p log p (Pereyra et al. 2017).
    pub penalty: f64,
}

impl Recipe for Plain {
    fn epoch(&self, pass: &mut Pass, _: Option<&Division>) -> Result<Losses> {
        let all: Vec<usize> = (0..pass.data.labels.len()).collect();
        let batches = shuffled(&all, pass.hyper.batch, pass.order(Set::All));
        pass.start(batches.len())?;
        for batch in pass.views(batches, 1, Set::All) {
            let batch = batch?;
            let targets = pass.weigh_classes(&pass.labels(&batch.samples)?)?;
            let logits = pass.forward(&batch.views[0])?;
            let loss_x = cross_entropy(&logits, &targets)?;
            let loss = if self.penalty == 0.0 {
                loss_x.clone()
            } else {
                (&loss_x + (negative_entropy(&logits)? * self.penalty)?)?
            };
            pass.step(&loss, batch.samples.len(), &loss_x, None, None)?;
        }
        Ok(pass.mean_losses())
    }

    fn divides(&self) -> bool {
        false
    }
}
