//! The noise models do what the reference code's do.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use noisy_labels::noise::{Transition, asymmetric, measured_transition, noise_rate, symmetric};
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

const CIFAR10: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

fn rng(seed: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed)
}

fn truth(n: usize) -> Vec<usize> {
    (0..n).map(|i| i % 10).collect()
}

/// Pearson's statistic of counts against a uniform expectation.
fn chi_square(counts: &[usize]) -> f64 {
    let expected = counts.iter().sum::<usize>() as f64 / counts.len() as f64;
    counts.iter().map(|&count| (count as f64 - expected).powi(2) / expected).sum()
}

#[test]
fn without_the_true_class_exactly_the_rate_is_wrong() {
    let truth = truth(1003);
    for (rate, wrong) in [(0.0, 0), (0.2, 200), (0.5, 501), (0.9, 902), (1.0, 1003)] {
        let given = symmetric(&truth, 10, rate, false, &mut rng(3)).unwrap();
        assert_eq!(given.iter().zip(&truth).filter(|(g, t)| g != t).count(), wrong, "rate {rate}");
    }
}

#[test]
fn the_count_is_truncated_as_in_python() {
    // int(0.29 * 100) is 28.
    let given = symmetric(&truth(100), 10, 0.29, false, &mut rng(0)).unwrap();
    assert_eq!(noise_rate(&given, &truth(100)), Some(0.28));
}

#[test]
fn with_the_true_class_a_tenth_of_those_touched_stays_right() {
    let truth = truth(50_000);
    let given = symmetric(&truth, 10, 0.5, true, &mut rng(1)).unwrap();
    // 45 % of 50,000; standard deviation 47 (binomial over the 25,000 touched): four of them.
    let wrong = noise_rate(&given, &truth).unwrap() * 50_000.0;
    assert!((wrong - 22_500.0).abs() < 190.0, "{wrong}");
}

#[test]
fn wrong_labels_are_uniform_over_the_wrong_classes_and_over_the_samples() {
    let truth = truth(50_000);
    for seed in 0..3 {
        let given = symmetric(&truth, 10, 0.4, false, &mut rng(seed)).unwrap();
        // Offsets 1..10 from the true class are equally likely: chi-square with 8 degrees of freedom, 99.99 %: 31.8.
        let mut offsets = [0; 9];
        let mut tenths = [0; 10];
        for (i, (g, t)) in given.iter().zip(&truth).enumerate().filter(|(_, (g, t))| g != t) {
            offsets[(g + 10 - t) % 10 - 1] += 1;
            tenths[i * 10 / truth.len()] += 1;
        }
        assert!(chi_square(&offsets) < 31.8, "{offsets:?}");
        // Which samples are hit does not depend on their position (9 degrees of freedom; without replacement, so less).
        assert!(chi_square(&tenths) < 33.7, "{tenths:?}");
    }
}

#[test]
fn cifar10_s_published_mapping_flips_five_classes() {
    let truth = truth(50_000);
    let transition = Transition::cifar10(&CIFAR10).unwrap();
    let given = asymmetric(&truth, &transition, 0.4, &mut rng(5)).unwrap();
    let rows = measured_transition(&given, &truth, 10).unwrap();
    let target = [0, 1, 0, 5, 7, 3, 6, 7, 8, 1];
    for (class, row) in rows.iter().enumerate() {
        let row = row.as_ref().unwrap();
        let to = target[class];
        // 40 % of 5,000 +- 1 % (hypergeometric standard deviation: 0.66 %).
        let moved = if to == class { 0.0 } else { 0.4 };
        assert!((row[to] - if to == class { 1.0 } else { 0.4 }).abs() < 0.03, "{class}: {row:?}");
        assert!((row[class] - (1.0 - moved)).abs() < 0.03, "{class}: {row:?}");
    }
    assert!((noise_rate(&given, &truth).unwrap() - 0.2).abs() < 0.01);
}

