//! DivideMix: the inner half of Algorithm 1 (Li, Socher & Hoi, ICLR 2020), lines 7 to 28.
//!
//! Line numbers are those of the paper; docs/algorithm.md maps each to its function. Where the paper is silent, the
//! authors' code (Train_cifar.py) decides: an epoch has as many steps as the labeled set has batches, the unlabeled
//! batches start over when they run out, guesses are made in training mode on the very views that are trained on. With strong
//! views it is AugDesc-WS (Nishi et al., CVPR 2021, "Augmentation Strategies for Learning with Noisy Labels"): these are trained
//! on, and guesses are made on weak ones.

use candle_core::Tensor;
use noisy_labels::division::Division;
use noisy_labels::losses::{cross_entropy, lambda_u_ramp, prior_loss, unlabeled_loss};
use noisy_labels::mixup::Mixup;
use noisy_labels::soft::{co_guess, co_refine, sharpen};

use super::{Plain, Recipe};
use crate::batches::{endless, shuffled};
use crate::division::kept;
use crate::pass::{Pass, Set, ViewKind};
use crate::{Losses, Result};

/// DivideMix after warm-up.
pub(crate) struct DivideMix;

impl Recipe for DivideMix {
    fn epoch(&self, pass: &mut Pass, division: Option<&Division>) -> Result<Losses> {
        let Some(division) = division.filter(|d| pass.can_use(d)) else {
            return Plain::CROSS_ENTROPY.epoch(pass, None);
        };
        let hyper = pass.hyper;
        // 7, 8: the labeled set, with labels and clean probabilities, and the unlabeled set, its labels dropped.
        let labeled = shuffled(&division.labeled, hyper.batch, pass.order(Set::Labeled));
        let unlabeled = endless(division.unlabeled.clone(), hyper.batch, pass.order(Set::Unlabeled));
        let lambda_u = hyper.lambda_u(kept(division));
        let iterations = labeled.len();
        pass.start(iterations)?;
        // 9 to 16: mini-batches of both, M views of each sample; where there are strong ones, M of these to train on.
        let m = hyper.augmentations;
        let mut kinds = vec![ViewKind::Weak; m];
        if hyper.strong_views {
            kinds.extend(vec![ViewKind::Strong; m]);
        }
        let x = pass.views(labeled, &kinds, Set::Labeled);
        let u = pass.views(unlabeled, &kinds, Set::Unlabeled);
        // Guesses are made on the first M of them, and the last M are trained on: without strong ones, the same.
        let last = kinds.len() - m;
        for (iteration, (x, u)) in x.zip(u).enumerate() {
            let (x, u) = (x?, u?);
            let y = pass.given_labels(&x.samples)?;
            let w = pass.clean_probability(&x.samples, division)?;

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
            // 20: co-guess: average both networks' predictions across the views of u.
            let mut guesses = pass.predictions(&u.views[..m])?;
            if hyper.co_guesses() {
                guesses.extend(pass.peer_predictions(&u.views[..m])?);
            }
            let q = co_guess(&guesses)?;
            // 21
            let q = sharpen(&q, hyper.temperature)?;

            // 23 to 25: MixMatch over the union of both augmented batches.
            let views = Tensor::cat(&[&x.views[last..], &u.views[last..]].concat(), 0)?;
            drop((x.views, u.views)); // much memory, which the backward pass can have
            let targets = [vec![y; m], vec![q; m]].concat();
            let targets = Tensor::cat(&targets, 0)?;
            let mixup = Mixup::draw(targets.dim(0)?, hyper.mixup_alpha, &mut pass.mix(iteration).rng());
            let targets = mixup.mix(&targets)?;
            let logits = pass.forward(&mixup.mix(&views)?)?;

            let (rows, in_labeled) = (targets.dim(0)?, x.samples.len() * m);
            let in_unlabeled = rows - in_labeled;
            let loss_x = cross_entropy(
                &logits.narrow(0, 0, in_labeled)?,
                &pass.weigh_classes(&targets.narrow(0, 0, in_labeled)?)?,
            )?;
            let loss_u = unlabeled_loss(
                &logits.narrow(0, in_labeled, in_unlabeled)?,
                &targets.narrow(0, in_labeled, in_unlabeled)?,
            )?;
            let loss_reg = prior_loss(&logits)?;
            // 26: L = L_X + lambda_u L_U + lambda_r L_reg
            let epoch = pass.epoch as f64 + iteration as f64 / iterations as f64;
            let lambda_u = lambda_u_ramp(lambda_u, epoch, hyper.warmup as f64, hyper.lambda_u_ramp);
            let loss = ((&loss_x + (&loss_u * lambda_u)?)? + (&loss_reg * hyper.lambda_r)?)?;
            // 27: one SGD step on this network alone.
            pass.step(&loss, rows, &loss_x, Some(&loss_u), Some(&loss_reg))?;
        }
        Ok(pass.mean_losses())
    }

    fn divides(&self) -> bool {
        true
    }
}
