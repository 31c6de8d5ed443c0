//! Which labels to call wrong, and what to suggest instead.

use super::argmax;

/// The class that the networks would give: the most probable one. The given label wins a tie, and a row with NaN.
///
/// `probabilities`: one row, a value per class.
pub fn suggested_label(probabilities: &[f32], given: usize) -> usize {
    let best = argmax(probabilities);
    match (probabilities.get(best), probabilities.get(given)) {
        (Some(most), Some(own)) if most > own && !probabilities.iter().any(|p| p.is_nan()) => best,
        _ => given,
    }
}

/// Whether a label is called an issue: the networks' averaged prediction is another class, *and* the last division
/// does not find the label clean.
///
/// Each signal guards the other's weak side. The averaged prediction is steady, but also differs on clean samples that
/// are merely hard, among which the loss does not stand out; the loss of one epoch is noisy, but a high loss
/// alone (the network hesitates among classes, the given one first) suggests no other label. Without a division (`None`:
/// it was degenerate, or the method makes none) the prediction alone decides.
pub fn is_issue(given: usize, suggested: usize, clean_probability: Option<f64>, threshold: f64) -> bool {
    suggested != given && clean_probability.is_none_or(|clean| clean <= threshold)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issue_needs_another_prediction_and_no_clean_verdict() {
        assert!(is_issue(0, 1, Some(0.5), 0.5));
        assert!(!is_issue(0, 1, Some(0.51), 0.5));
        assert!(!is_issue(0, 0, Some(0.0), 0.5));
        assert!(is_issue(0, 1, None, 0.5) && !is_issue(0, 0, None, 0.5));
    }

    #[test]
    fn the_given_label_wins_ties_and_rows_that_say_nothing() {
        assert_eq!(suggested_label(&[0.25, 0.25, 0.25, 0.25], 2), 2);
        assert_eq!(suggested_label(&[0.1, 0.6, 0.3], 2), 1);
        assert_eq!(suggested_label(&[f32::NAN, 0.9], 0), 0);
        assert_eq!(suggested_label(&[], 3), 3);
    }
}
