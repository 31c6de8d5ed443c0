//! Joint optimisation of the network and the labels (Tanaka et al. 2018): all samples alike are relabelled by what the network said of
//! them in the last epochs. Without more, one class for all samples would be the best of labels: two regularisers are against that.
//!
//! There, the predictions are those of training's views, and a second training from first weights takes the labels found. Here they
//! are evaluation's, which the loop has anyway, and the network stays.

use noisy_labels::division::Division;
use noisy_labels::losses::{cross_entropy, negative_entropy, prior_loss};
use noisy_labels::soft::bootstrap;

use super::over_all::{Objective, over_all};
use super::{Plain, Recipe};
use crate::pass::{Pass, ViewKind};
use crate::{Error, Losses, Result};

/// alpha, the weight of L_p: the authors' for CIFAR-10.
const ALPHA: f64 = 1.2;

/// beta, that of L_e.
const BETA: f64 = 0.8;

/// -y' log p + s (alpha L_p + beta L_e), with y' = (1 - s) y + s m: m the mean prediction, L_p the divergence of the batch's prediction
/// from an even one, L_e the predictions' entropy.
pub(crate) struct Joint {
    /// s
    pub share: f64,
}

impl Recipe for Joint {
    fn epoch(&self, pass: &mut Pass, _: Option<&Division>) -> Result<Losses> {
        if self.share == 0.0 {
            return Plain::CROSS_ENTROPY.epoch(pass, None);
        }
        over_all(pass, &[ViewKind::Strong], |pass, batch, _| {
            let Some(said) = pass.mean_predictions(&batch.samples)? else {
                return Err(Error::Data(
                    "labels can't be replaced before the network said anything".to_owned(),
                ));
            };
            let y = bootstrap(&pass.labels(&batch.samples)?, &said, self.share)?;
            let logits = pass.forward(&batch.views[0])?;
            Objective::of(cross_entropy(&logits, &pass.weigh_classes(&y)?)?)
                .regularised(self.share * ALPHA, || Ok(prior_loss(&logits)?))?
                .penalised(-self.share * BETA, || Ok(negative_entropy(&logits)?))
        })
    }

    fn averages_predictions(&self) -> bool {
        self.share > 0.0
    }
}
