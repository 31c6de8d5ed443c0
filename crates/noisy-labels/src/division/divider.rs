//! Co-divide (DivideMix, Algorithm 1, lines 4-6): which samples keep their label this epoch.

use crate::mixture::{Degenerate, Mixture, MixtureSettings, fit};

pub use crate::class_division::{co_divide_by_class, divide_normalised_by_class};

/// Samples, divided by how probable it is that their label is clean.
#[derive(Clone, Debug, PartialEq)]
pub struct Division {
    /// For each sample the probability that its label is clean, in `0..=1`. Where no mixture could be had it is 1 for
    /// every sample: each label is believed.
    pub clean_probability: Vec<f64>,
    /// Samples whose probability is above the threshold, ascending: they keep their label. All samples where the
    /// division is degenerate.
    pub labeled: Vec<usize>,
    /// The others, ascending: their label is dropped. None where the division is degenerate.
    pub unlabeled: Vec<usize>,
    /// The mixture, in units of the normalised losses.
    pub mixture: Option<Mixture>,
    /// Why this epoch can only be trained plainly, on all given labels at full weight; `None` where the division is sound.
    ///
    /// With [`Degenerate::NoneAbove`] and [`Degenerate::AllAbove`] the mixture and its `clean_probability` are sound and
    /// kept, for they still rank the samples: they are not weights to train with then.
    pub degenerate: Option<Degenerate>,
}

impl Division {
    /// The division by known probabilities: a sample is labeled where its own is *above* `threshold` (the paper writes
    /// "not below"; its code compares with `>`, and so does this).
    pub fn by_probability(clean_probability: Vec<f64>, threshold: f64) -> Self {
        let (labeled, unlabeled): (Vec<usize>, Vec<usize>) =
            (0..clean_probability.len()).partition(|&sample| clean_probability[sample] > threshold);
        let degenerate = if labeled.is_empty() {
            Some(Degenerate::NoneAbove { threshold })
        } else if unlabeled.is_empty() {
            Some(Degenerate::AllAbove { threshold })
        } else {
            None
        };
        let (labeled, unlabeled) = match degenerate {
            Some(_) => ((0..clean_probability.len()).collect(), Vec::new()),
            None => (labeled, unlabeled),
        };
        Self { clean_probability, labeled, unlabeled, mixture: None, degenerate }
    }

    /// All samples labeled, each believed, because of `degenerate`.
    fn plain(samples: usize, degenerate: Degenerate) -> Self {
        Self {
            clean_probability: vec![1.0; samples],
            labeled: (0..samples).collect(),
            unlabeled: Vec::new(),
            mixture: None,
            degenerate: Some(degenerate),
        }
    }
}

/// Share of samples that may be mere outliers.
const OUTLIERS: f64 = 0.05;

/// Two modes are apart where Ashman's D is above this (Ashman, Bird & Zepf 1994, "Detecting bimodality in astronomical
/// datasets"). One skewed heap that is split in two (exponential, lognormal, gamma) stays below 1.8.
pub(crate) const MODES_APART: f64 = 2.0;

/// Divides samples by their losses: min-max normalises them, fits the mixture, compares the posterior of its clean
/// component with `threshold`. Never panics; what cannot be divided is [`Division::degenerate`].
///
/// Some huge losses, as a network has them whose running statistics lag, set the scale, and may get the second component
/// for themselves: then nearly all samples would count as clean. So where that component holds less than 5 % of the
/// samples, a mixture is fitted without the largest 5 % of the losses, and kept if its modes are apart; what was left out
/// counts as the largest loss that wasn't.
pub fn co_divide(losses: &[f32], settings: &MixtureSettings, threshold: f64) -> Division {
    Whole::of(losses, settings, threshold).division
}

/// A division by one mixture of all losses.
pub(crate) struct Whole {
    /// The losses in the mixture's units, from 0 to 1; none where the division says that they are no use.
    pub(crate) losses: Vec<f64>,
    pub(crate) division: Division,
}

impl Whole {
    /// [`co_divide`].
    pub(crate) fn of(losses: &[f32], settings: &MixtureSettings, threshold: f64) -> Self {
        let normalised = match normalise(losses) {
            Ok(normalised) => normalised,
            Err(degenerate) => {
                return Self { losses: Vec::new(), division: Division::plain(losses.len(), degenerate) };
            }
        };
        let division = divide_normalised(&normalised, settings, threshold);
        let whole = Self { losses: normalised, division };
        if !whole.division.mixture.as_ref().is_some_and(|m| m.weights[1] < OUTLIERS) {
            return whole;
        }
        Self::without_outliers(losses, settings, threshold).unwrap_or(whole)
    }

