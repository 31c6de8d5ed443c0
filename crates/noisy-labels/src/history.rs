//! Losses averaged over epochs: steadier than one epoch's where nearly all labels are wrong.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::division::normalise;
use crate::error::{Result, check_length};
use crate::mixture::Degenerate;

/// The last few epochs' losses of one network, each normalised by itself.
///
/// The authors use this at 90 % noise alone, over five epochs, none of them from warm-up; the average is given to
/// [`crate::division::divide_normalised`], so it is not normalised again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossHistory {
    keep: usize,
    epochs: VecDeque<Vec<f64>>,
}

impl LossHistory {
    /// A history of the last `keep` epochs (1 at least).
    pub fn new(keep: usize) -> Self {
        Self { keep: keep.max(1), epochs: VecDeque::new() }
    }

    /// Of epochs that were normalised before, the oldest first; the last `keep` (1 at least) are held.
    pub fn of(keep: usize, epochs: Vec<Vec<f64>>) -> Self {
        let before = epochs.len().saturating_sub(keep.max(1));
        Self { epochs: epochs.into_iter().skip(before).collect(), ..Self::new(keep) }
    }

    /// How many epochs are kept.
    pub fn kept(&self) -> usize {
        self.keep
    }

    /// The epochs that are held, normalised, the oldest first.
    pub fn epochs(&self) -> impl Iterator<Item = &[f64]> {
        self.epochs.iter().map(Vec::as_slice)
    }

    /// Adds an epoch's losses, one a sample, and drops the oldest epoch beyond those kept. Losses that cannot be
    /// normalised are not added; why not is returned.
    ///
    /// # Errors
    /// [`crate::Error::Length`] where an earlier epoch had another number of samples.
    pub fn push(&mut self, losses: &[f32]) -> Result<Option<Degenerate>> {
        if let Some(earlier) = self.epochs.front() {
            check_length("losses of an epoch", earlier.len(), losses.len())?;
        }
        match normalise(losses) {
            Ok(normalised) => {
                self.epochs.push_back(normalised);
                if self.epochs.len() > self.keep {
                    self.epochs.pop_front();
                }
                Ok(None)
            }
            Err(degenerate) => Ok(Some(degenerate)),
        }
    }

    /// The mean over the epochs held, for each sample; `None` before the first.
    pub fn average(&self) -> Option<Vec<f64>> {
        let mut sums = self.epochs.front()?.clone();
        for epoch in self.epochs.iter().skip(1) {
            for (sum, loss) in sums.iter_mut().zip(epoch) {
                *sum += loss;
            }
        }
        let epochs = self.epochs.len() as f64;
        sums.iter_mut().for_each(|sum| *sum /= epochs);
        Some(sums)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_average_is_of_the_last_epochs_normalised() {
        let mut history = LossHistory::new(2);
        assert_eq!(history.average(), None);
        let epoch = |last: f32| [0.0, 1.0, 2.0, 3.0, 4.0, last];
        for last in [100.0, 8.0, 5.0] {
            assert_eq!(history.push(&epoch(last)).unwrap(), None);
        }
        let average = history.average().unwrap();
        for (i, value) in average.iter().enumerate().take(5) {
            let expected = (i as f64 / 8.0 + i as f64 / 5.0) / 2.0;
            assert!((value - expected).abs() < 1e-15);
        }
        assert_eq!(average[5], 1.0);
    }

    #[test]
    fn a_history_goes_on_from_its_epochs() {
        let mut history = LossHistory::new(2);
        let epoch = |last: f32| [0.0, 1.0, 2.0, 3.0, 4.0, last];
        [100.0, 8.0].iter().for_each(|last| assert_eq!(history.push(&epoch(*last)).unwrap(), None));
        let epochs: Vec<Vec<f64>> = history.epochs().map(<[f64]>::to_vec).collect();
        let mut again = LossHistory::of(history.kept(), epochs.clone());
        assert_eq!(again, history);
        for history in [&mut history, &mut again] {
            history.push(&epoch(5.0)).unwrap();
        }
        assert_eq!(again, history);
        assert_eq!(LossHistory::of(1, epochs.clone()).average().as_ref(), epochs.last());
    }

    #[test]
    fn an_epoch_that_diverged_is_left_out() {
        let mut history = LossHistory::new(5);
        history.push(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        let before = history.clone();
        let reason = history.push(&[f32::NAN; 6]).unwrap();
        assert_eq!(reason, Some(Degenerate::NotFinite { count: 6, total: 6, first: 0 }));
        assert_eq!(history, before);
        assert!(history.push(&[1.0]).is_err());
    }
}
