//! Noise completely at random: independent of image and true class.

use rand::Rng;

use super::draw::{needs_wrong_classes, touched};
use crate::error::{Result, check_labels};

/// Gives exactly `int(rate * N)` samples a label drawn uniformly: from all classes with `include_true`, as the
/// reference code does (so rate 0.5 leaves 45 % wrong with ten classes), else from the wrong ones alone.
///
/// # Errors
/// [`crate::Error::OutOfRange`] for a rate outside `0..=1`, or where a label is to be wrong and there is no other class;
/// [`crate::Error::Label`].
pub fn symmetric<R: Rng + ?Sized>(
    labels: &[usize],
    classes: usize,
    rate: f64,
    include_true: bool,
    rng: &mut R,
) -> Result<Vec<usize>> {
    check_labels(labels, classes)?;
    let touched = touched(labels.len(), rate, rng)?;
    if !include_true && !touched.is_empty() {
        needs_wrong_classes(classes)?;
    }
    let mut noisy = labels.to_vec();
    for sample in touched {
        noisy[sample] = if include_true {
            rng.random_range(0..classes)
        } else {
            // One of the classes - 1 others: those from the true one on move up by one.
            let other = rng.random_range(0..classes - 1);
            if other < labels[sample] { other } else { other + 1 }
        };
    }
    Ok(noisy)
}
