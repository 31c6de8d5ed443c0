//! Noise measured where the truth is known, and estimated where it isn't.

use noisy_labels::noise::{LabelNoise, Transition, asymmetric, measured_transition, noise_rate, symmetric};
use noisy_labels::quality::ConfidentJoint;
use noisy_labels::{ClassPairs, ClassTable, Error};

use super::{CIFAR10, full, rng, truth};

fn table(probabilities: &[f32], classes: usize) -> ClassTable {
    ClassTable::new(probabilities.to_vec(), classes).unwrap()
}

fn count(probabilities: &[f32], given: &[usize], classes: usize) -> ConfidentJoint {
    ConfidentJoint::count(&table(probabilities, classes), given).unwrap()
}

fn by_division(clean: &[f64], p: &[f32], given: &[usize], classes: usize) -> Result<LabelNoise, Error> {
    LabelNoise::by_division(clean, &table(p, classes), given)
}

/// A network's rows: `sure` on the true class, the rest spread evenly over the others.
fn oracle(truth: &[usize], classes: usize, sure: f32) -> Vec<f32> {
    let rest = (1.0 - sure) / (classes - 1) as f32;
    let row = |&truth: &usize| (0..classes).map(move |class| if class == truth { sure } else { rest });
    truth.iter().flat_map(row).collect()
}

/// Whether each label is right, as a division that makes no mistake says.
fn clean(given: &[usize], truth: &[usize]) -> Vec<f64> {
    given.iter().zip(truth).map(|(g, t)| f64::from(u8::from(g == t))).collect()
}

fn close(values: &[f64], expected: &[f64]) -> bool {
    values.len() == expected.len() && values.iter().zip(expected).all(|(v, e)| (v - e).abs() < 1e-12)
}

#[test]
fn measured_noise_is_that_of_the_counts() {
    let (given, truth) = ([0, 1, 1, 1, 0, 2], [0, 0, 1, 1, 1, 2]);
    let noise = LabelNoise::measured(&given, &truth, 4).unwrap();
    assert!((noise.rate() - 2.0 / 6.0).abs() < 1e-12);
    let rows = noise.transition();
    assert_eq!(rows.row(0), [(0, 0.5), (1, 0.5)]);
    assert!(close(&rows.full_row(1), &[1.0 / 3.0, 2.0 / 3.0, 0.0, 0.0]));
    assert_eq!(rows.row(3), [], "no sample is of the last class");
    assert!((noise.rate() - noise_rate(&given, &truth).unwrap()).abs() < 1e-12);
    let measured = measured_transition(&given, &truth, 4).unwrap();
    assert!(close(&full(&measured), &full(&rows)));
}

#[test]
fn a_network_that_knows_the_truth_makes_both_estimates_exact() {
    let truth = truth(5000);
    let mapping = Transition::cifar10(&CIFAR10).unwrap();
    for given in [
        asymmetric(&truth, &mapping, 0.4, &mut rng(1)).unwrap(),
        symmetric(&truth, 10, 0.5, true, &mut rng(2)).unwrap(),
    ] {
        let real = LabelNoise::measured(&given, &truth, 10).unwrap();
        let p = oracle(&truth, 10, 0.91);
        let by_joint = LabelNoise::by_confident_joint(&count(&p, &given, 10));
        let error = by_joint.error_against(&real).unwrap();
        assert!(error.rate.abs() < 1e-12 && error.total_variation < 1e-12 && error.mean_absolute < 1e-12);
        // The division knows which labels are wrong; with a network that is certain, what they should be as well.
        let certain = oracle(&truth, 10, 1.0);
        let estimate = by_division(&clean(&given, &truth), &certain, &given, 10).unwrap();
        assert!(close(&full(estimate.joint()), &full(real.joint())));
    }
}

#[test]
fn a_sample_is_of_its_label_by_its_probability_and_of_the_others_as_the_network_says() {
    // Sample 0: label 0 clean by 0.25; the network gives the others 3 : 1. Sample 1: surely clean.
    let p = [0.6, 0.3, 0.1, 0.0, 1.0, 0.0];
    let noise = by_division(&[0.25, 1.0], &p, &[0, 1], 3).unwrap();
    let expected = [0.125, 0.0, 0.0, 0.75 * 0.75 / 2.0, 0.5, 0.0, 0.75 * 0.25 / 2.0, 0.0, 0.0];
    // p is rounded to f32.
    assert!(
        full(noise.joint()).iter().zip(expected).all(|(v, e)| (v - e).abs() < 1e-7),
        "{:?}",
        noise.joint()
    );
    assert!((noise.rate() - 0.375).abs() < 1e-12, "the mean of 1 - w");
}

