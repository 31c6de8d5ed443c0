//! Loss correction (Patrini et al. 2017, forward): the network's prediction is made as noisy as the labels before both are
//! compared. The noise is what the network itself says of the labels at the end of warm-up (confident learning).

use candle_core::{Device, Tensor};
use noisy_labels::division::Division;
use noisy_labels::losses::forward_correction;

use super::over_all::{Objective, over_all};
use super::{Plain, Recipe};
use crate::pass::{Pass, ViewKind};
use crate::{Losses, Result};

/// Cross entropy of the given labels with p ((1 - s) I + s T).
pub(crate) struct Forward {
    /// s
    pub strength: f64,
}

impl Recipe for Forward {
    fn epoch(&self, pass: &mut Pass, _: Option<&Division>) -> Result<Losses> {
        let Some(transition) = pass.transition().filter(|_| self.strength > 0.0) else {
            return Plain { penalty: 0.0, view: ViewKind::Strong }.epoch(pass, None);
        };
        let classes = pass.data.classes;
        let transition = Tensor::from_slice(transition, (classes, classes), &Device::Cpu)?;
        let none = (Tensor::eye(classes, transition.dtype(), &Device::Cpu)? * (1.0 - self.strength))?;
        let transition = (none + (transition * self.strength)?)?;
        over_all(pass, &[ViewKind::Strong], |pass, batch, _| {
            let y = pass.weigh_classes(&pass.labels(&batch.samples)?)?;
            let logits = pass.forward(&batch.views[0])?;
            Ok(Objective::of(forward_correction(&logits, &y, &transition)?))
        })
    }

    fn needs_transition(&self) -> bool {
        true
    }
}
