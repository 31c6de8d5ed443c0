//! The margin of each label in a table of logits or of shares.

use crate::class_table::ClassTable;
use crate::error::Result;

/// The share that each class has in addition to its votes, so that a class without votes has a logarithm.
const SMALLEST_SHARE: f64 = 1e-3;

/// The margin of each label: its logit less the largest other one. It has the unit of the logits, and for logits of a
/// probabilistic classifier it is the logarithm of the odds of the label against the best other class. A row with NaN gives NaN,
/// and a table of one class 0.
///
/// A logit of minus infinity is that of an impossible class: the margin of a label whose others are all impossible is 0, since
/// there is nothing to compare it with.
///
/// # Shapes
/// `logits`: `[N, C]`; `labels`: N ids below C.
///
/// # Errors
/// [`crate::Error::Length`] where the lengths do not fit; [`crate::Error::Label`] for an id that is not a class.
pub fn logit_margins(logits: &ClassTable, labels: &[usize]) -> Result<Vec<f64>> {
    margins(logits, labels, f64::from)
}

/// The margin of each label in shares of votes or probabilities: `ln(p_label + 0.001) - ln(max_{k != label} p_k + 0.001)`.
/// A row with NaN gives NaN, and a table of one class 0.
///
/// # Shapes
/// `shares`: `[N, C]`, in `0..=1`; `labels`: N ids below C.
///
/// # Errors
/// [`crate::Error::Length`] where the lengths do not fit; [`crate::Error::Label`] for an id that is not a class.
pub fn share_margins(shares: &ClassTable, labels: &[usize]) -> Result<Vec<f64>> {
    margins(shares, labels, |share| (f64::from(share) + SMALLEST_SHARE).ln())
}

fn margins(table: &ClassTable, labels: &[usize], logit: impl Fn(f32) -> f64) -> Result<Vec<f64>> {
    table.check_labels("rows of a signal", labels)?;
    let margin = |(row, &label): (&[f32], &usize)| {
        if row.iter().any(|value| value.is_nan()) {
            return f64::NAN;
        }
        let others =
            row.iter().enumerate().filter(|&(class, value)| class != label && *value > f32::NEG_INFINITY);
        let best = others.map(|(_, value)| *value).reduce(f32::max);
        best.map_or(0.0, |best| logit(row[label]) - logit(best))
    };
    Ok(table.rows().zip(labels).map(margin).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_margin_is_the_label_s_logit_less_the_largest_other() {
        let (inf, nan) = (f32::INFINITY, f32::NAN);
        let values = vec![1.0, 3.0, 2.5, nan, 1.0, 2.0, 7.0, -inf, -inf, 1.0, -inf, 4.0];
        let logits = ClassTable::new(values, 3).unwrap();
        let margins = logit_margins(&logits, &[1, 1, 0, 2]).unwrap();
        assert_eq!((margins[0], margins[2], margins[3]), (0.5, 0.0, 3.0));
        assert!(margins[1].is_nan());
        let one = ClassTable::new(vec![5.0], 1).unwrap();
        assert_eq!(logit_margins(&one, &[0]).unwrap(), [0.0]);
        assert!(logit_margins(&one, &[1]).is_err() && logit_margins(&one, &[0, 0]).is_err());
    }

    #[test]
    fn no_votes_at_all_are_a_finite_margin() {
        let shares = ClassTable::new(vec![0.0, 1.0, 0.75, 0.25], 2).unwrap();
        let margins = share_margins(&shares, &[0, 0]).unwrap();
        let expected = [(0.001f64 / 1.001).ln(), (0.751f64 / 0.251).ln()];
        margins.iter().zip(expected).for_each(|(margin, expected)| assert!((margin - expected).abs() < 1e-9));
    }
}