#[test]
fn confident_counts_become_the_share_of_given_labels_and_then_rows_of_true_classes() {
    // Thresholds 0.7, 0.7 and none: counts [1 1; 0 2] by (given, predicted), given shares 3/5 and 2/5; one sample of
    // label 0 is not counted.
    let p = [0.9, 0.1, 0.2, 0.8, 1.0, 0.0, 0.3, 0.7, 0.3, 0.7];
    let given = [0, 0, 0, 1, 1];
    let counts = count(&p, &given, 2);
    assert_eq!(counts.counts().full_rows().collect::<Vec<_>>(), [[2, 1], [0, 2]]);
    let noise = LabelNoise::by_confident_joint(&counts);
    assert!(close(&full(noise.joint()), &[0.4, 0.0, 0.2, 0.4]), "{:?}", noise.joint());
    assert!((noise.rate() - counts.noise_rate()).abs() < 1e-12);
    let rows = noise.transition();
    assert!(close(&rows.full_row(0), &[1.0, 0.0]));
    assert!(close(&rows.full_row(1), &[1.0 / 3.0, 2.0 / 3.0]));
}

#[test]
fn the_error_weighs_distance_by_samples_and_entries_alike() {
    let real = LabelNoise::measured(&[0, 0, 0, 1, 1], &[0, 0, 0, 0, 1], 3).unwrap();
    let estimate = LabelNoise::measured(&[0, 0, 1, 1, 1], &[0, 0, 0, 0, 0], 3).unwrap();
    // Rows of class 0: (3/4, 1/4, 0) and (2/5, 3/5, 0), 0.35 apart, for 4 of 5 samples. Class 1 is taken as clean, as it is.
    let error = estimate.error_against(&real).unwrap();
    assert!((error.rate - 0.4).abs() < 1e-12, "{error:?}");
    assert!((error.total_variation - 0.8 * 0.35).abs() < 1e-12, "{error:?}");
    assert!((error.mean_absolute - 0.7 / 6.0).abs() < 1e-12, "two rows of three: {error:?}");
    let same = real.error_against(&real).unwrap();
    assert_eq!((same.rate, same.total_variation, same.mean_absolute), (0.0, 0.0, 0.0));
    let other = LabelNoise::measured(&[], &[], 2).unwrap();
    assert!(other.error_against(&real).is_err());
}

#[test]
fn degenerate_sets_have_an_estimate_too() {
    for classes in 0..3 {
        let empty = by_division(&[], &[], &[], classes).unwrap();
        assert_eq!((empty.rate(), empty.transition()), (0.0, ClassPairs::new(classes)));
        let error = empty.error_against(&LabelNoise::measured(&[], &[], classes).unwrap()).unwrap();
        assert_eq!((error.rate, error.total_variation, error.mean_absolute), (0.0, 0.0, 0.0));
        let counts = count(&[], &[], classes);
        assert_eq!(LabelNoise::by_confident_joint(&counts).rate(), 0.0);
    }
    // One class, of which nothing can be wrong.
    assert_eq!(by_division(&[0.2], &[1.0], &[0], 1).unwrap().joint().row(0), [(0, 1.0)]);
    // Predictions that say nothing of the others.
    for row in [[f32::NAN, 0.5, 0.5], [1.0, 0.0, 0.0]] {
        let noise = by_division(&[0.4], &row, &[0], 3).unwrap();
        assert!(close(&full(noise.joint()), &[0.4, 0.0, 0.0, 0.3, 0.0, 0.0, 0.3, 0.0, 0.0]), "{noise:?}");
    }
    let refused =
        |clean: &[f64], p: &[f32], given: &[usize]| by_division(clean, p, given, 2).unwrap_err().to_string();
    assert!(refused(&[1.5], &[0.5, 0.5], &[0]).starts_with("clean probability is 1.5"));
    assert!(refused(&[f64::NAN], &[0.5, 0.5], &[0]).starts_with("clean probability is NaN"));
    assert_eq!(refused(&[1.0], &[], &[0]), "probabilities: found 0, expected 1");
    assert_eq!(refused(&[], &[0.5, 0.5], &[0]), "clean probabilities: found 0, expected 1");
    assert!(refused(&[1.0], &[0.5, 0.5], &[2]).starts_with("label 2"));
}

#[test]
fn ten_thousand_classes_take_the_memory_of_their_samples() {
    let classes = 10_000;
    let truth: Vec<usize> = (0..classes).collect();
    let given = asymmetric(&truth, &Transition::pair_flip(classes), 0.2, &mut rng(3)).unwrap();
    let noise = LabelNoise::measured(&given, &truth, classes).unwrap();
    assert_eq!(noise.joint().iter().count(), classes, "a number a sample, and not a number a pair");
    assert!((noise.rate() - 0.2).abs() < 1e-12);
    let refused = by_division(&[1.0], &vec![1e-4; classes], &[0], classes).unwrap_err().to_string();
    assert!(refused.contains("10000 by 10000") && refused.contains("at most 4000"), "{refused}");
}
