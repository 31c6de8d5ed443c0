//! From losses to a division.

use serde::{Deserialize, Serialize};

use super::by_class::by_class;
use super::partition::Division;
use super::whole::Whole;
use crate::error::{Error, Result, check_labels, check_length};
use crate::mixture::{MixtureSettings, NormalisedLosses};

/// The samples that a sample's loss is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DivisionScope {
    /// All samples: one mixture (Algorithm 1).
    #[default]
    All,
    /// The samples of its given class: one mixture a class, where the class has 50 samples or more and its losses have two modes
    /// (Huang et al. 2022). The other classes go by the mixture of all samples.
    ByClass,
}

/// The losses of N samples that a division is made by.
#[derive(Debug, Clone, Copy)]
pub enum SampleLosses<'a> {
    /// The losses of one epoch. They are min-max normalised, and outliers among them do not set the scale.
    Epoch(&'a [f32]),
    /// Normalised losses, such as a mean over several epochs. They are not normalised again, as in the authors' code.
    Normalised(&'a NormalisedLosses),
}

/// Divides samples by their losses: fits a mixture to the normalised losses, and compares the posterior of its clean component with
/// the threshold.
///
/// ```
/// use noisy_labels::division::{Divider, SampleLosses};
///
/// let losses = [0.1, 0.2, 2.0, 0.15, 1.8, 0.12, 1.9, 0.11];
/// let division = Divider::default().divide(SampleLosses::Epoch(&losses), &[0; 8], 1)?;
/// assert_eq!(division.labeled, [0, 1, 3, 5, 7]);
/// # Ok::<(), noisy_labels::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Divider {
    /// How a mixture is fitted.
    pub mixture: MixtureSettings,
    /// A sample is labeled where its clean probability is above this.
    pub threshold: f64,
    /// The samples that a sample's loss is compared with.
    pub scope: DivisionScope,
}

impl Default for Divider {
    /// One mixture of all samples with the default settings, and the threshold 0.5.
    fn default() -> Self {
        Self { mixture: MixtureSettings::default(), threshold: 0.5, scope: DivisionScope::All }
    }
}

impl Divider {
    /// The division of all samples by these losses. Losses that cannot be divided are no error: [`Division::degenerate`] then says
    /// why.
    ///
    /// A few huge losses do not hide the two modes: where the second component of one epoch's losses holds less than 5 % of the
    /// samples, the mixture is fitted again without the largest 5 % of the losses, and kept if its modes are apart (Ashman's D
    /// above 2).
    ///
    /// # Shapes
    /// `losses`: N; `labels`: the N given labels, below `classes`.
    ///
    /// # Errors
    /// [`Error::Length`] where the lengths differ; [`Error::Label`] for a label that is not a class.
    pub fn divide(&self, losses: SampleLosses<'_>, labels: &[usize], classes: usize) -> Result<Division> {
        check_length("labels", losses.len(), labels.len())?;
        check_labels(labels, classes)?;
        let whole = match losses {
            SampleLosses::Epoch(losses) => Whole::of_epoch(losses, &self.mixture, self.threshold),
            SampleLosses::Normalised(losses) => {
                Whole::of_normalised(losses.clone(), &self.mixture, self.threshold)
            }
        };
        Ok(match self.scope {
            DivisionScope::All => whole.division,
            DivisionScope::ByClass => by_class(whole, labels, classes, &self.mixture, self.threshold),
        })
    }

    /// The losses in the units of the mixture that [`Self::divide`] fits to all of them: most are in 0..=1, and losses that were left out
    /// of the fit are 1. `None` where they can't be normalised.
    pub fn units(&self, losses: SampleLosses<'_>) -> Option<NormalisedLosses> {
        match losses {
            SampleLosses::Epoch(losses) => Whole::of_epoch(losses, &self.mixture, self.threshold).losses,
            SampleLosses::Normalised(losses) => Some(losses.clone()),
        }
    }

    /// The division of `samples` alone, by their losses alone, in terms of all samples: the others are neither labeled nor unlabeled,
    /// and their clean probability is 0.
    ///
    /// # Shapes
    /// `samples`: indices below N, each once; `losses` and `labels`: N.
    ///
    /// # Errors
    /// As [`Self::divide`]; [`Error::OutOfRange`] for an index that is not below N.
    pub fn divide_samples(
        &self,
        samples: &[usize],
        losses: SampleLosses<'_>,
        labels: &[usize],
        classes: usize,
    ) -> Result<Division> {
        let total = losses.len();
        check_length("labels", total, labels.len())?;
        if let Some(&sample) = samples.iter().find(|sample| **sample >= total) {
            let range = "below the number of losses";
            return Err(Error::OutOfRange { name: "a sample to divide", value: sample as f64, range });
        }
        let labels: Vec<usize> = samples.iter().map(|&sample| labels[sample]).collect();
        let division = match losses {
            SampleLosses::Epoch(losses) => {
                let losses: Vec<f32> = samples.iter().map(|&sample| losses[sample]).collect();
                self.divide(SampleLosses::Epoch(&losses), &labels, classes)?
            }
            SampleLosses::Normalised(losses) => {
                self.divide(SampleLosses::Normalised(&losses.of_samples(samples)), &labels, classes)?
            }
        };
        Ok(division.of_samples(samples, total))
    }
}

