//! Label quality from one set of predicted probabilities, as cleanlab defines it (`cleanlab.rank`, version 2); low is
//! bad.

use crate::error::{Result, check_labels, check_length};

/// The probability of the given label.
///
/// # Shapes
/// `probabilities`: `[N, classes]`, row-major; `labels`: N ids; result: N scores in `0..=1`.
///
/// # Errors
/// [`crate::Error::Length`] where the lengths do not fit; [`crate::Error::Label`].
pub fn self_confidence(probabilities: &[f32], labels: &[usize], classes: usize) -> Result<Vec<f64>> {
    each(probabilities, labels, classes, |row, label| f64::from(row[label]))
}

/// `(p_label - max_{k != label} p_k + 1) / 2`: the probability's margin over the best other class.
///
/// # Shapes
/// `probabilities`: `[N, classes]`, row-major; `labels`: N ids; result: N scores in `0..=1`.
///
/// # Errors
/// [`crate::Error::Length`] where the lengths do not fit; [`crate::Error::Label`].
pub fn normalized_margin(probabilities: &[f32], labels: &[usize], classes: usize) -> Result<Vec<f64>> {
    each(probabilities, labels, classes, |row, label| {
        let others = row.iter().enumerate().filter(|&(class, _)| class != label);
        let best = others.map(|(_, &p)| f64::from(p)).fold(0.0, f64::max);
        (f64::from(row[label]) - best + 1.0) / 2.0
    })
}

fn each(
    probabilities: &[f32],
    labels: &[usize],
    classes: usize,
    score: impl Fn(&[f32], usize) -> f64,
) -> Result<Vec<f64>> {
    check_labels(labels, classes)?;
    check_length("probabilities", labels.len().saturating_mul(classes), probabilities.len())?;
    Ok(probabilities
        .chunks_exact(classes.max(1))
        .zip(labels)
        .map(|(row, &label)| score(row, label))
        .collect())
}
