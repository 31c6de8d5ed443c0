//! Consistency under perturbation: the mean teacher (Tarvainen & Valpola 2017). What the network says of one view is to be what
//! its own moving average says of another, in training mode as in the authors' program. Where there are strong views, the student
//! gets one and the teacher a weak one.

use noisy_labels::division::Division;
use noisy_labels::losses::{cross_entropy, lambda_u_ramp, unlabeled_loss};

use super::Recipe;
use super::over_all::{Objective, over_all};
use crate::pass::{Pass, ViewKind};
use crate::{Losses, Result};

/// The most that the teacher keeps of itself in a step.
const MOMENTUM: f64 = 0.99;

/// Cross entropy and the squared distance to the teacher's prediction. The second network is the teacher: it follows the
/// first, and is not trained.
pub(crate) struct Consistency {
    /// Weight of the distance, a mean over samples and classes; it rises as lambda_u does, from 0 in warm-up.
    pub weight: f64,
}

impl Recipe for Consistency {
    fn epoch(&self, pass: &mut Pass, _: Option<&Division>) -> Result<Losses> {
        if pass.is_second() {
            return Ok(Losses::default());
        }
        let steps = pass.steps_over_all();
        over_all(pass, &[ViewKind::Strong, ViewKind::Weak], |pass, batch, number| {
            let (hyper, done) = (pass.hyper, pass.epoch * steps + number);
            let epoch = done as f64 / steps as f64;
            // What was learned by the last step; the first time, the teacher becomes the student.
            pass.lead(MOMENTUM.min(1.0 - 1.0 / (done + 1) as f64))?;
            let y = pass.weigh_classes(&pass.labels(&batch.samples)?)?;
            let logits = pass.forward(&batch.views[0])?;
            let weight = lambda_u_ramp(self.weight, epoch, hyper.warmup as f64, hyper.lambda_u_ramp);
            let objective = Objective::of(cross_entropy(&logits, &y)?);
            objective.and(weight, || Ok(unlabeled_loss(&logits, &pass.peer_now(&batch.views[1])?)?))
        })
    }
}
