//! Noise completely at random, which depends neither on the image nor on the true class.

use rand::Rng;

use super::draw::{needs_wrong_classes, touched};
use crate::error::{Result, check_labels};

/// The labels after noise: those of exactly `int(rate * N)` samples are drawn uniformly. With `include_true` they are drawn from all
/// classes, as the reference code does (so with ten classes rate 0.5 makes 45 % wrong), else from the other classes alone.
///
/// # Errors
/// [`crate::Error::OutOfRange`] for a rate outside `0..=1`, or where a label is to be wrong and there is no other class;
/// [`crate::Error::Label`] for an id that is not a class.
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
            // A number below classes - 1; from the true class on, numbers stand for the next class.
            let other = rng.random_range(0..classes - 1);
            if other < labels[sample] { other } else { other + 1 }
        };
    }
    Ok(noisy)
}
