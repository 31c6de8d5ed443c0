//! Co-divide (DivideMix, Algorithm 1, lines 4-6): which samples keep their label this epoch.

use crate::mixture::{Degenerate, Mixture, MixtureSettings, fit};

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
const OUTLIERS: f64 = 0.01;

/// Two modes are apart where Ashman's D is above this (Ashman, Bird & Zepf 1994, "Detecting bimodality in astronomical
/// datasets"). One skewed heap that is split in two (exponential, lognormal, gamma) stays below 1.8.
const MODES_APART: f64 = 2.0;

/// Divides samples by their losses: min-max normalises them, fits the mixture, compares the posterior of its clean
/// component with `threshold`. Never panics; what cannot be divided is [`Division::degenerate`].
///
/// A handful of huge losses, as a network has them whose running statistics lag, set the scale, and may get the second
/// component for themselves: then nearly all samples would count as clean. So where that component holds less than 1 % of
/// the samples, the mixture is fitted again with the largest 1 % of the losses cut down to the next one; the second fit is
/// kept if its modes are apart.
pub fn co_divide(losses: &[f32], settings: &MixtureSettings, threshold: f64) -> Division {
    let division = divide_scaled(losses, settings, threshold);
    if !division.mixture.as_ref().is_some_and(|m| m.weights[1] < OUTLIERS) {
        return division;
    }
    let again = divide_scaled(&cut_down(losses), settings, threshold);
    if again.mixture.as_ref().is_some_and(|m| ashman_d(m) > MODES_APART) { again } else { division }
}

fn divide_scaled(losses: &[f32], settings: &MixtureSettings, threshold: f64) -> Division {
    match normalise(losses) {
        Ok(normalised) => divide_normalised(&normalised, settings, threshold),
        Err(degenerate) => Division::plain(losses.len(), degenerate),
    }
}

/// The losses, none larger than the largest of the smaller 99 %.
fn cut_down(losses: &[f32]) -> Vec<f32> {
    let mut sorted = losses.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let outliers = (OUTLIERS * sorted.len() as f64).ceil() as usize;
    match sorted.iter().rev().nth(outliers) {
        Some(most) => losses.iter().map(|loss| loss.min(*most)).collect(),
        None => sorted,
    }
}

/// Distance of the means in standard deviations: sqrt(2) |m1 - m2| / sqrt(v1 + v2).
fn ashman_d(mixture: &Mixture) -> f64 {
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
    fn a_handful_of_huge_losses_does_not_hide_the_two_modes() {
        let mut losses: Vec<f32> =
            (0..2000).map(|i| if i % 5 < 3 { bell(i, 0.8, 0.5) } else { bell(i, 2.2, 0.7) }).collect();
        (0..8).for_each(|i| losses[i * 250] = 20.0 + 2.0 * i as f32);
        let division = co_divide(&losses, &MixtureSettings::default(), 0.5);
        let labeled = division.labeled.len() as f64 / 2000.0;
        assert!((labeled - 0.6).abs() < 0.02, "{labeled}");
        let right = division.labeled.iter().filter(|&&i| i % 5 < 3).count();
        assert!(right as f64 > 0.98 * division.labeled.len() as f64, "{right}");
        assert!((0..8).all(|i| division.clean_probability[i * 250] < 0.01));
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
