//! An epoch over all its samples alike: what every method but DivideMix shares.

use candle_core::Tensor;
use candle_nn::ops::softmax_last_dim;

use crate::batches::shuffled;
use crate::pass::{Batch, Pass, Set, ViewKind};
use crate::{Losses, Result};

/// What a step goes down, and the parts of it that are told.
pub(super) struct Objective {
    loss: Tensor,
    loss_x: Tensor,
    loss_u: Option<Tensor>,
    loss_reg: Option<Tensor>,
}

impl Objective {
    /// A loss on labels alone.
    pub(super) fn of(loss_x: Tensor) -> Self {
        Self { loss: loss_x.clone(), loss_x, loss_u: None, loss_reg: None }
    }

    /// With a term on what the network says, told beside it; a weight of 0 leaves it out.
    pub(super) fn and(self, weight: f64, term: impl FnOnce() -> Result<Tensor>) -> Result<Self> {
        if weight == 0.0 {
            return Ok(self);
        }
        let term = term()?;
        Ok(Self { loss: (&self.loss + (&term * weight)?)?, loss_u: Some(term), ..self })
    }

    /// As much of the loss as the term leaves: 1 - `share` of it, and `share` of the term.
    pub(super) fn shared_with(self, share: f64, term: impl FnOnce() -> Result<Tensor>) -> Result<Self> {
        if share == 0.0 {
            return Ok(self);
        }
        Self { loss: (&self.loss * (1.0 - share))?, ..self }.and(share, term)
    }

    /// With L_reg, told beside it, too; a weight of 0 leaves it out.
    pub(super) fn regularised(self, weight: f64, term: impl FnOnce() -> Result<Tensor>) -> Result<Self> {
        if weight == 0.0 {
            return Ok(self);
        }
        let term = term()?;
        Ok(Self { loss: (&self.loss + (&term * weight)?)?, loss_reg: Some(term), ..self })
    }

    /// With a penalty that is not told, as warm-up has it; a weight of 0 leaves it out.
    pub(super) fn penalised(self, weight: f64, penalty: impl FnOnce() -> Result<Tensor>) -> Result<Self> {
        if weight == 0.0 {
            return Ok(self);
        }
        Ok(Self { loss: (&self.loss + (penalty()? * weight)?)?, ..self })
    }
}

/// A step a batch of all the epoch's samples, with `views` of each; `objective` gets the batch and its number.
pub(super) fn over_all(
    pass: &mut Pass,
    views: &[ViewKind],
    mut objective: impl FnMut(&mut Pass, &Batch, usize) -> Result<Objective>,
) -> Result<Losses> {
    let batches = shuffled(pass.samples, pass.hyper.batch, pass.order(Set::All));
    pass.start(batches.len())?;
    for (number, batch) in pass.views(batches, views, Set::All).enumerate() {
        let batch = batch?;
        let Objective { loss, loss_x, loss_u, loss_reg } = objective(pass, &batch, number)?;
        pass.step(&loss, batch.samples.len(), &loss_x, loss_u.as_ref(), loss_reg.as_ref())?;
    }
    Ok(pass.mean_losses())
}

/// What the network says with these logits `[B, C]`, as a target: probabilities without gradient.
pub(super) fn said(logits: &Tensor) -> Result<Tensor> {
    Ok(softmax_last_dim(&logits.detach())?)
}
