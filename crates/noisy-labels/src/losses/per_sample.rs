//! Cross entropy of each sample's given label: the losses that samples are divided by.

use crate::class_table::{ClassTable, log_sum_exp};
use crate::error::Result;

/// The cross entropy of each sample's given label, `-log softmax(logits)_label`: N losses, in nats. A sample with a NaN logit has the
/// loss NaN.
///
/// # Shapes
/// `logits`: `[N, C]`; `labels`: N ids below C.
///
/// # Errors
/// [`crate::Error::Label`] for an id that is not a class; [`crate::Error::Length`] where the lengths do not fit.
pub fn cross_entropy_per_sample(logits: &ClassTable, labels: &[usize]) -> Result<Vec<f32>> {
    logits.check_labels("logits", labels)?;
    Ok(logits.rows().zip(labels).map(|(row, &label)| log_sum_exp(row) - row[label]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn losses(logits: &[f32], labels: &[usize]) -> Vec<f32> {
        cross_entropy_per_sample(&ClassTable::new(logits.to_vec(), 2).unwrap(), labels).unwrap()
    }

    #[test]
    fn the_loss_is_the_negative_logarithm_of_the_label_s_probability() {
        let expected = -(2f32.exp() / (2f32.exp() + 1.0)).ln();
        let found = losses(&[2.0, 0.0, 0.0, 2.0], &[0, 0]);
        assert!((found[0] - expected).abs() < 1e-6 && (found[1] - expected - 2.0).abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn absurdly_confident_logits_have_a_finite_loss() {
        assert_eq!(losses(&[1e4, -1e4], &[1]), [2e4]);
    }

    #[test]
    fn a_nan_logit_gives_a_nan_loss_for_its_sample_alone() {
        let found = losses(&[f32::NAN, 0.0, 0.0, 0.0], &[1, 1]);
        assert!(found[0].is_nan() && (found[1] - 2f32.ln()).abs() < 1e-6);
    }

    #[test]
    fn a_label_without_a_class_or_a_sample_is_an_error() {
        let logits = ClassTable::new(vec![0.0; 6], 3).unwrap();
        assert!(cross_entropy_per_sample(&logits, &[0, 3]).is_err());
        assert!(cross_entropy_per_sample(&logits, &[0]).is_err());
    }
}
