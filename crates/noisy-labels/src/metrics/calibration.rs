//! Whether a confidence of 0.8 is right in 80 % of cases.

use crate::error::{Result, check_labels, check_length};

/// Number of bins of [`expected_calibration_error`] (Guo et al. 2017, section 4).
pub const CALIBRATION_BINS: usize = 15;

/// Expected calibration error (Guo et al. 2017, eq. 3): the confidence, a row's largest probability, falls into one of
/// 15 bins of equal width, `(k/15, (k+1)/15]` (0 into the first); the result is the mean over samples of
/// `|accuracy - mean confidence|` of their bin.
///
/// Of tied probabilities the first class is the prediction. `None` without samples or with a NaN probability.
///
/// # Shapes
/// `probabilities`: `[N, classes]`, row-major; `labels`: N ids.
///
/// # Errors
/// [`crate::Error::Length`] where the lengths do not fit; [`crate::Error::Label`].
pub fn expected_calibration_error(
    probabilities: &[f32],
    labels: &[usize],
    classes: usize,
) -> Result<Option<f64>> {
    check_length("probabilities", labels.len().saturating_mul(classes), probabilities.len())?;
    check_labels(labels, classes)?;
    if labels.is_empty() || probabilities.iter().any(|p| p.is_nan()) {
        return Ok(None);
    }
    // For each bin: how many were right, less the sum of the confidences.
    let mut gaps = [0f64; CALIBRATION_BINS];
    for (row, &label) in probabilities.chunks_exact(classes).zip(labels) {
        let predicted = crate::quality::argmax(row);
        let confidence = f64::from(row[predicted]);
        let bin = (confidence * CALIBRATION_BINS as f64).ceil() as usize;
        let right = f64::from(u8::from(predicted == label));
        gaps[bin.saturating_sub(1).min(CALIBRATION_BINS - 1)] += right - confidence;
    }
    Ok(Some(gaps.iter().map(|gap| gap.abs()).sum::<f64>() / labels.len() as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_bins_by_hand() {
        // 0.9 twice, one right: gap |1 - 1.8| = 0.8; 0.6 twice, both right: |2 - 1.2| = 0.8; over four samples.
        let p = [0.9, 0.1, 0.9, 0.1, 0.6, 0.4, 0.4, 0.6];
        let ece = expected_calibration_error(&p, &[0, 1, 0, 1], 2).unwrap().unwrap();
        assert!((ece - 0.4).abs() < 1e-7, "{ece}");
    }

    #[test]
    fn certain_and_right_is_calibrated_certain_and_wrong_is_not() {
        assert_eq!(expected_calibration_error(&[1.0, 0.0], &[0], 2).unwrap(), Some(0.0));
        assert_eq!(expected_calibration_error(&[1.0, 0.0], &[1], 2).unwrap(), Some(1.0));
    }

    #[test]
    fn undefined_or_impossible() {
        assert_eq!(expected_calibration_error(&[], &[], 2).unwrap(), None);
        assert_eq!(expected_calibration_error(&[f32::NAN, 0.5], &[0], 2).unwrap(), None);
        assert!(expected_calibration_error(&[0.5], &[0], 2).is_err());
        assert!(expected_calibration_error(&[0.5, 0.5], &[2], 2).is_err());
    }
}
