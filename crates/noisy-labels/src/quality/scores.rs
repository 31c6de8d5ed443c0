//! Label quality from one table of predicted probabilities, as cleanlab defines it (`cleanlab.rank`, version 2); a low score
//! means a bad label.

use crate::class_table::ClassTable;
use crate::error::Result;

/// The probability of each sample's given label: N scores in `0..=1`.
///
/// # Shapes
/// `probabilities`: `[N, C]`; `labels`: N ids below C.
///
/// # Errors
/// [`crate::Error::Length`] where the lengths do not fit; [`crate::Error::Label`] for an id that is not a class.
pub fn self_confidence(probabilities: &ClassTable, labels: &[usize]) -> Result<Vec<f64>> {
    each(probabilities, labels, |row, label| f64::from(row[label]))
}

/// Each sample's `(p_label - max_{k != label} p_k + 1) / 2`, which is the margin of the given label's probability over the best other
/// class: N scores in `0..=1`.
///
/// # Shapes
/// `probabilities`: `[N, C]`; `labels`: N ids below C.
///
/// # Errors
/// [`crate::Error::Length`] where the lengths do not fit; [`crate::Error::Label`] for an id that is not a class.
pub fn normalized_margin(probabilities: &ClassTable, labels: &[usize]) -> Result<Vec<f64>> {
    each(probabilities, labels, |row, label| {
        let others = row.iter().enumerate().filter(|&(class, _)| class != label);
        let best = others.map(|(_, &p)| f64::from(p)).fold(0.0, f64::max);
        (f64::from(row[label]) - best + 1.0) / 2.0
    })
}

fn each(
    probabilities: &ClassTable,
    labels: &[usize],
    score: impl Fn(&[f32], usize) -> f64,
) -> Result<Vec<f64>> {
    probabilities.check_labels("probabilities", labels)?;
    Ok(probabilities.rows().zip(labels).map(|(row, &label)| score(row, label)).collect())
}
