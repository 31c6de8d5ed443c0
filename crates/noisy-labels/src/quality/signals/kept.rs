//! Which labels are good enough to learn from.

use crate::error::{Result, check_labels, check_length};

/// The samples whose label is good enough to learn from: those whose quality or margin is above `least`, and of each class at
/// least the part `least_part`, the best ones. So a class whose labels are all doubted is not lost, and what learns from the rest
/// stays able to suggest it.
///
/// A sample of which nothing is known (NaN) is kept: it is no wrong label yet.
///
/// # Shapes
/// `quality`: N values; `labels`: N ids below `classes`.
///
/// # Errors
/// [`crate::Error::Length`] where the lengths differ; [`crate::Error::Label`] for an id that is not a class.
pub fn kept_labels(
    quality: &[f64],
    labels: &[usize],
    classes: usize,
    least: f64,
    least_part: f64,
) -> Result<Vec<bool>> {
    check_labels(labels, classes)?;
    check_length("qualities of labels", labels.len(), quality.len())?;
    let value = |sample: usize| if quality[sample].is_nan() { f64::INFINITY } else { quality[sample] };
    let mut of_class: Vec<Vec<usize>> = vec![Vec::new(); classes];
    labels.iter().enumerate().for_each(|(sample, &label)| of_class[label].push(sample));
    let mut kept = vec![false; labels.len()];
    for mut samples in of_class {
        let fewest = (least_part.clamp(0.0, 1.0) * samples.len() as f64).ceil() as usize;
        // Stable: of equal qualities the first samples.
        samples.sort_by(|&a, &b| value(b).total_cmp(&value(a)));
        for (rank, sample) in samples.into_iter().enumerate() {
            kept[sample] = rank < fewest || value(sample) > least;
        }
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_labels_are_kept_and_of_each_class_the_best_part() {
        let margins = [0.5, -0.5, -2.0, -3.0, -4.0, f64::NAN, -1.0];
        let kept = |labels: &[usize], part| kept_labels(&margins, labels, 4, -1.0, part).unwrap();
        assert_eq!(kept(&[0, 0, 0, 0, 0, 0, 0], 0.0), [true, true, false, false, false, true, false]);
        assert_eq!(kept(&[0, 0, 1, 1, 1, 0, 3], 0.5), [true, true, true, true, false, true, true]);
        assert_eq!(kept(&[0, 0, 1, 1, 1, 0, 3], f64::NAN)[2..5], [false; 3]);
        let ties = kept_labels(&[-5.0; 4], &[0; 4], 1, 0.0, 0.5).unwrap();
        assert_eq!(ties, [true, true, false, false], "of equal margins the first");
        assert!(
            kept_labels(&margins, &[0], 1, 0.0, 0.5).is_err()
                && kept_labels(&[0.0], &[1], 1, 0.0, 0.5).is_err()
        );
    }
}
