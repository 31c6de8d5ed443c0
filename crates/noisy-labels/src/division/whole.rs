//! The division by one mixture of all losses.

use super::partition::Division;
use super::separation::modes_are_apart;
use crate::mixture::{Mixture, MixtureSettings, NormalisedLosses, fit};

/// The share of samples that may be mere outliers.
const OUTLIERS: f64 = 0.05;

/// A division by one mixture of all losses.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) division: Division,
    /// The losses in the mixture's units; `None` where they could not be normalised.
    pub(super) losses: Option<NormalisedLosses>,
}

impl Whole {
    /// The division by the losses of one epoch.
    ///
    /// A network whose running statistics lag gives a few samples huge losses. These set the scale, and may get the second
    /// component for themselves, so that nearly all samples would count as clean. So where that component holds less than 5 % of
    /// the samples, a mixture is fitted without the largest 5 % of the losses, and kept if its modes are apart. The losses that
    /// were left out count as the largest loss that was not.
    pub(super) fn of_epoch(losses: &[f32], settings: &MixtureSettings, threshold: f64) -> Self {
        let normalised = match NormalisedLosses::new(losses) {
            Ok(normalised) => normalised,
            Err(degenerate) => {
                return Self { division: Division::plain(losses.len(), degenerate), losses: None };
            }
        };
        let whole = Self::of_normalised(normalised, settings, threshold);
        match &whole.division.mixture {
            Some(mixture) if may_be_of_outliers(mixture) => {
                without_outliers(losses, settings, threshold).unwrap_or(whole)
            }
            _ => whole,
        }
    }

    /// The division by losses that are normalised, as [`crate::history::LossHistory`] averages them. The authors do not normalise an
    /// average again.
    pub(super) fn of_normalised(
        losses: NormalisedLosses,
        settings: &MixtureSettings,
        threshold: f64,
    ) -> Self {
        let division = match fit(&losses, settings) {
            Ok(mixture) => Division::by_mixture(&losses, mixture, threshold),
            Err(degenerate) => Division::plain(losses.len(), degenerate),
        };
        Self { division, losses: Some(losses) }
    }
}

/// Whether the second component holds so few samples that they may be mere outliers.
fn may_be_of_outliers(mixture: &Mixture) -> bool {
    mixture.weights[1] < OUTLIERS
}

/// The division by a mixture of all but the largest losses, if its two modes are apart.
fn without_outliers(losses: &[f32], settings: &MixtureSettings, threshold: f64) -> Option<Whole> {
    let mut kept = losses.to_vec();
    kept.sort_unstable_by(f32::total_cmp);
    kept.truncate(losses.len() - outliers(losses.len()));
    let mixture = fit(&NormalisedLosses::new(&kept).ok()?, settings).ok()?;
    if !modes_are_apart(&mixture) {
        return None;
    }
    let losses = NormalisedLosses::clipped(losses, (*kept.first()?, *kept.last()?));
    let division = Division::by_mixture(&losses, mixture, threshold);
    Some(Whole { division, losses: Some(losses) })
}

/// The number of the largest losses that may be mere outliers, of `samples`.
fn outliers(samples: usize) -> usize {
    (OUTLIERS * samples as f64).ceil() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sum of uniform numbers: bell-shaped around `centre`.
    fn bell(i: usize, centre: f32, width: f32) -> f32 {
        let uniform = |salt: usize| ((i * 7919 + salt * 104_729) % 1009) as f32 / 1009.0 - 0.5;
        centre + width * (uniform(1) + uniform(2) + uniform(3))
    }

    fn divide(losses: &[f32]) -> Division {
        Whole::of_epoch(losses, &MixtureSettings::default(), 0.5).division
    }

    #[test]
    fn a_component_of_a_twentieth_of_the_samples_is_not_of_outliers() {
        let holding = |weight: f64| Mixture {
            means: [0.1, 0.9],
            variances: [0.01; 2],
            weights: [1.0 - weight, weight],
            converged: true,
        };
        assert!(may_be_of_outliers(&holding(0.05 - 1e-9)));
        assert!(!may_be_of_outliers(&holding(0.05)));
    }

    #[test]
    fn a_twentieth_of_the_samples_rounded_up_may_be_outliers() {
        assert_eq!([6, 19, 20, 21, 40, 41, 100, 2000].map(outliers), [1, 1, 1, 2, 2, 3, 5, 100]);
    }

    #[test]
    fn an_outlier_counts_as_the_largest_loss_that_is_none() {
        // 60 losses, so the three largest may be outliers: two are, and the third is the largest of the second mode.
        let mut losses: Vec<f32> =
            (0..60).map(|i| if i < 40 { bell(i, 0.5, 0.3) } else { bell(i, 2.0, 0.3) }).collect();
        (losses[3], losses[50]) = (300.0, 500.0);
        let whole = Whole::of_epoch(&losses, &MixtureSettings::default(), 0.5);
        let (division, losses) = (whole.division, whole.losses.unwrap());
        let losses = losses.as_slice();
        assert_eq!((losses[3], losses[50]), (1.0, 1.0));
        assert_eq!(
            losses.iter().filter(|loss| **loss == 1.0).count(),
            4,
            "two outliers, and two losses at the end of the scale"
        );
        let unlabeled: Vec<usize> = std::iter::once(3).chain(40..60).collect();
        assert_eq!(division.unlabeled, unlabeled);
        let largest = division.clean_probability[50];
        assert!(division.clean_probability[3] == largest && largest < 0.01);
    }

    #[test]
    fn a_few_huge_losses_do_not_hide_the_two_modes() {
        for huge in [8, 40] {
            let mut losses: Vec<f32> =
                (0..2000).map(|i| if i % 5 < 3 { bell(i, 0.8, 0.5) } else { bell(i, 2.2, 0.7) }).collect();
            let at = |i: usize| i * 2000 / huge;
            (0..huge).for_each(|i| losses[at(i)] = 20.0 + i as f32);
            let division = divide(&losses);
            // Of every five samples the first three are of the lower mode; the huge losses are among the first ones.
            let lower = 1200 - huge;
            let labeled = division.labeled.len();
            assert!(labeled.abs_diff(lower) <= 20, "{huge} huge losses: {labeled} of {lower}");
            let right = division.labeled.iter().filter(|&&i| i % 5 < 3).count();
            assert!(right as f64 > 0.98 * division.labeled.len() as f64, "{huge} huge losses: {right}");
            assert!((0..huge).all(|i| division.clean_probability[at(i)] < 0.01));
        }
    }

    #[test]
    fn a_skewed_mode_with_few_wrong_labels_stays_one() {
        // Quantiles of an exponential distribution, and 10 losses of 2,000 far from the rest: those labels are wrong.
        let mut losses: Vec<f32> = (0..2000).map(|i| -0.1 * (1.0 - (i as f32 + 0.5) / 2000.0).ln()).collect();
        (0..10).for_each(|i| losses[i * 200] = 8.0 + 0.1 * i as f32);
        let division = divide(&losses);
        assert_eq!(division.unlabeled, (0..10).map(|i| i * 200).collect::<Vec<_>>());
    }
}
