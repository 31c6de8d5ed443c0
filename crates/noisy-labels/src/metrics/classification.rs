//! Predicted classes against true ones.

use crate::error::{Result, check_labels, check_length};

/// The share of predictions that are right; `None` without samples or where the lengths differ.
pub fn accuracy(predicted: &[usize], truth: &[usize]) -> Option<f64> {
    if truth.is_empty() || predicted.len() != truth.len() {
        return None;
    }
    let right = predicted.iter().zip(truth).filter(|(p, t)| p == t).count();
    Some(right as f64 / truth.len() as f64)
}

/// The confusion matrix: `[t][p]` counts the samples of class t predicted as p (scikit-learn's orientation).
///
/// # Errors
/// [`crate::Error::Label`] for an id that is no class; [`crate::Error::Length`] where the lengths differ.
pub fn confusion(truth: &[usize], predicted: &[usize], classes: usize) -> Result<Vec<Vec<usize>>> {
    check_length("predictions", truth.len(), predicted.len())?;
    check_labels(truth, classes)?;
    check_labels(predicted, classes)?;
    let mut counts = vec![vec![0; classes]; classes];
    for (&t, &p) in truth.iter().zip(predicted) {
        counts[t][p] += 1;
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accuracy_counts_what_is_right() {
        assert_eq!(accuracy(&[0, 1, 2, 2], &[0, 1, 1, 2]), Some(0.75));
        assert_eq!(accuracy(&[], &[]), None);
        assert_eq!(accuracy(&[0], &[0, 1]), None);
    }

    #[test]
    fn rows_of_the_confusion_are_true_classes() {
        // scikit-learn's documented example: confusion_matrix([2,0,2,2,0,1], [0,0,2,2,0,2]).
        let counts = confusion(&[2, 0, 2, 2, 0, 1], &[0, 0, 2, 2, 0, 2], 3).unwrap();
        assert_eq!(counts, [[2, 0, 0], [0, 0, 1], [1, 0, 2]]);
        assert!(confusion(&[3], &[0], 3).is_err() && confusion(&[0], &[], 3).is_err());
    }
}
