//! Label smoothing (Szegedy et al. 2016, section 7): a part of each label is spread over all classes.

use noisy_labels::division::Division;
use noisy_labels::losses::cross_entropy;
use noisy_labels::soft::smooth;

use super::Recipe;
use super::over_all::{Objective, over_all};
use crate::pass::{Pass, ViewKind};
use crate::{Losses, Result};

/// y (1 - a) + a / C, for all samples alike.
pub(crate) struct Smooth {
    /// a
    pub amount: f64,
}

impl Recipe for Smooth {
    fn epoch(&self, pass: &mut Pass, _: Option<&Division>) -> Result<Losses> {
        over_all(pass, &[ViewKind::Strong], |pass, batch, _| {
            let y = smooth(&pass.labels(&batch.samples)?, self.amount)?;
            let logits = pass.forward(&batch.views[0])?;
            Ok(Objective::of(cross_entropy(&logits, &pass.weigh_classes(&y)?)?))
        })
    }
}
