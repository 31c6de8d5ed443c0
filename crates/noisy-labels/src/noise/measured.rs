//! The noise of labels whose truth is known.

use crate::class_pairs::ClassPairs;
use crate::error::Result;
use crate::metrics::confusion;

/// The share of labels that are wrong; `None` without samples or where the lengths differ.
pub fn noise_rate(given: &[usize], truth: &[usize]) -> Option<f64> {
    crate::metrics::accuracy(given, truth).map(|right| 1.0 - right)
}

/// The share of each given label (second class) among the samples of each true class (first class). The row of a class without samples
/// is empty.
///
/// # Errors
/// [`crate::Error::Label`] for an id that is no class; [`crate::Error::Length`] where the lengths differ.
pub fn measured_transition(given: &[usize], truth: &[usize], classes: usize) -> Result<ClassPairs<f64>> {
    Ok(confusion(truth, given, classes)?.map_rows(|_, row| {
        let samples: usize = row.iter().map(|(_, count)| count).sum();
        row.iter().map(|&(label, count)| (label, count as f64 / samples as f64)).collect()
    }))
}
