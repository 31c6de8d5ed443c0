//! Calibration: whether predictions with a confidence of 0.8 are right in 80 % of cases.

use crate::class_table::{ClassTable, argmax};
use crate::error::Result;

/// The number of bins of [`expected_calibration_error`] (Guo et al. 2017, section 4).
pub const CALIBRATION_BINS: usize = 15;

/// The expected calibration error (Guo et al. 2017, eq. 3): the mean over samples of `|accuracy - mean confidence|` of their bin. The
/// confidence is a row's largest probability, and falls into one of 15 bins of equal width, `(k/15, (k+1)/15]` (0 into the first).
///
/// Of tied probabilities the first class is the prediction. `None` without samples or with a NaN probability.
///
/// # Shapes
/// `probabilities`: `[N, C]`; `labels`: N ids below C.
///
/// # Errors
/// [`crate::Error::Length`] where the lengths do not fit; [`crate::Error::Label`] for an id that is not a class.
pub fn expected_calibration_error(probabilities: &ClassTable, labels: &[usize]) -> Result<Option<f64>> {
    probabilities.check_labels("probabilities", labels)?;
    if labels.is_empty() || probabilities.values().iter().any(|p| p.is_nan()) {
        return Ok(None);
    }
    let predictions = probabilities.rows().zip(labels).map(|(row, &label)| {
        let predicted = argmax(row);
        (row[predicted], predicted == label)
    });
    Ok(calibration_error(predictions))
}

/// [`expected_calibration_error`] from each prediction's confidence in `0..=1` and whether it is right, where the probabilities of all
/// classes are not kept. `None` without predictions or with a confidence that is NaN.
pub fn calibration_error(predictions: impl IntoIterator<Item = (f32, bool)>) -> Option<f64> {
    // For each bin: the number of right predictions, less the sum of the confidences.
    let mut gaps = [0f64; CALIBRATION_BINS];
    let mut count = 0usize;
    for (confidence, right) in predictions {
        if confidence.is_nan() {
            return None;
        }
        let confidence = f64::from(confidence);
        let bin = (confidence * CALIBRATION_BINS as f64).ceil() as usize;
        gaps[bin.saturating_sub(1).min(CALIBRATION_BINS - 1)] += f64::from(u8::from(right)) - confidence;
        count += 1;
    }
    (count > 0).then(|| gaps.iter().map(|gap| gap.abs()).sum::<f64>() / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(probabilities: &[f32], labels: &[usize]) -> Result<Option<f64>> {
        expected_calibration_error(&ClassTable::new(probabilities.to_vec(), 2)?, labels)
    }

    #[test]
    fn two_bins_by_hand() {
        // 0.9 twice, one right: gap |1 - 1.8| = 0.8; 0.6 twice, both right: |2 - 1.2| = 0.8; over four samples.
        let p = [0.9, 0.1, 0.9, 0.1, 0.6, 0.4, 0.4, 0.6];
        let ece = error(&p, &[0, 1, 0, 1]).unwrap().unwrap();
        assert!((ece - 0.4).abs() < 1e-7, "{ece}");
    }

    #[test]
    fn a_confidence_of_1_is_in_the_bin_below_it() {
        // One right of two whose confidences sum to 1.99, in one bin: |1 - 1.99|. In two bins it would be 1 + 0.01.
        let ece = error(&[1.0, 0.0, 0.99, 0.01], &[1, 0]).unwrap().unwrap();
        assert!((ece - 0.99 / 2.0).abs() < 1e-7, "{ece}");
    }

    #[test]
    fn certain_and_right_is_calibrated_certain_and_wrong_is_not() {
        assert_eq!(error(&[1.0, 0.0], &[0]).unwrap(), Some(0.0));
        assert_eq!(error(&[1.0, 0.0], &[1]).unwrap(), Some(1.0));
    }

    #[test]
    fn undefined_or_impossible() {
        assert_eq!(error(&[], &[]).unwrap(), None);
        assert_eq!(error(&[f32::NAN, 0.5], &[0]).unwrap(), None);
        assert_eq!(calibration_error([(0.9, true), (f32::NAN, false)]), None);
        assert!(error(&[0.5, 0.5], &[0, 0]).is_err());
        assert!(error(&[0.5, 0.5], &[2]).is_err());
    }
}
