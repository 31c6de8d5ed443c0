//! Signals from features: what must hold of any features, and what bad input gives.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use noisy_labels::metrics::auc;
use noisy_labels::quality::MarginHistory;
use noisy_labels::quality::signals::{
    FeatureSignals, LogisticSettings, Neighbours, OutOfFold, Signal, combined_quality, prototype_logits,
};
use noisy_labels::{ClassTable, Error, Features};
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_distr::StandardNormal;
use rand_xoshiro::Xoshiro256PlusPlus;

/// Normal features, in which the samples of each class stand out by `apart`, and their classes.
fn made(samples: usize, width: usize, classes: usize, apart: f32, seed: u64) -> (Vec<f32>, Vec<usize>) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut values: Vec<f32> = (0..samples * width).map(|_| rng.sample(StandardNormal)).collect();
    let truth: Vec<usize> = (0..samples).map(|sample| sample % classes).collect();
    truth.iter().enumerate().for_each(|(sample, class)| values[sample * width + class % width] += apart);
    (values, truth)
}

fn features(values: &[f32], width: usize) -> Features<'_> {
    Features::from_slice(values, width).unwrap().normalised()
}

#[test]
fn wrong_labels_have_a_low_quality() {
    let (values, truth) = made(600, 12, 4, 3.0, 1);
    let given: Vec<usize> =
        (0..600).map(|i| if i % 7 == 0 { (truth[i] + 1) % 4 } else { truth[i] }).collect();
    let signals = FeatureSignals::of(&features(&values, 12), &given, 4).unwrap();
    let right: Vec<bool> = given.iter().zip(&truth).map(|(given, truth)| given == truth).collect();
    let quality = signals.quality().unwrap();
    assert!(quality.iter().all(|quality| (0.0..=1.0).contains(quality)));
    assert!(auc(&quality, &right).unwrap() > 0.97, "{:?}", auc(&quality, &right));
    for margins in [&signals.logistic, &signals.discriminant, &signals.neighbours, &signals.second_logistic] {
        assert!(auc(margins, &right).unwrap() > 0.95, "{:?}", auc(margins, &right));
    }
    let found = signals.logits.argmax().iter().zip(&truth).filter(|(found, truth)| found == truth).count();
    assert!(found > 560, "{found} of 600");
}

#[test]
fn threads_change_no_bit() {
    let (values, labels) = made(700, 90, 3, 2.0, 2);
    let found = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| FeatureSignals::of(&features(&values, 90), &labels, 3).unwrap())
    };
    let one = found(1);
    assert!([2, 3, 5].into_iter().all(|threads| found(threads) == one));
}

#[test]
fn a_network_s_margins_are_one_more_signal() {
    let (values, labels) = made(100, 6, 2, 1.0, 6);
    let found = FeatureSignals::of(&features(&values, 6), &labels, 2).unwrap();
    let mut history = MarginHistory::new(100, 2);
    // The network is sure of each label, but for one.
    let row = |(sample, &label): (usize, &usize)| {
        if (label == 0) == (sample != 3) { [9.0, 0.0] } else { [0.0, 9.0] }
    };
    let logits = labels.iter().enumerate().flat_map(row).collect();
    history.add(&ClassTable::new(logits, 2).unwrap(), &labels).unwrap();
    let margins = history.margins();
    let mut signals = found.signals();
    signals.push(Signal { margins: &margins, weight: 20.0 });
    let quality = combined_quality(&signals).unwrap();
    assert!((0..100).filter(|&sample| sample != 3).all(|sample| quality[3] < quality[sample]));
    assert!(quality[3] < 0.5);
}

