//! Predictions averaged over the last epochs: steadier labels than one epoch's.

use crate::error::{Result, check_length};

/// How many epochs the average is over.
const EPOCHS: f64 = 10.0;

/// What a network said of each sample over its last epochs, as Tanaka et al. (2018, "Joint Optimization Framework for Learning with
/// Noisy Labels") make labels of it: there, the mean of ten epochs.
///
/// Ten tables would be 40 N C bytes, so one is kept, of 4 N C: `m <- m + (p - m) max(1 / t, 2 / 11)` in epoch t. That is the mean of
/// all epochs up to the fifth, and from then on exponential, with epochs as old in the mean as ten of equal weight (4.5 epochs).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MeanPredictions {
    epochs: usize,
    means: Vec<f32>,
}

impl MeanPredictions {
    /// An average that was made before: [`Self::rows`] after so many `epochs`.
    pub fn of(epochs: usize, means: Vec<f32>) -> Self {
        Self { epochs, means }
    }

    /// Adds an epoch.
    ///
    /// # Shapes
    /// `probabilities`: `[N, C]`, row-major.
    ///
    /// # Errors
    /// [`crate::Error::Length`] where an earlier epoch had another number of them.
    pub fn add(&mut self, probabilities: &[f32]) -> Result<()> {
        if self.epochs == 0 {
            self.means = vec![0.0; probabilities.len()];
        }
        check_length("probabilities of an epoch", self.means.len(), probabilities.len())?;
        self.epochs += 1;
        let share = f64::max(1.0 / self.epochs as f64, 2.0 / (EPOCHS + 1.0)) as f32;
        self.means.iter_mut().zip(probabilities).for_each(|(mean, p)| *mean += (p - *mean) * share);
        Ok(())
    }

    /// The mean probabilities `[N, C]`, row-major; `None` before the first epoch.
    pub fn rows(&self) -> Option<&[f32]> {
        (self.epochs > 0).then_some(self.means.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_epochs_count_alike_and_old_ones_are_forgotten() {
        let epoch = |t: usize| {
            let p = (t * 37 % 100) as f32 / 100.0;
            [p, 1.0 - p]
        };
        let mut average = MeanPredictions::default();
        assert_eq!(average.rows(), None);
        let mut weights: Vec<f64> = Vec::new();
        for t in 1..=40 {
            average.add(&epoch(t)).unwrap();
            let share = if t <= 5 { 1.0 / t as f64 } else { 2.0 / 11.0 };
            weights.iter_mut().for_each(|weight| *weight *= 1.0 - share);
            weights.push(share);
            let slow: f64 = (1..=t).zip(&weights).map(|(t, weight)| weight * f64::from(epoch(t)[0])).sum();
            let rows = average.rows().unwrap();
            assert!((f64::from(rows[0]) - slow).abs() < 1e-6, "epoch {t}: {rows:?}, {slow}");
            assert!((rows[0] + rows[1] - 1.0).abs() < 1e-6);
            if t == 5 {
                assert!(weights.iter().all(|weight| (weight - 0.2).abs() < 1e-12));
            }
        }
        let age: f64 = weights.iter().rev().enumerate().map(|(age, weight)| age as f64 * weight).sum();
        assert!((age - 4.5).abs() < 0.05, "{age}");
    }

    #[test]
    fn an_average_goes_on_from_where_it_was() {
        let mut whole = MeanPredictions::default();
        whole.add(&[0.25, 0.75]).unwrap();
        let mut again = MeanPredictions::of(1, whole.rows().unwrap().to_vec());
        whole.add(&[1.0, 0.0]).unwrap();
        again.add(&[1.0, 0.0]).unwrap();
        assert_eq!(whole, again);
        assert!(whole.add(&[1.0]).is_err());
    }
}
