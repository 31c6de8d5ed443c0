//! Predicted classes against true ones.

use crate::class_pairs::ClassPairs;
use crate::class_table::ClassTable;
use crate::error::{Result, check_labels, check_length};

/// The share of predictions that equal the truth; `None` without samples or where the lengths differ.
pub fn accuracy(predicted: &[usize], truth: &[usize]) -> Option<f64> {
    if truth.is_empty() || predicted.len() != truth.len() {
        return None;
    }
    let right = predicted.iter().zip(truth).filter(|(p, t)| p == t).count();
    Some(right as f64 / truth.len() as f64)
}

/// The share of samples for which fewer than `k` classes have a larger score than the true class (scikit-learn's
/// `top_k_accuracy_score`, except that ties count as right here). NaN scores count as wrong. `None` without samples.
///
/// # Shapes
/// `scores`: `[N, C]`, logits or probabilities; `truth`: N ids below C.
///
/// # Errors
/// [`crate::Error::Label`] for an id that is not a class; [`crate::Error::Length`] where the lengths do not fit.
pub fn top_k_accuracy(scores: &ClassTable, truth: &[usize], k: usize) -> Result<Option<f64>> {
    scores.check_labels("scores", truth)?;
    if truth.is_empty() {
        return Ok(None);
    }
    let right = scores.rows().zip(truth).filter(|(row, truth)| is_among_top_k(row, **truth, k)).count();
    Ok(Some(right as f64 / truth.len() as f64))
}

/// Whether fewer than `k` classes have a larger score than `class`: what [`top_k_accuracy`] counts. A NaN score of the class is not.
///
/// # Panics
/// If `class` is not below the length of the row.
pub fn is_among_top_k(scores: &[f32], class: usize, k: usize) -> bool {
    let own = scores[class];
    !own.is_nan() && scores.iter().filter(|score| **score > own).count() < k
}

/// The confusion matrix, whose number of the pair (t, p) is the number of samples of class t that are predicted as p (scikit-learn's
/// orientation).
///
/// # Errors
/// [`crate::Error::Label`] for an id that is not a class; [`crate::Error::Length`] where the lengths differ.
pub fn confusion(truth: &[usize], predicted: &[usize], classes: usize) -> Result<ClassPairs<usize>> {
    check_length("predictions", truth.len(), predicted.len())?;
    check_labels(truth, classes)?;
    check_labels(predicted, classes)?;
    let mut counts = ClassPairs::new(classes);
    truth.iter().zip(predicted).for_each(|(&t, &p)| counts.add(t, p, 1));
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
    fn the_true_class_may_be_among_the_first_k() {
        // scikit-learn's documented example: 0.75 of it are right among the first two.
        let table = |scores: &[f32]| ClassTable::new(scores.to_vec(), 3).unwrap();
        let scores = table(&[0.5, 0.2, 0.2, 0.3, 0.4, 0.2, 0.2, 0.4, 0.3, 0.7, 0.2, 0.1]);
        let truth = [0, 1, 2, 2];
        let shares = [1, 2, 3].map(|k| top_k_accuracy(&scores, &truth, k).unwrap().unwrap());
        assert_eq!(shares, [0.5, 0.75, 1.0]);
        assert_eq!(top_k_accuracy(&table(&[f32::NAN; 3]), &[1], 3).unwrap(), Some(0.0));
        assert_eq!(top_k_accuracy(&table(&[]), &[], 1).unwrap(), None);
        assert!(top_k_accuracy(&scores, &[3, 0, 0, 0], 1).is_err());
        assert!(top_k_accuracy(&scores, &[0], 1).is_err());
    }

    #[test]
    fn rows_of_the_confusion_are_true_classes() {
        // scikit-learn's documented example: confusion_matrix([2,0,2,2,0,1], [0,0,2,2,0,2]).
        let counts = confusion(&[2, 0, 2, 2, 0, 1], &[0, 0, 2, 2, 0, 2], 3).unwrap();
        assert_eq!(counts.full_rows().collect::<Vec<_>>(), [[2, 0, 0], [0, 0, 1], [1, 0, 2]]);
        assert!(confusion(&[3], &[0], 3).is_err() && confusion(&[0], &[], 3).is_err());
    }
}
