//! Knowledge distillation (Hinton, Vinyals & Dean 2015): a teacher's soft labels beside the given ones. It is label smoothing in which
//! a teacher chooses where the mass goes.

use noisy_labels::division::Division;
use noisy_labels::losses::{cross_entropy, distillation};

use super::Recipe;
use super::over_all::{Objective, over_all};
use crate::pass::{Pass, ViewKind};
use crate::{Error, Losses, Result};

/// (1 - a) L_X + a T^2 KL(teacher at T || student at T).
pub(crate) struct Distill {
    /// a
    pub share: f64,
    /// T
    pub temperature: f64,
}

impl Recipe for Distill {
    fn epoch(&self, pass: &mut Pass, _: Option<&Division>) -> Result<Losses> {
        over_all(pass, &[ViewKind::Strong], |pass, batch, _| {
            let y = pass.weigh_classes(&pass.labels(&batch.samples)?)?;
            let logits = pass.forward(&batch.views[0])?;
            let loss_x = cross_entropy(&logits, &y)?;
            let Some(teacher) = pass.teacher(&batch.samples)? else {
                return Err(Error::Data("a student needs a teacher's logits of its samples".to_owned()));
            };
            let term = || Ok(distillation(&logits, &teacher, self.temperature)?);
            Objective::of(loss_x).shared_with(self.share, term)
        })
    }
}
