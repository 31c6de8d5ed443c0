//! Consistency under perturbation: the mean teacher (Tarvainen & Valpola 2017). The network's prediction of one view is to be what
//! its own moving average predicts of another, in training mode as in the authors' program. Where there are strong views, the
//! student gets one and the teacher a weak one.

use noisy_labels::division::Division;
use noisy_labels::losses::{lambda_u_ramp, unlabeled_loss};

use crate::method::refuse_ablation;
use crate::{
    Error, Hyperparameters, Losses, Method, NetworkEpoch, Objective, Phase, Result, Strength, ViewKind, Work,
    supervised_epoch,
};

/// The largest share of the teacher that is kept in a step.
const MOMENTUM: f64 = 0.99;

/// Cross entropy and the squared distance to the teacher's prediction. The second network is the teacher: it is updated towards
/// the first, and is not trained.
pub(super) struct Consistency;

impl Method for Consistency {
    fn name(&self) -> &'static str {
        "consistency"
    }

    fn networks(&self, _: &Hyperparameters) -> usize {
        2
    }

    /// Weight of the distance, a mean over samples and classes; it rises as lambda_u does, from 0 in warm-up.
    fn strength(&self) -> Option<Strength> {
        Some(Strength { usual: 10.0, most: f64::MAX })
    }

    fn check(&self, hyper: &Hyperparameters) -> Result<()> {
        refuse_ablation(hyper)?;
        match hyper.ema {
            None => Ok(()),
            Some(_) => Err(Error::Setting {
                name: "ema",
                problem: "is for other methods: consistency's teacher is such an average".to_owned(),
            }),
        }
    }

    /// The student is trained. The teacher evaluates a view of each sample once it is asked.
    fn work(&self, _: &Hyperparameters, phase: Phase, samples: usize, _: f64) -> Work {
        let evaluated = if phase == Phase::Train { samples } else { 0 };
        Work { evaluated, ..Work::plain_pass(samples) }
    }

    /// The teacher is updated from the first step on.
    fn warm_up(&self, pass: &mut NetworkEpoch<'_>) -> Result<Losses> {
        self.epoch(pass, None)
    }

    fn epoch(&self, pass: &mut NetworkEpoch<'_>, _: Option<&Division>) -> Result<Losses> {
        if pass.network_index() == 1 {
            return Ok(Losses::default());
        }
        let steps = pass.steps_per_epoch();
        supervised_epoch(pass, &[ViewKind::Strong, ViewKind::Weak], |pass, batch, number| {
            let (hyper, done) = (pass.hyperparameters(), pass.epoch() * steps + number);
            let epoch = done as f64 / steps as f64;
            // The teacher learns what the last step taught; the first time, it becomes the student.
            pass.update_teacher(MOMENTUM.min(1.0 - 1.0 / (done + 1) as f64))?;
            let y = pass.weigh_classes(&pass.labels(batch)?)?;
            let logits = pass.forward(&batch.views[0])?;
            let weight = lambda_u_ramp(pass.strength(), epoch, hyper.warmup as f64, hyper.lambda_u_ramp);
            let objective = Objective::new(pass.cross_entropy(&logits, &y)?);
            objective.with_term(weight, || {
                Ok(unlabeled_loss(&logits, &pass.mean_teacher_predictions(&batch.views[1])?)?)
            })
        })
    }
}