impl SampleLosses<'_> {
    /// The number of samples, N.
    pub fn len(&self) -> usize {
        match self {
            Self::Epoch(losses) => losses.len(),
            Self::Normalised(losses) => losses.len(),
        }
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mixture::Degenerate;

    /// Losses with two modes; every third sample is in the higher one.
    fn two_modes(samples: usize) -> Vec<f32> {
        (0..samples).map(|i| (i % 17) as f32 / 17.0 + if i % 3 == 0 { 3.0 } else { 0.0 }).collect()
    }

    fn divider(scope: DivisionScope) -> Divider {
        Divider { scope, ..Divider::default() }
    }

    #[test]
    fn normalised_losses_are_divided_like_the_epoch_s_that_they_are_of() {
        let losses = two_modes(300);
        let labels: Vec<usize> = (0..300).map(|i| i % 2).collect();
        let normalised = NormalisedLosses::new(&losses).unwrap();
        for scope in [DivisionScope::All, DivisionScope::ByClass] {
            let divide = |losses| divider(scope).divide(losses, &labels, 2).unwrap();
            assert_eq!(divide(SampleLosses::Normalised(&normalised)), divide(SampleLosses::Epoch(&losses)));
        }
    }

    #[test]
    fn some_samples_are_divided_by_their_own_losses_alone() {
        let samples: Vec<usize> = (50..170).collect();
        let mut losses = two_modes(200);
        (0..200).filter(|i| !samples.contains(i)).for_each(|i| losses[i] = f32::NAN);
        let labels: Vec<usize> = (0..200).map(|i| i % 2).collect();
        for scope in [DivisionScope::All, DivisionScope::ByClass] {
            let division =
                divider(scope).divide_samples(&samples, SampleLosses::Epoch(&losses), &labels, 2).unwrap();
            let wrong: Vec<usize> = samples.iter().copied().filter(|i| i % 3 == 0).collect();
            assert_eq!(division.unlabeled, wrong);
            assert_eq!(division.labeled.len(), samples.len() - wrong.len());
            assert!((0..200).all(|i| samples.contains(&i) || division.clean_probability[i] == 0.0));
        }
        losses[60] = f32::NAN;
        let division = Divider::default().divide_samples(&samples, SampleLosses::Epoch(&losses), &labels, 2);
        let expected = Degenerate::NotFinite { count: 1, total: 120, first: 60 };
        assert_eq!(division.unwrap().degenerate, Some(expected), "it names the sample");
    }

    #[test]
    fn some_samples_of_normalised_losses_keep_their_units() {
        let losses = NormalisedLosses::new(&two_modes(200)).unwrap();
        let samples: Vec<usize> = (0..100).collect();
        let divide = |samples: &[usize]| {
            Divider::default()
                .divide_samples(samples, SampleLosses::Normalised(&losses), &[0; 200], 1)
                .unwrap()
        };
        let some = divide(&samples);
        let own = NormalisedLosses::from_normalised(losses.as_slice()[..100].to_vec()).unwrap();
        let alone = Divider::default().divide(SampleLosses::Normalised(&own), &[0; 100], 1).unwrap();
        assert_eq!(some, alone.of_samples(&samples, 200));
    }

    #[test]
    fn labels_and_samples_that_do_not_fit_are_errors() {
        let losses = two_modes(60);
        let epoch = SampleLosses::Epoch(&losses);
        let error = |labels: &[usize]| Divider::default().divide(epoch, labels, 2).unwrap_err().to_string();
        assert_eq!(error(&[0; 59]), "labels: found 59, expected 60");
        assert!(error(&[2; 60]).starts_with("label 2 of sample 0"));
        let error = Divider::default().divide_samples(&[0, 60], epoch, &[0; 60], 2).unwrap_err();
        assert_eq!(error.to_string(), "a sample to divide is 60, must be below the number of losses");
        assert!(Divider::default().divide_samples(&[0], epoch, &[0; 59], 2).is_err());
    }
}
