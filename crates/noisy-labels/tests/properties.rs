//! Properties that hold for any input.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod common;

use noisy_labels::ClassTable;
use noisy_labels::division::{Divider, SampleLosses};
use noisy_labels::metrics::{auc, average_precision, expected_calibration_error, precision_recall_f1};
use noisy_labels::mixture::{MixtureSettings, NormalisedLosses, fit};
use noisy_labels::quality::{MarginHistory, quality_of_margin, suggested_label};
use proptest::prelude::*;

/// Scores from few values, so that there are ties, each with whether it is positive.
fn scored() -> impl Strategy<Value = Vec<(f64, bool)>> {
    prop::collection::vec(((-4i32..4).prop_map(|v| f64::from(v) / 2.0), any::<bool>()), 0..40)
}

/// AUC by its definition: over all pairs of a positive and a negative.
fn auc_by_pairs(scored: &[(f64, bool)]) -> Option<f64> {
    let (mut won, mut pairs) = (0.0, 0.0);
    for (positive, _) in scored.iter().filter(|(_, is)| *is) {
        for (negative, _) in scored.iter().filter(|(_, is)| !*is) {
            pairs += 1.0;
            won += if positive > negative {
                1.0
            } else if positive == negative {
                0.5
            } else {
                0.0
            };
        }
    }
    (pairs > 0.0).then_some(won / pairs)
}

/// Average precision by its definition: over the thresholds, from the highest down.
fn average_precision_by_thresholds(scored: &[(f64, bool)]) -> Option<f64> {
    let positives = scored.iter().filter(|(_, is)| *is).count() as f64;
    let mut thresholds: Vec<f64> = scored.iter().map(|(score, _)| *score).collect();
    thresholds.sort_by(|a, b| b.total_cmp(a));
    thresholds.dedup();
    let (mut sum, mut recall) = (0.0, 0.0);
    for threshold in thresholds {
        let flagged: Vec<_> = scored.iter().filter(|(score, _)| *score >= threshold).collect();
        let hits = flagged.iter().filter(|(_, is)| *is).count() as f64;
        sum += (hits / positives - recall) * hits / flagged.len() as f64;
        recall = hits / positives;
    }
    (positives > 0.0).then_some(sum)
}

fn close(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() < 1e-12,
        (a, b) => a == b,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn auc_and_average_precision_equal_their_definitions(scored in scored()) {
        let (scores, positive): (Vec<f64>, Vec<bool>) = scored.iter().copied().unzip();
        prop_assert!(close(auc(&scores, &positive), auc_by_pairs(&scored)));
        prop_assert!(close(average_precision(&scores, &positive), average_precision_by_thresholds(&scored)));
    }

    #[test]
    fn metrics_stay_in_their_range(scored in scored(), p in prop::collection::vec(0f32..=1.0, 60)) {
        let (scores, positive): (Vec<f64>, Vec<bool>) = scored.iter().copied().unzip();
        let flagged: Vec<bool> = scores.iter().map(|&score| score > 0.0).collect();
        let found = precision_recall_f1(&flagged, &positive).unwrap();
        let ece = expected_calibration_error(&ClassTable::new(p, 3).unwrap(), &[0; 20]).unwrap();
        for value in [auc(&scores, &positive), average_precision(&scores, &positive), found.precision, found.recall, found.f1, ece] {
            prop_assert!(value.is_none_or(|v| (0.0..=1.0 + 1e-12).contains(&v)), "{value:?}");
        }
    }

    #[test]
    fn a_division_takes_any_bit_patterns(bits in prop::collection::vec(any::<u32>(), 0..40), threshold in any::<f64>()) {
        let losses: Vec<f32> = bits.into_iter().map(f32::from_bits).collect();
        check_division(&losses, threshold)?;
    }

    #[test]
    fn a_division_takes_any_finite_losses(losses in prop::collection::vec(prop::num::f32::NORMAL | prop::num::f32::SUBNORMAL | prop::num::f32::ZERO, 6..60)) {
        check_division(&losses, 0.5)?;
    }

    #[test]
    fn a_division_takes_few_distinct_losses_and_outliers(kinds in prop::collection::vec(0usize..4, 6..200), outlier in 1f32..1e30) {
        let losses: Vec<f32> = kinds.into_iter().map(|kind| [0.0, 0.1, 1.0, outlier][kind]).collect();
        check_division(&losses, 0.5)?;
    }

    #[test]
    fn a_fit_takes_any_settings(max_iter in 0u64..30, tol in any::<f64>(), reg_covar in any::<f64>()) {
        let losses = NormalisedLosses::from_normalised((0..40).map(|i| f64::from(i % 7) / 6.0).collect()).unwrap();
        if let Ok(mixture) = fit(&losses, &MixtureSettings { max_iter, tol, reg_covar }) {
            prop_assert!((0.0..=1.0).contains(&mixture.clean_probability(0.3)), "{mixture:?}");
        }
    }

    #[test]
    fn a_margin_history_takes_any_logits(bits in prop::collection::vec(any::<u32>(), 24), given in 0usize..3) {
        let logits: Vec<f32> = bits.into_iter().map(f32::from_bits).collect();
        let mut history = MarginHistory::new(8, 3);
        history.add(&ClassTable::new(logits, 3).unwrap(), &[given; 8]).unwrap();
        prop_assert!(history.label_quality().iter().all(|q| (0.0..=1.0).contains(q)));
        for row in history.probabilities().rows() {
            prop_assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            prop_assert!(suggested_label(row, given) < 3);
        }
        prop_assert!(MarginHistory::from_parts(history.into_parts()).is_ok());
    }

    #[test]
    fn quality_never_falls_as_the_margin_rises(a in any::<f64>(), b in any::<f64>()) {
        prop_assume!(a <= b);
        let (low, high) = (quality_of_margin(a), quality_of_margin(b));
        prop_assert!((0.0..=1.0).contains(&low) && low <= high && high <= 1.0);
    }
}

/// Checks that each sample is in one part, probabilities are in `0..=1`, and a degenerate division keeps all labels.
fn check_division(losses: &[f32], threshold: f64) -> Result<(), TestCaseError> {
    let divider = Divider { threshold, ..Divider::default() };
    let division = divider.divide(SampleLosses::Epoch(losses), &vec![0; losses.len()], 1).unwrap();
    prop_assert_eq!(division.clean_probability.len(), losses.len());
    prop_assert!(division.clean_probability.iter().all(|p| (0.0..=1.0).contains(p)));
    let mut all: Vec<usize> = division.labeled.iter().chain(&division.unlabeled).copied().collect();
    all.sort_unstable();
    prop_assert_eq!(all, (0..losses.len()).collect::<Vec<_>>());
    prop_assert_eq!(
        division.degenerate.is_some(),
        division.unlabeled.is_empty() || division.labeled.is_empty()
    );
    Ok(())
}
