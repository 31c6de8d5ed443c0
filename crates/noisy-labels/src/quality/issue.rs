//! Which labels to call wrong, and which class to suggest instead.

use crate::class_table::argmax;
use crate::error::{Result, check_length};

/// The most probable class of a row; the given label where it is as probable, or where the row has a NaN.
///
/// `probabilities`: a value for each class.
pub fn suggested_label(probabilities: &[f32], given: usize) -> usize {
    let best = argmax(probabilities);
    match (probabilities.get(best), probabilities.get(given)) {
        (Some(most), Some(own)) if most > own && !probabilities.iter().any(|p| p.is_nan()) => best,
        _ => given,
    }
}

/// For each label whether it is called an issue. The issues are the worst labels by `quality` among those to which another class is
/// suggested, as many as are estimated to be wrong, rounded down.
///
/// A network that is right on three quarters of the images suggests another class for a quarter of the right labels too, so not
/// every suggestion is an issue. Of equal qualities the first counts as worse. A label whose quality is NaN is never an issue, since
/// nothing is known against it.
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
    // The small number makes up for rounding: 0.29 of 100 labels are 29, though 0.29 * 100 is less in f64.
    let estimated = (noise_rate.clamp(0.0, 1.0) * quality.len() as f64 + 1e-6) as usize;
    let has_other = |sample: &usize| suggested[*sample] != given[*sample] && !quality[*sample].is_nan();
    let mut worst: Vec<usize> = (0..quality.len()).filter(has_other).collect();
    worst.sort_by(|&a, &b| quality[a].total_cmp(&quality[b]));
    let mut issues = vec![false; quality.len()];
    worst.into_iter().take(estimated).for_each(|sample| issues[sample] = true);
    Ok(issues)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issues_are_the_worst_labels_to_which_another_is_suggested() {
        let quality = [0.9, 0.2, 0.3, 0.1, f64::NAN];
        let given = [0, 0, 0, 0, 0];
        let issues = |suggested: &[usize; 5], rate| label_issues(&quality, &given, suggested, rate).unwrap();
        assert_eq!(issues(&[1; 5], 0.2), [false, false, false, true, false]);
        assert_eq!(issues(&[1; 5], 0.4), [false, true, false, true, false]);
        assert_eq!(issues(&[1; 5], 0.39), issues(&[1; 5], 0.2), "the number is rounded down");
        // To the second worst no other class is suggested, so the third counts.
        assert_eq!(issues(&[1, 0, 1, 1, 1], 0.4), [false, false, true, true, false]);
        assert_eq!(issues(&[0; 5], 0.6), [false; 5]);
        assert_eq!(issues(&[1, 0, 0, 0, 0], f64::NAN), [false; 5]);
        assert_eq!(issues(&[1; 5], 7.0), [true, true, true, true, false]);
        // 0.29 * 100 is 28.999.. in f64.
        let of_hundred = label_issues(&[0.0; 100], &[0; 100], &[1; 100], 0.29).unwrap();
        assert!(of_hundred.iter().take(29).all(|issue| *issue), "of equal qualities the first");
        assert_eq!(of_hundred.iter().filter(|issue| **issue).count(), 29);
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
