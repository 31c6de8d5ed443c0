//! Losses averaged over epochs: steadier than one epoch's where nearly all labels are wrong.

use std::collections::VecDeque;

use crate::error::{Result, check_length};
use crate::mixture::{Degenerate, NormalisedLosses};

/// The losses of one network in the last few epochs, each epoch's normalised by itself.
///
/// The authors use this at 90 % noise only, over five epochs, all of them after warm-up. A division by the average
/// ([`crate::division::SampleLosses::Normalised`]) does not normalise it again.
#[derive(Clone, Debug, PartialEq)]
pub struct LossHistory {
    keep: usize,
    epochs: VecDeque<NormalisedLosses>,
}

impl LossHistory {
    /// An empty history, which will keep the last `keep` epochs; 0 counts as 1.
    pub fn new(keep: usize) -> Self {
        Self { keep: keep.max(1), epochs: VecDeque::new() }
    }

    /// The history of these epochs, the oldest first; it keeps the last `keep` of them, where 0 counts as 1.
    ///
    /// # Errors
    /// [`crate::Error::Length`] where the epochs differ in length.
    pub fn from_epochs(keep: usize, epochs: Vec<NormalisedLosses>) -> Result<Self> {
        let samples = epochs.first().map_or(0, NormalisedLosses::len);
        for epoch in &epochs {
            check_length("losses of an epoch", samples, epoch.len())?;
        }
        let before = epochs.len().saturating_sub(keep.max(1));
        Ok(Self { epochs: epochs.into_iter().skip(before).collect(), ..Self::new(keep) })
    }

    /// How many epochs the history keeps.
    pub fn kept(&self) -> usize {
        self.keep
    }

    /// The epochs of the history, the oldest first.
    pub fn epochs(&self) -> impl Iterator<Item = &NormalisedLosses> {
        self.epochs.iter()
    }

    /// Adds an epoch's losses, one a sample, and drops the oldest epoch beyond those kept. Losses that cannot be
    /// normalised are not added; the reason is returned.
    ///
    /// # Errors
    /// [`crate::Error::Length`] where an earlier epoch had another number of samples.
    pub fn push(&mut self, losses: &[f32]) -> Result<Option<Degenerate>> {
        if let Some(earlier) = self.epochs.front() {
            check_length("losses of an epoch", earlier.len(), losses.len())?;
        }
        match NormalisedLosses::new(losses) {
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

    /// The mean over the epochs of the history, for each sample; `None` without an epoch.
    pub fn average(&self) -> Option<NormalisedLosses> {
        NormalisedLosses::mean(self.epochs.iter())
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
        let average = average.as_slice();
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
        let epochs: Vec<NormalisedLosses> = history.epochs().cloned().collect();
        let mut again = LossHistory::from_epochs(history.kept(), epochs.clone()).unwrap();
        assert_eq!(again, history);
        for history in [&mut history, &mut again] {
            history.push(&epoch(5.0)).unwrap();
        }
        assert_eq!(again, history);
        let last = LossHistory::from_epochs(1, epochs.clone()).unwrap();
        assert_eq!(last.average().as_ref(), epochs.last());
        let none_kept = LossHistory::from_epochs(0, epochs.clone()).unwrap();
        assert_eq!((none_kept.kept(), none_kept.average().as_ref()), (1, epochs.last()));
        let shorter = NormalisedLosses::from_normalised(vec![0.5; 3]).unwrap();
        assert!(LossHistory::from_epochs(2, vec![shorter, epochs[0].clone()]).is_err());
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
