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

/// Divides samples by their losses: min-max normalises them, fits the mixture, compares the posterior of its clean
/// component with `threshold`. Never panics; what cannot be divided is [`Division::degenerate`].
///
/// As published, one huge loss squeezes all others into a narrow heap when it sets the scale, and may get the second
/// component for itself.
pub fn co_divide(losses: &[f32], settings: &MixtureSettings, threshold: f64) -> Division {
    match normalise(losses) {
        Ok(normalised) => divide_normalised(&normalised, settings, threshold),
        Err(degenerate) => Division::plain(losses.len(), degenerate),
    }
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
