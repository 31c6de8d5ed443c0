//! Joint optimisation of the network and the labels (Tanaka et al. 2018): all samples alike are relabelled by the average of the
//! network's predictions in the last epochs. Alone, this has its best labels where all samples are of one class: two regularisers
//! are against that.
//!
//! In the paper, the predictions are those of training's views, and a second training from first weights takes the labels found.
//! Here they are evaluation's, which the loop has anyway, and the network stays.

use noisy_labels::division::Division;
use noisy_labels::losses::{negative_entropy, prior_loss};
use noisy_labels::soft::bootstrap;

use crate::supervised::cross_entropy_epoch;
use crate::{
    Error, Losses, Method, Needs, NetworkEpoch, Objective, Result, Strength, ViewKind, supervised_epoch,
};

/// alpha, the weight of L_p: the authors' for CIFAR-10.
const ALPHA: f64 = 1.2;

/// beta, the weight of L_e.
const BETA: f64 = 0.8;

/// -y' log p + s (alpha L_p + beta L_e), with y' = (1 - s) y + s m: m the mean prediction, L_p the divergence of the batch's prediction
/// from an even one, L_e the predictions' entropy.
pub(super) struct Joint;

impl Method for Joint {
    fn name(&self) -> &'static str {
        "joint"
    }

    /// The predictions' share of the labels; the regularisers are multiplied by it.
    fn strength(&self) -> Option<Strength> {
        Some(Strength { usual: 1.0, most: 1.0 })
    }

    fn needs(&self, strength: f64) -> Needs {
        Needs { mean_predictions: strength > 0.0, warm_up: true, ..Needs::default() }
    }

    fn epoch(&self, pass: &mut NetworkEpoch<'_>, _: Option<&Division>) -> Result<Losses> {
        let share = pass.strength();
        if share == 0.0 {
            return cross_entropy_epoch(pass);
        }
        supervised_epoch(pass, &[ViewKind::Strong], |pass, batch, _| {
            let Some(predicted) = pass.mean_predictions(batch)? else {
                return Err(Error::Data(
                    "labels can't be replaced before the network predicted any".to_owned(),
                ));
            };
            let y = pass.keep_sure(batch, bootstrap(&pass.labels(batch)?, &predicted, share)?)?;
            let logits = pass.forward(&batch.views[0])?;
            Objective::new(pass.cross_entropy(&logits, &pass.weigh_classes(&y)?)?)
                .with_regulariser(share * ALPHA, || Ok(prior_loss(&logits)?))?
                .with_penalty(-share * BETA, || Ok(negative_entropy(&logits)?))
        })
    }
}