/// The slow twin of the logistic regression: gradient descent in f64 on the samples of the other folds, for many steps.
#[test]
fn the_logistic_regression_is_the_minimum() {
    let (values, labels) = made(60, 3, 3, 1.0, 3);
    let features = Features::from_slice(&values, 3).unwrap();
    let data = OutOfFold::new(&features, &labels, 3).unwrap();
    let settings = LogisticSettings { penalty: 2.0, tolerance: 1e-6, ..LogisticSettings::default() };
    let found = data.logistic(&settings).unwrap().softmax();
    for fold in 0..data.folds() {
        let taught: Vec<usize> = (0..60).filter(|&sample| data.fold(sample) != fold).collect();
        let mut w = [[0.0f64; 4]; 3];
        let predict = |w: &[[f64; 4]; 3], sample: usize| {
            let x = |k: usize| if k < 3 { f64::from(values[sample * 3 + k]) } else { 1.0 };
            let e: Vec<f64> = w.iter().map(|w| (0..4).map(|k| w[k] * x(k)).sum::<f64>().exp()).collect();
            let sum: f64 = e.iter().sum();
            e.into_iter().map(|e| e / sum).collect::<Vec<f64>>()
        };
        for _ in 0..4000 {
            let mut gradient = w.map(|w| [2.0 * w[0], 2.0 * w[1], 2.0 * w[2], 0.0]);
            for &sample in &taught {
                for (class, p) in predict(&w, sample).into_iter().enumerate() {
                    let residual = p - f64::from(u8::from(labels[sample] == class));
                    (0..3).for_each(|k| gradient[class][k] += residual * f64::from(values[sample * 3 + k]));
                    gradient[class][3] += residual;
                }
            }
            w.iter_mut().flatten().zip(gradient.iter().flatten()).for_each(|(w, g)| *w -= 0.01 * g);
        }
        for sample in (0..60).filter(|&sample| data.fold(sample) == fold) {
            for (found, expected) in found.row(sample).iter().zip(predict(&w, sample)) {
                assert!((f64::from(*found) - expected).abs() < 1e-4, "{sample}: {found} {expected}");
            }
        }
    }
}

#[test]
fn a_thousand_classes_of_five_images_are_judged() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(4);
    let centres: Vec<f32> = (0..1000 * 24).map(|_| rng.sample(StandardNormal)).collect();
    let near = |i: usize, centre: f32, rng: &mut Xoshiro256PlusPlus| {
        centre + 0.3 * rng.sample::<f32, _>(StandardNormal) * (i % 2 + 1) as f32
    };
    let values: Vec<f32> = (0..5000)
        .flat_map(|i| (0..24).map(move |k| (i, i % 1000 * 24 + k)))
        .map(|(i, k)| near(i, centres[k], &mut rng))
        .collect();
    let labels: Vec<usize> =
        (0..5000).map(|i| if i % 49 == 0 { (i + 500) % 1000 } else { i % 1000 }).collect();
    let right: Vec<bool> = (0..5000).map(|i| i % 49 != 0).collect();
    let data = features(&values, 24);
    let votes = Neighbours::within(&data, 8).unwrap().votes(&labels, 1000, 0.05).unwrap();
    let votes = noisy_labels::quality::signals::share_margins(&votes, &labels).unwrap();
    let linear = OutOfFold::new(&data, &labels, 1000).unwrap().discriminant(0.6).unwrap();
    let linear = noisy_labels::quality::signals::logit_margins(&linear, &labels).unwrap();
    for margins in [votes, linear] {
        assert!(auc(&margins, &right).unwrap() > 0.95, "{:?}", auc(&margins, &right));
    }
}

