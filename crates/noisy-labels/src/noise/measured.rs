//! The noise of labels whose truth is known.

use crate::error::Result;
use crate::metrics::confusion;

/// The share of labels that are wrong; `None` without samples or where the lengths differ.
pub fn noise_rate(given: &[usize], truth: &[usize]) -> Option<f64> {
    crate::metrics::accuracy(given, truth).map(|right| 1.0 - right)
}

/// The share of each given label (column) among the samples of each true class (row); `None` for a class without
/// samples.
///
/// # Errors
/// [`crate::Error::Label`] for an id that is no class; [`crate::Error::Length`] where the lengths differ.
pub fn measured_transition(
    given: &[usize],
    truth: &[usize],
    classes: usize,
) -> Result<Vec<Option<Vec<f64>>>> {
    let share = |row: &Vec<usize>| {
        let samples: usize = row.iter().sum();
        (samples > 0).then(|| row.iter().map(|&count| count as f64 / samples as f64).collect())
    };
    Ok(confusion(truth, given, classes)?.iter().map(share).collect())
}
