//! Flagged samples compared with positive ones: issues with wrong labels.

use serde::{Deserialize, Serialize};

/// Precision, recall and their harmonic mean; each `None` where its denominator is 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// The share of positives among the flagged.
    pub precision: Option<f64>,
    /// The share of flagged among the positives.
    pub recall: Option<f64>,
    /// `2 TP / (2 TP + FP + FN)`.
    pub f1: Option<f64>,
}

/// The precision, recall and F1 of flagged samples; `None` where the lengths differ.
pub fn precision_recall_f1(flagged: &[bool], positive: &[bool]) -> Option<Detection> {
    if flagged.len() != positive.len() {
        return None;
    }
    let count =
        |flag: bool, is: bool| flagged.iter().zip(positive).filter(|&(&f, &p)| f == flag && p == is).count();
    let (hits, false_alarms, missed) = (count(true, true), count(true, false), count(false, true));
    let share = |part: usize, whole: usize| (whole > 0).then(|| part as f64 / whole as f64);
    Some(Detection {
        precision: share(hits, hits + false_alarms),
        recall: share(hits, hits + missed),
        f1: share(2 * hits, 2 * hits + false_alarms + missed),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_hits_one_false_alarm_two_missed() {
        let flagged = [true, true, true, false, false, false];
        let positive = [true, true, false, true, true, false];
        let found = precision_recall_f1(&flagged, &positive).unwrap();
        assert_eq!((found.precision, found.recall), (Some(2.0 / 3.0), Some(0.5)));
        assert_eq!(found.f1, Some(4.0 / 7.0));
    }

    #[test]
    fn what_has_no_denominator_is_undefined() {
        let nothing = precision_recall_f1(&[false], &[false]).unwrap();
        assert_eq!(nothing, Detection { precision: None, recall: None, f1: None });
        assert_eq!(precision_recall_f1(&[true], &[]), None);
    }
}