#[test]
fn bad_input_is_an_error_or_a_value() {
    let (values, labels) = made(20, 4, 2, 1.0, 5);
    let of =
        |values: &[f32], labels: &[usize], classes| FeatureSignals::of(&features(values, 4), labels, classes);
    assert!(matches!(of(&values, &labels, 1), Err(Error::Label { .. })));
    assert!(matches!(of(&values, &labels[1..], 2), Err(Error::Length { .. })));
    assert!(of(&values, &labels, 9).unwrap().quality().unwrap().iter().all(|quality| quality.is_finite()));
    assert_eq!(of(&[], &[], 3).unwrap().quality().unwrap(), [0.0; 0]);
    assert_eq!(of(&values[..4], &[0], 1).unwrap().quality().unwrap(), [0.5]);
    assert_eq!(
        of(&values[..8], &[0, 1], 2).unwrap().logistic.iter().filter(|margin| margin.is_nan()).count(),
        2
    );
    let alike = of(&[0.5; 80], &labels, 2).unwrap().quality().unwrap();
    assert!(alike.iter().all(|quality| (0.0..=1.0).contains(quality)));
    let none = Features::from_fn(20, 0, |_, _| ());
    assert!(
        FeatureSignals::of(&none, &labels, 2)
            .unwrap()
            .quality()
            .unwrap()
            .iter()
            .all(|quality| quality.is_finite())
    );
    let plain = Features::from_slice(&values, 4).unwrap();
    let data = OutOfFold::new(&plain, &labels, 2).unwrap();
    for penalty in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(data.logistic(&LogisticSettings { penalty, ..LogisticSettings::default() }).is_err());
    }
    assert!(data.discriminant(1.5).is_err() && data.discriminant(f64::NAN).is_err());
    assert!(data.keeping(&[true]).is_err());
    let nothing = data.keeping(&[false; 20]).unwrap();
    assert!(nothing.discriminant(0.5).unwrap().values().iter().all(|logit| logit.is_nan()));
    assert!(
        nothing.logistic(&LogisticSettings::default()).unwrap().values().iter().all(|logit| logit.is_nan())
    );
    // Fewer samples than features, and no shrinkage: the covariance has no inverse.
    let wide = Features::from_fn(12, 30, |sample, row| {
        row.iter_mut().enumerate().for_each(|(k, x)| *x = ((sample * 31 + k * 7) % 13) as f32)
    });
    let two: Vec<usize> = (0..12).map(|i| i % 2).collect();
    let refused = OutOfFold::new(&wide, &two, 2).unwrap().discriminant(0.0).unwrap_err().to_string();
    assert!(refused.contains("shrinkage is 0, must be larger"), "{refused}");
    let mut values = values.clone();
    values[9] = f32::NAN;
    let refused = of(&values, &labels, 2).unwrap_err().to_string();
    assert!(refused.starts_with("features of sample 2") && refused.ends_with("must be finite"), "{refused}");
}

/// The row of each sample after the samples have changed places.
fn permuted(table: &ClassTable, order: &[usize]) -> Vec<f32> {
    order.iter().flat_map(|&sample| table.row(sample).to_vec()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// What judges a sample by all others does not depend on the samples' order.
    #[test]
    fn the_order_of_samples_changes_nothing(seed in 0u64..1000, samples in 2usize..60, classes in 1usize..5) {
        let (values, labels) = made(samples, 5, classes, 1.0, seed);
        let order: Vec<usize> = (0..samples).map(|i| (i * 37 + seed as usize) % samples).collect();
        prop_assume!({ let mut all = order.clone(); all.sort_unstable(); all.dedup(); all.len() == samples });
        let moved: Vec<f32> = order.iter().flat_map(|&i| values[i * 5..][..5].to_vec()).collect();
        let moved_labels: Vec<usize> = order.iter().map(|&i| labels[i]).collect();
        let tables = |values: &[f32], labels: &[usize]| {
            let features = features(values, 5);
            let votes = Neighbours::within(&features, 4).unwrap().votes(labels, classes, 0.1).unwrap();
            [votes, prototype_logits(&features, labels, classes, 5.0).unwrap()]
        };
        for (before, after) in tables(&values, &labels).iter().zip(tables(&moved, &moved_labels)) {
            for (a, b) in permuted(before, &order).iter().zip(after.values()) {
                prop_assert!((a - b).abs() < 1e-4 || a == b || (a.is_nan() && b.is_nan()), "{} {}", a, b);
            }
        }
    }
}
