//! Noise by a network's confusions.

use noisy_labels::ClassTable;
use noisy_labels::noise::{self, noise_rate};

use rand_xoshiro::Xoshiro256PlusPlus;

use super::rng;
use super::stats::{chi_square, critical};

fn confused(
    probabilities: &[f32],
    truth: &[usize],
    classes: usize,
    rate: Option<f64>,
    rng: &mut Xoshiro256PlusPlus,
) -> Result<Vec<usize>, noisy_labels::Error> {
    noise::confused(&ClassTable::new(probabilities.to_vec(), classes)?, truth, rate, rng)
}

/// The same row for each of n samples.
fn alike(row: &[f32], n: usize) -> Vec<f32> {
    row.iter().copied().cycle().take(n * row.len()).collect()
}

fn counts(given: &[usize], classes: usize) -> Vec<usize> {
    let mut counts = vec![0; classes];
    given.iter().for_each(|label| counts[*label] += 1);
    counts
}

#[test]
fn without_a_rate_labels_are_drawn_from_the_network_s_probabilities() {
    let given = confused(&alike(&[0.5, 0.3, 0.2, 0.0], 40_000), &[0; 40_000], 4, None, &mut rng(1)).unwrap();
    let counts = counts(&given, 4);
    assert!(chi_square(&counts, &[0.5, 0.3, 0.2, 0.0]) < critical(2), "{counts:?}");
}

#[test]
fn with_a_rate_exactly_so_many_are_wrong_and_as_the_network_sees_them() {
    let truth = vec![1; 30_000];
    let p = alike(&[0.1, 0.6, 0.3, 0.0], truth.len());
    for (rate, wrong) in [(0.0, 0), (0.3, 9000), (1.0, 30_000)] {
        let given = confused(&p, &truth, 4, Some(rate), &mut rng(2)).unwrap();
        let counts = counts(&given, 4);
        assert_eq!(truth.len() - counts[1], wrong, "{rate}");
        let others = [counts[0], counts[2], counts[3]];
        assert!(wrong == 0 || chi_square(&others, &[0.25, 0.75, 0.0]) < critical(1), "{counts:?}");
    }
    assert_eq!(confused(&p, &truth, 4, Some(0.0), &mut rng(3)).unwrap(), truth);
}

#[test]
fn the_more_ambiguous_image_is_the_likelier_one_to_go_wrong() {
    // Doubts 0.6, 0.3 and 0.1, of which two go wrong: drawn by weight, one after the other, none twice. The one that
    // stays right: P(third) = 0.6 * 0.3 / 0.4 + 0.3 * 0.6 / 0.7, and so on.
    let p = [0.4, 0.6, 0.7, 0.3, 0.9, 0.1];
    let weights = [0.6, 0.3, 0.1];
    let stays = |left: usize| -> f64 {
        let [a, b] = [(left + 1) % 3, (left + 2) % 3].map(|i| weights[i]);
        a * b / (1.0 - a) + b * a / (1.0 - b)
    };
    let expected: Vec<f64> = (0..3).map(stays).collect();
    assert!((expected.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    let mut right = [0; 3];
    for seed in 0..20_000 {
        let given = confused(&p, &[0; 3], 2, Some(2.0 / 3.0), &mut rng(seed)).unwrap();
        assert_eq!(given.iter().sum::<usize>(), 2);
        right[given.iter().position(|label| *label == 0).unwrap()] += 1;
    }
    assert!(chi_square(&right, &expected) < critical(2), "{right:?}, {expected:?}");
}

#[test]
fn a_network_that_is_certain_comes_last_and_then_has_no_favourite() {
    // The first half is certain, the second is not.
    let n = 20_000;
    let p = [alike(&[0.0, 0.0, 1.0, 0.0], n / 2), alike(&[0.0, 0.0, 0.9, 0.1], n / 2)].concat();
    let half = confused(&p, &vec![2; n], 4, Some(0.5), &mut rng(1)).unwrap();
    assert!(half[..n / 2].iter().all(|label| *label == 2) && half[n / 2..].iter().all(|label| *label == 3));
    let most = confused(&p, &vec![2; n], 4, Some(0.75), &mut rng(1)).unwrap();
    let of_certain = counts(&most[..n / 2], 4);
    assert_eq!(n / 2 - of_certain[2], n / 4);
    let others = [of_certain[0], of_certain[1], of_certain[3]];
    assert!(chi_square(&others, &[1.0 / 3.0; 3]) < critical(2), "{of_certain:?}");
    assert_eq!(
        noise_rate(&confused(&p, &vec![2; n], 4, None, &mut rng(1)).unwrap()[..n / 2], &vec![2; n / 2]),
        Some(0.0)
    );
}

#[test]
fn a_seed_fixes_it_and_rows_need_not_be_normalised() {
    let p: Vec<f32> = (0..3000).map(|i| 1.0 + (i * 7919 % 101) as f32).collect();
    let scaled: Vec<f32> = p.iter().map(|p| p * 0.25).collect();
    let truth: Vec<usize> = (0..1000).map(|i| i % 3).collect();
    for rate in [None, Some(0.4)] {
        let given = |p: &[f32], seed| confused(p, &truth, 3, rate, &mut rng(seed)).unwrap();
        assert_eq!(given(&p, 1), given(&p, 1));
        assert_eq!(given(&p, 1), given(&scaled, 1));
        assert_ne!(given(&p, 1), given(&p, 2));
    }
}

#[test]
fn what_can_not_be_is_refused_by_name() {
    let refused = |p: &[f32], truth: &[usize], classes, rate| {
        confused(p, truth, classes, rate, &mut rng(1)).unwrap_err().to_string()
    };
    let message = refused(&[0.5, 0.5, f32::NAN, 1.0], &[0, 1], 2, None);
    assert_eq!(message, "probabilities of sample 1: number 0 is NaN, must be finite and at least 0");
    assert!(refused(&[0.5, -0.5], &[0], 2, None).contains("number 1 is -0.5"));
    assert!(refused(&[0.0, 0.0], &[0], 2, None).contains("must be above 0 in some column"));
    assert!(refused(&[1.0], &[0], 1, Some(1.0)).starts_with("number of classes is 1"));
    assert_eq!(refused(&[0.5, 0.5], &[0, 1], 2, None), "probabilities: found 1, expected 2");
    assert!(refused(&[0.5, 0.5], &[2], 2, None).starts_with("label 2"));
    assert!(refused(&[0.5, 0.5], &[0], 2, Some(-0.1)).starts_with("noise rate"));
    assert_eq!(confused(&[1.0], &[0], 1, None, &mut rng(1)).unwrap(), [0], "one class is never doubted");
    assert_eq!(confused(&[], &[], 2, Some(1.0), &mut rng(1)).unwrap(), [0usize; 0]);
}
