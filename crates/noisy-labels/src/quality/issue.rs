//! Which labels to call wrong, and what to suggest instead.

use super::argmax;
use crate::error::{Result, check_length};

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

/// Which labels are called issues: of the labels to which another is suggested, the worst by `quality`, as many as are estimated to
/// be wrong, and no part of one more.
///
/// Networks that are right on three quarters of the images suggest another label for a quarter of the right ones too, so not every
/// suggestion is an issue. Of equal qualities the first counts as worse; NaN is never an issue, since nothing is known against it.
///
/// # Shapes
/// `quality` (low is bad), `given` and `suggested`: N each; `noise_rate`: the share of labels that are wrong, 0 to 1.
///
/// # Errors
/// [`crate::Error::Length`] where the lengths differ.
pub fn label_issues(
    quality: &[f64],
    given: &[usize],
    suggested: &[usize],
    noise_rate: f64,
) -> Result<Vec<bool>> {
    check_length("given labels", quality.len(), given.len())?;
    check_length("suggested labels", quality.len(), suggested.len())?;
    // A rate that is a share of so many gives them back, in spite of rounding.
    let estimated = (noise_rate.clamp(0.0, 1.0) * quality.len() as f64 + 1e-6) as usize;
    let has_better = |sample: &usize| suggested[*sample] != given[*sample] && !quality[*sample].is_nan();
    let mut worst: Vec<usize> = (0..quality.len()).filter(has_better).collect();
    worst.sort_by(|&a, &b| quality[a].total_cmp(&quality[b]));
    let mut issues = vec![false; quality.len()];
    worst.into_iter().take(estimated).for_each(|sample| issues[sample] = true);
    Ok(issues)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issues_are_the_worst_labels_that_have_a_better_one() {
        let quality = [0.9, 0.2, 0.3, 0.1, f64::NAN];
        let given = [0, 0, 0, 0, 0];
        let issues = |suggested: &[usize; 5], rate| label_issues(&quality, &given, suggested, rate).unwrap();
        assert_eq!(issues(&[1; 5], 0.2), [false, false, false, true, false]);
        assert_eq!(issues(&[1; 5], 0.4), [false, true, false, true, false]);
        assert_eq!(issues(&[1; 5], 0.39), issues(&[1; 5], 0.2), "no part of a label more");
        // The second worst has no better label, so the third counts.
        assert_eq!(issues(&[1, 0, 1, 1, 1], 0.4), [false, false, true, true, false]);
        assert_eq!(issues(&[0; 5], 0.6), [false; 5]);
        assert_eq!(issues(&[1, 0, 0, 0, 0], f64::NAN), [false; 5]);
        assert_eq!(issues(&[1; 5], 7.0), [true, true, true, true, false]);
        assert!(label_issues(&quality, &given, &[1], 0.5).is_err());
        assert!(label_issues(&quality, &[0], &given, 0.5).is_err());
    }

    #[test]
    fn the_given_label_wins_ties_and_rows_that_say_nothing() {
        assert_eq!(suggested_label(&[0.25, 0.25, 0.25, 0.25], 2), 2);
        assert_eq!(suggested_label(&[0.1, 0.6, 0.3], 2), 1);
        assert_eq!(suggested_label(&[f32::NAN, 0.9], 0), 0);
        assert_eq!(suggested_label(&[], 3), 3);
    }
}
