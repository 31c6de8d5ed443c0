//! Loss correction (Patrini et al. 2017) by T, the probability of each given label for each true class: what the network itself says
//! of the labels at the end of warm-up (confident learning). Forward, the network's prediction is made as noisy as the labels before
//! both are compared; backward, the labels' noise is undone in the loss.

use candle_core::{DType, Device, Tensor};
use noisy_labels::division::Division;
use noisy_labels::losses::{backward_correction, forward_correction};
use noisy_labels::noise::Transition;

use super::over_all::{Objective, over_all};
use super::{Plain, Recipe};
use crate::pass::{Pass, ViewKind};
use crate::{Losses, Result};

/// Cross entropy of the given labels with p ((1 - s) I + s T).
pub(crate) struct Forward {
    /// s
    pub strength: f64,
}

impl Recipe for Forward {
    fn epoch(&self, pass: &mut Pass, _: Option<&Division>) -> Result<Losses> {
        let Some(transition) = noise(pass, self.strength)? else {
            return Plain::CROSS_ENTROPY.epoch(pass, None);
        };
        over_all(pass, &[ViewKind::Strong], |pass, batch, _| {
            let y = pass.weigh_classes(&pass.labels(&batch.samples)?)?;
            let logits = pass.forward(&batch.views[0])?;
            Ok(Objective::of(forward_correction(&logits, &y, &transition)?))
        })
    }

    fn needs_transition(&self) -> bool {
        true
    }
}

/// The label's entry of ((1 - s) I + s T)^-1 l, l the cross entropy of each label.
pub(crate) struct Backward {
    /// s
    pub strength: f64,
}

/// How many times a loss may count by its correction. Of ten classes' labels it is 89 where 98 % are drawn evenly, and 50 where 49 % are
/// the next class: beyond that, a batch's sum is chance.
const LARGEST: f64 = 100.0;

impl Recipe for Backward {
    fn epoch(&self, pass: &mut Pass, _: Option<&Division>) -> Result<Losses> {
        let Some(transition) = noise(pass, self.strength)? else {
            return Plain::CROSS_ENTROPY.epoch(pass, None);
        };
        let Some(inverse) = undone(&transition)? else {
            pass.trains_plainly(
                "the labels of some classes are so alike that their noise can't be undone; a lower --strength, or \
                 --method forward, needs less of that",
            );
            return Plain::CROSS_ENTROPY.epoch(pass, None);
        };
        over_all(pass, &[ViewKind::Strong], |pass, batch, _| {
            let y = pass.weigh_classes(&pass.labels(&batch.samples)?)?;
            let logits = pass.forward(&batch.views[0])?;
            Ok(Objective::of(backward_correction(&logits, &y, &inverse)?))
        })
    }

    fn needs_transition(&self) -> bool {
        true
    }
}

/// (1 - s) I + s T `[classes, classes]`; none where that is I.
fn noise(pass: &Pass, strength: f64) -> Result<Option<Tensor>> {
    let Some(transition) = pass.transition().filter(|_| strength > 0.0) else { return Ok(None) };
    let classes = pass.data.classes;
    let transition = Tensor::from_slice(transition, (classes, classes), &Device::Cpu)?;
    let none = (Tensor::eye(classes, transition.dtype(), &Device::Cpu)? * (1.0 - strength))?;
    Ok(Some((none + (transition * strength)?)?))
}

/// The inverse of T `[classes, classes]`, unless it makes a loss grow beyond all measure.
fn undone(transition: &Tensor) -> Result<Option<Tensor>> {
    let rows = transition.to_dtype(DType::F64)?.to_vec2()?;
    let classes = rows.len();
    let inverse = Transition::new(rows)?.inverse().unwrap_or_else(|| vec![f64::INFINITY; classes.pow(2)]);
    let growth = |row: &[f64]| row.iter().map(|entry| entry.abs()).sum::<f64>();
    if inverse.chunks(classes).any(|row| growth(row) > LARGEST) {
        return Ok(None);
    }
    Ok(Some(Tensor::from_vec(inverse, (classes, classes), &Device::Cpu)?.to_dtype(transition.dtype())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_that_leaves_next_to_nothing_is_not_undone() {
        let symmetric = |left: f64| {
            let rest = ((1.0 - left) / 3.0) as f32;
            let entry = |place: usize| if place.is_multiple_of(4) { left as f32 + rest } else { rest };
            Tensor::from_vec((0..9).map(entry).collect::<Vec<f32>>(), (3, 3), &Device::Cpu).unwrap()
        };
        assert!(undone(&symmetric(0.1)).unwrap().is_some());
        assert!(undone(&symmetric(0.01)).unwrap().is_none());
        assert!(undone(&symmetric(0.0)).unwrap().is_none());
    }
}
