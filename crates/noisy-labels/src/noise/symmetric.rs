//! Noise completely at random: independent of image and true class.

use rand::Rng;

use super::touched;
use crate::error::{Error, Result, check_labels};

/// Gives exactly `int(rate * N)` samples a label drawn uniformly: from all classes with `include_true`, as the
/// reference code does (so rate 0.5 leaves 45 % wrong with ten classes), else from the wrong ones alone.
///
/// # Errors
/// [`Error::OutOfRange`] for a rate outside `0..=1`, or where there is no wrong class; [`Error::Label`].
pub fn symmetric<R: Rng + ?Sized>(
    labels: &[usize],
    classes: usize,
    rate: f64,
    include_true: bool,
    rng: &mut R,
) -> Result<Vec<usize>> {
    check_labels(labels, classes)?;
    if !include_true && classes < 2 {
        return Err(Error::OutOfRange {
            name: "number of classes",
            value: classes as f64,
            range: "2 at least for a label to be wrong",
        });
    }
    let mut noisy = labels.to_vec();
    for sample in touched(labels.len(), rate, rng)? {
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