    /// By a mixture of all but the largest losses, if that has two modes.
    fn without_outliers(losses: &[f32], settings: &MixtureSettings, threshold: f64) -> Option<Self> {
        let mut sorted = losses.to_vec();
        sorted.sort_unstable_by(f32::total_cmp);
        let outliers = (OUTLIERS * sorted.len() as f64).ceil() as usize;
        sorted.truncate(sorted.len() - outliers);
        let mixture = fit(&normalise(&sorted).ok()?, settings).ok()?;
        if ashman_d(&mixture) <= MODES_APART {
            return None;
        }
        let (smallest, largest) = (f64::from(*sorted.first()?), f64::from(*sorted.last()?));
        let scaled = |&loss: &f32| ((f64::from(loss) - smallest) / (largest - smallest)).min(1.0);
        let losses: Vec<f64> = losses.iter().map(scaled).collect();
        let clean = losses.iter().map(|&loss| mixture.clean_probability(loss)).collect();
        let division = Division { mixture: Some(mixture), ..Division::by_probability(clean, threshold) };
        Some(Self { losses, division })
    }
}

/// Distance of the means in standard deviations: sqrt(2) |m1 - m2| / sqrt(v1 + v2).
pub(crate) fn ashman_d(mixture: &Mixture) -> f64 {
    let [low, high] = mixture.means;
    (high - low) * (2.0 / (mixture.variances[0] + mixture.variances[1])).sqrt()
}

/// [`co_divide`] for losses that are normalised already, as [`crate::history::LossHistory`] averages them; the authors do
/// not normalise an average again.
pub fn divide_normalised(losses: &[f64], settings: &MixtureSettings, threshold: f64) -> Division {
    match fit(losses, settings) {
        Ok(mixture) => {
            let clean = losses.iter().map(|&loss| mixture.clean_probability(loss)).collect();
            Division { mixture: Some(mixture), ..Division::by_probability(clean, threshold) }
        }
        Err(degenerate) => Division::plain(losses.len(), degenerate),
    }
}

/// Min-max normalisation over the set: the smallest loss becomes 0, the largest 1.
///
/// # Errors
/// [`Degenerate`] where that is no use: too few losses, some not finite, or all equal up to rounding.
pub fn normalise(losses: &[f32]) -> Result<Vec<f64>, Degenerate> {
    let losses: Vec<f64> = losses.iter().map(|&loss| f64::from(loss)).collect();
    let (smallest, largest) = crate::mixture::check(&losses)?;
    let range = largest - smallest;
    Ok(losses.iter().map(|loss| (loss - smallest) / range).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums of uniform numbers: a bell around `centre`.
    fn bell(i: usize, centre: f32, width: f32) -> f32 {
        let uniform = |salt: usize| ((i * 7919 + salt * 104_729) % 1009) as f32 / 1009.0 - 0.5;
        centre + width * (uniform(1) + uniform(2) + uniform(3))
    }

    #[test]
    fn some_huge_losses_do_not_hide_the_two_modes() {
        for huge in [8, 40] {
            let mut losses: Vec<f32> =
                (0..2000).map(|i| if i % 5 < 3 { bell(i, 0.8, 0.5) } else { bell(i, 2.2, 0.7) }).collect();
            let at = |i: usize| i * 2000 / huge;
            (0..huge).for_each(|i| losses[at(i)] = 20.0 + i as f32);
            let division = co_divide(&losses, &MixtureSettings::default(), 0.5);
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
    fn one_skewed_heap_with_few_wrong_labels_stays_one() {
        // Quantiles of an exponential distribution, and 10 of 2,000 far out: those are what is wrong.
        let mut losses: Vec<f32> = (0..2000).map(|i| -0.1 * (1.0 - (i as f32 + 0.5) / 2000.0).ln()).collect();
        (0..10).for_each(|i| losses[i * 200] = 8.0 + 0.1 * i as f32);
        let division = co_divide(&losses, &MixtureSettings::default(), 0.5);
        assert_eq!(division.unlabeled, (0..10).map(|i| i * 200).collect::<Vec<_>>());
    }
}
