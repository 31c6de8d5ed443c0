//! Loss correction (Patrini et al. 2017) by T, the probability of each given label for each true class: estimated from the
//! network's predictions at the end of warm-up (confident learning). Forward correction makes the network's prediction as noisy as the
//! labels before both are compared; backward correction multiplies the loss by the inverse of T.

use candle_core::{DType, Device, Tensor};
use noisy_labels::division::Division;
use noisy_labels::losses::{backward_correction, forward_correction};
use noisy_labels::noise::Transition;

use crate::supervised::cross_entropy_epoch;
use crate::{Losses, Method, Needs, NetworkEpoch, Objective, Result, Strength, ViewKind, supervised_epoch};

/// 0 corrects nothing, 1 corrects the estimated noise.
const STRENGTH: Strength = Strength { usual: 1.0, most: 1.0 };

const NEEDS: Needs =
    Needs { division: false, transition: true, mean_predictions: false, teacher: false, warm_up: true };

/// What is corrected.
pub(super) enum Correction {
    /// The prediction: cross entropy of the given labels with p ((1 - s) I + s T).
    Forward,
    /// The loss: the label's entry of ((1 - s) I + s T)^-1 l, l the cross entropy of each label.
    Backward,
}

/// The most times that a loss may count by backward correction. For ten classes it is 89 where 98 % of the labels are drawn evenly,
/// and 50 where 49 % are the next class: beyond that, a batch's sum is chance.
const LARGEST: f64 = 100.0;

impl Method for Correction {
    fn name(&self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Backward => "backward",
        }
    }

    fn strength(&self) -> Option<Strength> {
        Some(STRENGTH)
    }

    fn needs(&self, _: f64) -> Needs {
        NEEDS
    }

    fn epoch(&self, pass: &mut NetworkEpoch<'_>, _: Option<&Division>) -> Result<Losses> {
        let Some(transition) = noise(pass)? else {
            return cross_entropy_epoch(pass);
        };
        let matrix = match self {
            Self::Forward => Some(transition),
            Self::Backward => inverse(&transition)?,
        };
        let Some(matrix) = matrix else {
            pass.warn_of_plain_training(
                "the labels of some classes are so alike that their noise can't be inverted; a lower `strength`, or \
                 `method` forward, can do with such labels",
            );
            return cross_entropy_epoch(pass);
        };
        supervised_epoch(pass, &[ViewKind::Strong], |pass, batch, _| {
            let y = pass.weigh_classes(&pass.labels(batch)?)?;
            let logits = pass.forward(&batch.views[0])?;
            let matrix = batch.match_views(&matrix)?;
            Ok(Objective::new(match self {
                Self::Forward => forward_correction(&logits, &y, &matrix)?,
                Self::Backward => pass.cross_entropy(&logits, &backward_correction(&y, &matrix)?)?,
            }))
        })
    }
}

/// (1 - s) I + s T `[classes, classes]` on the CPU; `None` where that is I.
fn noise(pass: &NetworkEpoch<'_>) -> Result<Option<Tensor>> {
    let strength = pass.strength();
    let Some(transition) = pass.transition().filter(|_| strength > 0.0) else { return Ok(None) };
    let classes = pass.data().classes;
    let transition = Tensor::from_slice(transition, (classes, classes), &Device::Cpu)?;
    let identity = (Tensor::eye(classes, transition.dtype(), &Device::Cpu)? * (1.0 - strength))?;
    Ok(Some((identity + (transition * strength)?)?))
}

/// The inverse of T `[classes, classes]` on the CPU; `None` where T can't be inverted, or where a loss would
/// count more than [`LARGEST`] times.
fn inverse(transition: &Tensor) -> Result<Option<Tensor>> {
    let rows = transition.to_dtype(DType::F64)?.to_vec2()?;
    let classes = rows.len();
    let inverse = Transition::new(rows)?.inverse()?.unwrap_or_else(|| vec![f64::INFINITY; classes.pow(2)]);
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
    fn noise_that_leaves_next_to_nothing_is_not_inverted() {
        let symmetric = |left: f64| {
            let rest = ((1.0 - left) / 3.0) as f32;
            let entry = |place: usize| if place.is_multiple_of(4) { left as f32 + rest } else { rest };
            Tensor::from_vec((0..9).map(entry).collect::<Vec<f32>>(), (3, 3), &Device::Cpu).unwrap()
        };
        assert!(inverse(&symmetric(0.1)).unwrap().is_some());
        assert!(inverse(&symmetric(0.01)).unwrap().is_none());
        assert!(inverse(&symmetric(0.0)).unwrap().is_none());
    }
}
