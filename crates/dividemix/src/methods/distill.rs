//! Knowledge distillation (Hinton, Vinyals & Dean 2015): a teacher's soft labels beside the given ones. It is label smoothing in which
//! a teacher chooses how the mass is spread.

use noisy_labels::division::Division;
use noisy_labels::losses::distillation;

use crate::{
    Error, Losses, Method, Needs, NetworkEpoch, Objective, Result, Strength, ViewKind, supervised_epoch,
};

/// (1 - s) L_X + s T^2 KL(teacher at T || student at T).
pub(super) struct Distill;

impl Method for Distill {
    fn name(&self) -> &'static str {
        "distill"
    }

    fn strength(&self) -> Option<Strength> {
        Some(Strength { usual: 0.5, most: 1.0 })
    }

    fn needs(&self, _: f64) -> Needs {
        Needs { teacher: true, ..Needs::default() }
    }

    fn warm_up(&self, pass: &mut NetworkEpoch<'_>) -> Result<Losses> {
        self.epoch(pass, None)
    }

    fn epoch(&self, pass: &mut NetworkEpoch<'_>, _: Option<&Division>) -> Result<Losses> {
        let temperature = pass.hyperparameters().teacher_temperature;
        supervised_epoch(pass, &[ViewKind::Strong], |pass, batch, _| {
            let y = pass.weigh_classes(&pass.labels(batch)?)?;
            let logits = pass.forward(&batch.views[0])?;
            let loss_x = pass.cross_entropy(&logits, &y)?;
            let Some(teacher) = pass.teacher_logits(batch)? else {
                return Err(Error::Data("a student needs a teacher's logits of its samples".to_owned()));
            };
            let term = || Ok(distillation(&logits, &teacher, temperature)?);
            Objective::new(loss_x).interpolated(pass.strength(), term)
        })
    }
}
