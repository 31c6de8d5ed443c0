//! Predictions averaged over the last epochs: steadier labels than one epoch's.

use crate::class_table::ClassTable;
use crate::error::{Result, check_length};

/// The number of epochs of equal weight that are as old on average as those of the exponential average.
const EPOCHS: f64 = 10.0;

/// A network's predictions of each sample, averaged over its last epochs. Tanaka et al. (2018, "Joint Optimization Framework for
/// Learning with Noisy Labels") take the mean of ten epochs for labels.
///
/// Ten tables would take 40 N C bytes, so one of 4 N C bytes is kept: `m <- m + (p - m) max(1 / t, 2 / 11)` in epoch t. This is the
/// mean of all epochs up to the fifth. Then it is an exponential average, whose epochs are as old on average as ten of equal weight
/// (4.5 epochs).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MeanPredictions {
    epochs: usize,
    /// `None` before the first epoch.
    mean: Option<ClassTable>,
}

impl MeanPredictions {
    /// The average after so many `epochs`, whose [`Self::mean`] was this.
    pub fn of(epochs: usize, mean: ClassTable) -> Self {
        Self { epochs, mean: (epochs > 0).then_some(mean) }
    }

    /// Adds an epoch's probabilities.
    ///
    /// # Errors
    /// [`crate::Error::Length`] where an earlier epoch had another number of samples or classes.
    pub fn add(&mut self, probabilities: &ClassTable) -> Result<()> {
        if let Some(mean) = &self.mean {
            check_length("classes of an epoch", mean.classes(), probabilities.classes())?;
            check_length("probabilities of an epoch", mean.len(), probabilities.len())?;
        }
        self.epochs += 1;
        let share = f64::max(1.0 / self.epochs as f64, 2.0 / (EPOCHS + 1.0)) as f32;
        let mut values = match self.mean.take() {
            Some(mean) => mean.into_values(),
            None => vec![0.0; probabilities.values().len()],
        };
        values.iter_mut().zip(probabilities.values()).for_each(|(mean, p)| *mean += (p - *mean) * share);
        self.mean = Some(ClassTable::new(values, probabilities.classes())?);
        Ok(())
    }

    /// The mean probabilities; `None` before the first epoch.
    pub fn mean(&self) -> Option<&ClassTable> {
        self.mean.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_epochs_count_alike_and_old_ones_are_forgotten() {
        let epoch = |t: usize| {
            let p = (t * 37 % 100) as f32 / 100.0;
            ClassTable::new(vec![p, 1.0 - p], 2).unwrap()
        };
        let mut average = MeanPredictions::default();
        assert_eq!(average.mean(), None);
        let mut weights: Vec<f64> = Vec::new();
        for t in 1..=40 {
            average.add(&epoch(t)).unwrap();
            let share = if t <= 5 { 1.0 / t as f64 } else { 2.0 / 11.0 };
            weights.iter_mut().for_each(|weight| *weight *= 1.0 - share);
            weights.push(share);
            let slow: f64 =
                (1..=t).zip(&weights).map(|(t, weight)| weight * f64::from(epoch(t).row(0)[0])).sum();
            let row = average.mean().unwrap().row(0);
            assert!((f64::from(row[0]) - slow).abs() < 1e-6, "epoch {t}: {row:?}, {slow}");
            assert!((row[0] + row[1] - 1.0).abs() < 1e-6);
            if t == 5 {
                assert!(weights.iter().all(|weight| (weight - 0.2).abs() < 1e-12));
            }
        }
        let age: f64 = weights.iter().rev().enumerate().map(|(age, weight)| age as f64 * weight).sum();
        assert!((age - 4.5).abs() < 0.05, "{age}");
    }

    #[test]
    fn an_average_goes_on_from_where_it_was() {
        let table = |values: &[f32], classes| ClassTable::new(values.to_vec(), classes).unwrap();
        let mut whole = MeanPredictions::default();
        whole.add(&table(&[0.25, 0.75], 2)).unwrap();
        let mut again = MeanPredictions::of(1, whole.mean().unwrap().clone());
        whole.add(&table(&[1.0, 0.0], 2)).unwrap();
        again.add(&table(&[1.0, 0.0], 2)).unwrap();
        assert_eq!(whole, again);
        assert!(whole.add(&table(&[1.0], 1)).is_err());
        assert!(whole.add(&table(&[1.0; 4], 2)).is_err());
    }

    #[test]
    fn without_an_epoch_there_is_no_mean() {
        let table = ClassTable::new(vec![0.5, 0.5], 2).unwrap();
        assert_eq!(MeanPredictions::of(0, table).mean(), None);
    }
}
