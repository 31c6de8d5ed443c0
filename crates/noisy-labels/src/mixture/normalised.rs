//! Min-max normalisation of losses.

use ndarray::NdFloat;

use super::Degenerate;
use crate::error::{Error, Result};

/// Two means, two variances and a weight are five free parameters.
const FEWEST_LOSSES: usize = 6;

/// Losses whose range is a few roundings of an f32 are equal: min-max normalisation would blow up the rounding.
const EQUAL_WITHIN: f64 = 8.0 * f32::EPSILON as f64;

/// Losses of N samples in `0..=1`: min-max normalised over the set, or a mean of several epochs' normalised losses.
#[derive(Clone, Debug, PartialEq)]
pub struct NormalisedLosses {
    losses: Vec<f64>,
}

impl NormalisedLosses {
    /// The losses of one epoch, min-max normalised over the set: the smallest becomes 0, the largest 1.
    ///
    /// # Errors
    /// [`Degenerate`] where the losses tell nothing apart: there are fewer than six, some are not finite, or all are equal up to
    /// rounding.
    pub fn new(losses: &[f32]) -> Result<Self, Degenerate> {
        let losses: Vec<f64> = losses.iter().copied().map(f64::from).collect();
        let (smallest, largest) = check(&losses)?;
        Ok(Self { losses: scaled(losses, smallest, largest).collect() })
    }

    /// Losses that were normalised before, as a checkpoint holds them.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for the first loss that is not in `0..=1`.
    pub fn from_normalised(losses: Vec<f64>) -> Result<Self> {
        match losses.iter().find(|loss| !(0.0..=1.0).contains(*loss)) {
            Some(&value) => Err(Error::OutOfRange { name: "a normalised loss", value, range: "in 0..=1" }),
            None => Ok(Self { losses }),
        }
    }

    /// The mean over epochs of one length, for each sample; `None` without an epoch.
    pub(crate) fn mean<'a>(mut epochs: impl ExactSizeIterator<Item = &'a Self>) -> Option<Self> {
        let count = epochs.len() as f64;
        let mut losses = epochs.next()?.losses.clone();
        for epoch in epochs {
            losses.iter_mut().zip(&epoch.losses).for_each(|(sum, loss)| *sum += loss);
        }
        losses.iter_mut().for_each(|sum| *sum /= count);
        Some(Self { losses })
    }

    /// All losses in units in which `smallest` is 0 and `largest` is 1; larger losses count as 1.
    pub(crate) fn clipped(losses: &[f32], (smallest, largest): (f32, f32)) -> Self {
        let losses = losses.iter().copied().map(f64::from);
        let scaled = scaled(losses, f64::from(smallest), f64::from(largest));
        Self { losses: scaled.map(|loss| loss.min(1.0)).collect() }
    }

    /// The losses of some samples, in the same units, in their order.
    pub(crate) fn of_samples(&self, samples: &[usize]) -> Self {
        Self { losses: samples.iter().map(|&sample| self.losses[sample]).collect() }
    }

    /// The same losses, ascending.
    pub(crate) fn sorted(mut self) -> Self {
        self.losses.sort_unstable_by(f64::total_cmp);
        self
    }

    /// The losses, one a sample.
    pub fn as_slice(&self) -> &[f64] {
        &self.losses
    }

    /// The number of samples.
    pub fn len(&self) -> usize {
        self.losses.len()
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.losses.is_empty()
    }
}

/// The values, min-max normalised, to be shown rather than divided: the smallest becomes 0 and the largest 1, and all become 0 where all
/// are equal. A NaN stays NaN and has no influence on the others.
pub fn min_max(values: &[f32]) -> Vec<f32> {
    let smallest = values.iter().copied().fold(f32::INFINITY, f32::min);
    let largest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if largest > smallest {
        scaled(values.iter().copied(), smallest, largest).collect()
    } else {
        values.iter().map(|value| value - smallest).collect()
    }
}

/// Each value in units in which `smallest` is 0 and `largest` is 1.
fn scaled<T: NdFloat>(
    values: impl IntoIterator<Item = T>,
    smallest: T,
    largest: T,
) -> impl Iterator<Item = T> {
    let range = largest - smallest;
    values.into_iter().map(move |value| (value - smallest) / range)
}

/// The smallest and the largest loss.
///
/// # Errors
/// [`Degenerate`] where no mixture can be fitted to the losses.
pub(super) fn check(losses: &[f64]) -> Result<(f64, f64), Degenerate> {
    let mut not_finite = losses.iter().enumerate().filter(|(_, loss)| !loss.is_finite());
    if let Some((first, _)) = not_finite.next() {
        return Err(Degenerate::NotFinite { count: 1 + not_finite.count(), total: losses.len(), first });
    }
    if losses.len() < FEWEST_LOSSES {
        return Err(Degenerate::TooFew { count: losses.len(), needed: FEWEST_LOSSES });
    }
    let smallest = losses.iter().copied().fold(f64::INFINITY, f64::min);
    let largest = losses.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if largest - smallest <= EQUAL_WITHIN * largest.abs().max(smallest.abs()) {
        return Err(Degenerate::AllEqual { loss: smallest });
    }
    Ok((smallest, largest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_becomes_0_and_the_largest_1() {
        let losses = NormalisedLosses::new(&[3.0, 1.0, 2.0, 5.0, 1.0, 1.0]).unwrap();
        assert_eq!(losses.as_slice(), [0.5, 0.0, 0.25, 1.0, 0.0, 0.0]);
        assert_eq!(min_max(&[3.0, 1.0, 2.0, 5.0]), [0.5, 0.0, 0.25, 1.0]);
    }

    #[test]
    fn losses_beyond_the_largest_that_counts_are_1() {
        let losses = NormalisedLosses::clipped(&[1.0, 3.0, 2.0, 50.0], (1.0, 3.0));
        assert_eq!(losses.as_slice(), [0.0, 1.0, 0.5, 1.0]);
    }

    #[test]
    fn values_to_be_shown_are_0_where_all_are_equal_and_nan_stays_nan() {
        assert_eq!(min_max(&[1e10; 3]), [0.0; 3]);
        assert_eq!(min_max(&[]), [0.0f32; 0]);
        let with_nan = min_max(&[f32::NAN, 2.0, 4.0]);
        assert!(with_nan[0].is_nan() && with_nan[1..] == [0.0, 1.0]);
    }

    #[test]
    fn losses_are_equal_where_their_range_is_eight_roundings() {
        // 8 f32::EPSILON of the larger magnitude: exactly so much is equal, a rounding more is not.
        let range = 8.0 * f32::EPSILON;
        let losses = |other: f32| [-1.0f32, other, -1.0, -1.0, -1.0, -1.0];
        assert_eq!(NormalisedLosses::new(&losses(-1.0 + range)), Err(Degenerate::AllEqual { loss: -1.0 }));
        assert!(NormalisedLosses::new(&losses(-1.0 + range + f32::EPSILON)).is_ok());
    }

    #[test]
    fn what_is_not_normalised_is_refused() {
        assert!(NormalisedLosses::from_normalised(vec![0.0, 0.3, 1.0]).is_ok());
        for value in [-1e-9, 1.0 + 1e-9, f64::NAN] {
            let error = NormalisedLosses::from_normalised(vec![0.5, value]).unwrap_err();
            assert!(error.to_string().starts_with("a normalised loss is"), "{error}");
        }
    }
}
