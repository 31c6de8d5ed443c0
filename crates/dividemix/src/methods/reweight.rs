//! Reweighting: a sample counts by the probability that its label is clean (the mixture of losses of DivideMix, on the network's own
//! losses), and keeps that label. DivideMix's separation of clean from noisy samples is its extreme.

use noisy_labels::division::Division;

use crate::supervised::cross_entropy_epoch;
use crate::{
    Hyperparameters, Losses, Method, Needs, NetworkEpoch, Objective, Phase, Result, Strength, ViewKind, Work,
    supervised_epoch,
};

/// Cross entropy in which a sample has the weight (1 - s) + s w / mean(w).
pub(super) struct Reweight;

impl Method for Reweight {
    fn name(&self) -> &'static str {
        "reweight"
    }

    fn strength(&self) -> Option<Strength> {
        Some(Strength { usual: 1.0, most: 1.0 })
    }

    fn needs(&self, _: f64) -> Needs {
        Needs { division: true, ..Needs::default() }
    }

    fn work(&self, _: &Hyperparameters, phase: Phase, samples: usize, _: f64) -> Work {
        Work { fits: usize::from(phase == Phase::Train), ..Work::plain_pass(samples) }
    }

    fn epoch(&self, pass: &mut NetworkEpoch<'_>, division: Option<&Division>) -> Result<Losses> {
        let Some(division) = division.filter(|division| pass.is_sound(division)) else {
            return cross_entropy_epoch(pass);
        };
        let strength = pass.strength();
        let clean: f64 = pass.samples().iter().map(|&sample| division.clean_probability[sample]).sum();
        let mean = clean / pass.samples().len() as f64;
        supervised_epoch(pass, &[ViewKind::Strong], |pass, batch, _| {
            let w = pass.clean_probability(batch, division)?;
            let weight = w.affine(strength / mean, 1.0 - strength)?.unsqueeze(1)?;
            let y = pass.labels(batch)?.broadcast_mul(&weight)?;
            let logits = pass.forward(&batch.views[0])?;
            Ok(Objective::new(pass.cross_entropy(&logits, &pass.weigh_classes(&y)?)?))
        })
    }
}
