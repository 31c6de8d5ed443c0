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

/// Which labels are called issues: of the labels to which another is suggested the worst by `quality`; how many of the set's
/// worst are looked at lies halfway between the number estimated to be wrong and that of the other suggestions.
///
/// Neither number would do. Networks that are right on three quarters of the images suggest another label for a quarter
/// of the right ones too; and the estimate finds fewer the better the networks have learnt the labels by heart.
/// Of equal qualities the first counts as worse; NaN as best, since nothing is known against it.
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
    let suggestions = suggested.iter().zip(given).filter(|(s, g)| s != g).count() as f64;
    let estimate = noise_rate.clamp(0.0, 1.0) * quality.len() as f64;
    let looked_at = (0.5 * (estimate + suggestions)).round() as usize;
    let mut worst: Vec<usize> = (0..quality.len()).collect();
    let rank = |sample: usize| if quality[sample].is_nan() { f64::INFINITY } else { quality[sample] };
    worst.sort_by(|&a, &b| rank(a).total_cmp(&rank(b)));
    let mut issues = vec![false; quality.len()];
    worst.into_iter().take(looked_at).for_each(|sample| issues[sample] = suggested[sample] != given[sample]);
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
        // Halfway between 1 and 5: the three worst. Between 3 and 4: four, of which the second has no other label.
        assert_eq!(issues(&[1; 5], 0.2), [false, true, true, true, false]);
        assert_eq!(issues(&[1, 0, 1, 1, 1], 0.6), [true, false, true, true, false]);
        assert_eq!(issues(&[0; 5], 0.6), [false; 5]);
        assert_eq!(issues(&[1, 0, 0, 0, 0], f64::NAN), [false; 5]);
        assert_eq!(issues(&[1; 5], 7.0), [true; 5]);
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
