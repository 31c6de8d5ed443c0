//! Reweighting: a sample counts by the probability that its label is clean (the mixture of losses of DivideMix, on the network's own
//! losses), and keeps that label. Separating clean from noisy samples, as DivideMix does, is its extreme.

use noisy_labels::division::Division;
use noisy_labels::losses::cross_entropy;

use super::over_all::{Objective, over_all};
use super::{Plain, Recipe};
use crate::pass::{Pass, ViewKind};
use crate::{Losses, Result};

/// Cross entropy in which a sample has the weight (1 - s) + s w / mean(w).
pub(crate) struct Reweight {
    /// s
    pub strength: f64,
}

impl Recipe for Reweight {
    fn epoch(&self, pass: &mut Pass, division: Option<&Division>) -> Result<Losses> {
        let Some(division) = division.filter(|division| pass.is_told_apart(division)) else {
            return Plain::CROSS_ENTROPY.epoch(pass, None);
        };
        let clean: f64 = pass.samples.iter().map(|&sample| division.clean_probability[sample]).sum();
        let mean = clean / pass.samples.len() as f64;
        over_all(pass, &[ViewKind::Strong], |pass, batch, _| {
            let w = pass.clean_probability(&batch.samples, division)?;
            let weight = w.affine(self.strength / mean, 1.0 - self.strength)?.unsqueeze(1)?;
            let y = pass.labels(&batch.samples)?.broadcast_mul(&weight)?;
            let logits = pass.forward(&batch.views[0])?;
            Ok(Objective::of(cross_entropy(&logits, &pass.weigh_classes(&y)?)?))
        })
    }

    fn divides(&self) -> bool {
        true
    }
}
