//! DivideMix: the inner half of Algorithm 1 (Li, Socher & Hoi, ICLR 2020), lines 7 to 28.
//!
//! Line numbers are those of the paper; docs/algorithm.md maps each to its function. Where the paper is silent, the
//! authors' code (Train_cifar.py) decides: an epoch has as many steps as the labeled set has batches, the unlabeled
//! batches start over when they run out, guesses are made in training mode on the very views that are trained on. With strong
//! views it is AugDesc-WS (Nishi et al., CVPR 2021, "Augmentation Strategies for Learning with Noisy Labels"): these are trained
//! on, and guesses are made on weak ones.

#[cfg(test)]
mod reference;

use candle_core::Tensor;
use noisy_labels::division::Division;
use noisy_labels::losses::{lambda_u_ramp, prior_loss, unlabeled_loss};
use noisy_labels::mixup::Mixup;
use noisy_labels::soft::{co_guess, co_refine, sharpen};

use crate::division::kept;
use crate::supervised::{cross_entropy_epoch, penalised_epoch};
use crate::{
    Ablation, Hyperparameters, Losses, Method, Needs, NetworkEpoch, Objective, Phase, Result, SampleSet,
    ViewKind, Work,
};

/// DivideMix.
pub(crate) struct DivideMix;

impl Method for DivideMix {
    fn name(&self) -> &'static str {
        "dividemix"
    }

    fn networks(&self, hyper: &Hyperparameters) -> usize {
        if hyper.ablation == Some(Ablation::CoTraining) { 1 } else { 2 }
    }

    fn needs(&self, _: f64) -> Needs {
        Needs { division: true, ..Needs::default() }
    }

    /// DivideMix has ablations.
    fn check(&self, _: &Hyperparameters) -> Result<()> {
        Ok(())
    }

    fn work(&self, hyper: &Hyperparameters, phase: Phase, samples: usize, clean: f64) -> Work {
        let a_network = match phase {
            Phase::WarmUp => Work::plain_pass(samples),
            Phase::Train => {
                let labeled = (clean.clamp(0.0, 1.0) * samples as f64).round() as usize;
                Work { fits: 1, ..Work::dividemix_pass(labeled, samples - labeled, hyper) }
            }
        };
        a_network * self.networks(hyper)
    }

    /// 2: warm-up with the confidence penalty, on weak views as AugDesc-WS's (`presets.json` of github
    /// KentoNishi/Augmentation-for-LNL; strong ones are a variant of theirs, SAW).
    fn warm_up(&self, pass: &mut NetworkEpoch<'_>) -> Result<Losses> {
        penalised_epoch(pass, pass.hyperparameters().warmup_penalty, ViewKind::Weak)
    }

    fn epoch(&self, pass: &mut NetworkEpoch<'_>, division: Option<&Division>) -> Result<Losses> {
        let Some(division) = division.filter(|d| pass.has_two_sets(d)) else {
            return cross_entropy_epoch(pass);
        };
        let hyper = pass.hyperparameters();
        // 7, 8: the labeled set, with labels and clean probabilities, and the unlabeled set, its labels dropped.
        let labeled = pass.shuffled(&division.labeled, SampleSet::Labeled);
        let unlabeled = pass.endless(division.unlabeled.clone(), SampleSet::Unlabeled);
        let lambda_u = hyper.lambda_u(kept(division));
        let iterations = labeled.len();
        pass.start(iterations)?;
        // 9 to 16: mini-batches of both (of the labeled set alone, where nothing is taken from the other), M views of each sample;
        // where there are strong ones, M of these to train on.
        let m = hyper.augmentations;
        let mut kinds = vec![ViewKind::Weak; m];
        if hyper.strong_views {
            kinds.extend(vec![ViewKind::Strong; m]);
        }
        let unlabeled = hyper.uses_unlabeled(kept(division)).then_some(unlabeled);
        // Guesses are made on the first M of them, and the last M are trained on: without strong ones, the same.
        let last = kinds.len() - m;
        for (iteration, batches) in pass.views_of_both(labeled, unlabeled, &kinds).enumerate() {
            let (x, u) = batches?;
            let y = pass.given_labels(&x)?;
            let w = pass.clean_probability(&x, division)?;

            let y = if hyper.refines() {
                // 17: average this network's predictions across the views of x.
                let p = co_guess(&pass.predictions(&x.views[..m])?)?;
                // 18: refine the label by the clean probability that the other network's losses gave.
                co_refine(&y, &w, &p)?
            } else {
                y
            };
            // 19
            let y = sharpen(&y, hyper.temperature)?;
            let in_labeled = x.samples.len() * m;
            let mut views = x.views[last..].to_vec();
            let mut targets = vec![y; m];
            if let Some(u) = u {
                // 20: co-guess: average both networks' predictions across the views of u.
                let mut guesses = pass.predictions(&u.views[..m])?;
                if hyper.co_guesses() {
                    guesses.extend(pass.peer_predictions(&u.views[..m])?);
                }
                let q = co_guess(&guesses)?;
                // 21
                let q = sharpen(&q, hyper.temperature)?;
                views.extend_from_slice(&u.views[last..]);
                targets.extend(vec![q; m]);
            }

            // 23 to 25: MixMatch over the union of both augmented batches.
            let batch = Tensor::cat(&views, 0)?;
            drop((x.views, views)); // much memory, which the backward pass can have
            let targets = Tensor::cat(&targets, 0)?;
            let rows = targets.dim(0)?;
            let mixup = Mixup::draw(rows, hyper.mixup_alpha, &mut pass.mix(iteration).rng());
            let targets = mixup.mix(&targets)?;
            let logits = pass.forward(&mixup.mix(&batch)?)?;

            let loss_x = pass.cross_entropy(
                &logits.narrow(0, 0, in_labeled)?,
                &pass.weigh_classes(&targets.narrow(0, 0, in_labeled)?)?,
            )?;
            let loss_u = (rows > in_labeled)
                .then(|| {
                    let of_unlabeled = |t: &Tensor| t.narrow(0, in_labeled, rows - in_labeled);
                    unlabeled_loss(&of_unlabeled(&logits)?, &of_unlabeled(&targets)?)
                })
                .transpose()?;
            let loss_reg = prior_loss(&logits)?;
            // 26: L = L_X + lambda_u L_U + lambda_r L_reg
            let epoch = pass.epoch() as f64 + iteration as f64 / iterations as f64;
            let lambda_u = lambda_u_ramp(lambda_u, epoch, hyper.warmup as f64, hyper.lambda_u_ramp);
            let loss = match &loss_u {
                Some(loss_u) => (&loss_x + (loss_u * lambda_u)?)?,
                None => loss_x.clone(),
            };
            let loss = (loss + (&loss_reg * hyper.lambda_r)?)?;
            // 27: one SGD step on this network alone.
            pass.step(&Objective { loss, loss_x, loss_u, loss_reg: Some(loss_reg) }, rows)?;
        }
        Ok(pass.mean_losses())
    }
}