#[test]
fn the_mapping_goes_by_name_in_any_order() {
    let mut reversed = CIFAR10;
    reversed.reverse();
    let transition = Transition::cifar10(&reversed).unwrap();
    assert_eq!(transition.rows()[0][8], 1.0, "truck (0) to automobile (8)");
    let error = Transition::cifar10(&["cat", "dog"]).unwrap_err();
    assert!(error.to_string().contains("no class \"truck\""), "{error}");
}

#[test]
fn pair_flip_moves_each_class_to_the_next() {
    let transition = Transition::pair_flip(4);
    let given = asymmetric(&[0, 1, 2, 3], &transition, 1.0, &mut rng(0)).unwrap();
    assert_eq!(given, [1, 2, 3, 0]);
    assert_eq!(Transition::pair_flip(0).classes(), 0);
    assert_eq!(asymmetric(&[0], &Transition::pair_flip(1), 1.0, &mut rng(0)).unwrap(), [0]);
}

#[test]
fn a_matrix_of_ones_own_comes_out_as_measured() {
    let rows = vec![vec![0.7, 0.2, 0.1], vec![0.0, 1.0, 0.0], vec![0.3, 0.3, 0.4]];
    let transition = Transition::new(rows.clone()).unwrap();
    let truth: Vec<usize> = (0..30_000).map(|i| i % 3).collect();
    let given = asymmetric(&truth, &transition, 1.0, &mut rng(9)).unwrap();
    let measured = measured_transition(&given, &truth, 3).unwrap();
    for (row, expected) in measured.iter().zip(&rows) {
        for (value, expected) in row.as_ref().unwrap().iter().zip(expected) {
            // Standard deviation below 0.005; an impossible label never comes.
            assert!((value - expected).abs() < 0.02 && (*expected > 0.0 || *value == 0.0));
        }
    }
}

#[test]
fn what_is_no_transition_matrix_is_refused_with_its_row() {
    let refused = |rows: Vec<Vec<f64>>| Transition::new(rows).unwrap_err().to_string();
    assert!(refused(vec![vec![1.0, 0.0], vec![0.5, 0.4]]).contains("row 1: the sum is 0.9"));
    assert!(refused(vec![vec![1.0, 0.0], vec![1.0]]).contains("row 1: 1 entries in a matrix of 2 rows"));
    assert!(refused(vec![vec![1.5, -0.5], vec![0.0, 1.0]]).contains("row 0: entry 0 is 1.5"));
    assert!(refused(vec![vec![f64::NAN]]).contains("row 0: entry 0 is NaN"));
    let thirds = Transition::new(vec![vec![0.333_333_3, 0.333_333_3, 0.333_333_4]; 3]);
    assert!(thirds.is_ok(), "rounded rows are normalised");
}

#[test]
fn a_seed_fixes_the_labels() {
    let truth = truth(500);
    let make = |seed| symmetric(&truth, 10, 0.5, true, &mut rng(seed)).unwrap();
    assert_eq!(make(1), make(1));
    assert_ne!(make(1), make(2));
    let pair = |seed| asymmetric(&truth, &Transition::pair_flip(10), 0.3, &mut rng(seed)).unwrap();
    assert_eq!(pair(1), pair(1));
    assert_ne!(pair(1), pair(2));
}

#[test]
fn impossible_requests_are_errors() {
    for rate in [-0.1, 1.1, f64::NAN] {
        assert!(symmetric(&[0, 1], 2, rate, true, &mut rng(0)).is_err());
    }
    assert!(symmetric(&[0, 0], 1, 0.5, false, &mut rng(0)).is_err());
    assert!(symmetric(&[0, 2], 2, 0.5, false, &mut rng(0)).is_err());
    assert!(asymmetric(&[2], &Transition::pair_flip(2), 0.5, &mut rng(0)).is_err());
    assert_eq!(symmetric(&[], 3, 0.5, false, &mut rng(0)).unwrap(), [0usize; 0]);
    assert_eq!(measured_transition(&[0], &[0], 2).unwrap()[1], None);
    assert_eq!(noise_rate(&[], &[]), None);
}
