//! Every case in which losses cannot be divided, and the division that follows.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use noisy_labels::division::{Divider, Division, SampleLosses};
use noisy_labels::mixture::{Degenerate, MixtureSettings, NormalisedLosses, fit};

fn divide_above(losses: &[f32], threshold: f64) -> Division {
    let divider = Divider { threshold, ..Divider::default() };
    divider.divide(SampleLosses::Epoch(losses), &vec![0; losses.len()], 1).unwrap()
}

fn divide(losses: &[f32]) -> Division {
    divide_above(losses, 0.5)
}

fn divide_normalised(losses: &NormalisedLosses, mixture: MixtureSettings) -> Division {
    let divider = Divider { mixture, ..Divider::default() };
    divider.divide(SampleLosses::Normalised(losses), &vec![0; losses.len()], 1).unwrap()
}

/// The normalised losses `of(i)` for i below `count`.
fn normalised(count: u32, of: impl Fn(u32) -> f64) -> NormalisedLosses {
    NormalisedLosses::from_normalised((0..count).map(of).collect()).unwrap()
}

/// Losses of two modes: `low` samples at about 0.1, `high` at about 2.
fn two_modes(low: usize, high: usize) -> Vec<f32> {
    let spread = |i: usize| (i * 37 % 101) as f32 / 1000.0;
    (0..low).map(|i| 0.1 + spread(i)).chain((0..high).map(|i| 2.0 + 3.0 * spread(i))).collect()
}

/// Asserts that all samples are labeled and believed, and returns the reason.
fn plain(losses: &[f32]) -> Degenerate {
    let division = divide(losses);
    assert_eq!(division.labeled, (0..losses.len()).collect::<Vec<_>>());
    assert!(division.unlabeled.is_empty());
    assert_eq!(division.clean_probability, vec![1.0; losses.len()]);
    assert_eq!(division.mixture, None);
    division.degenerate.expect("a reason")
}

#[test]
fn too_few_samples() {
    for count in 0..6 {
        let losses: Vec<f32> = (0..count).map(|i| i as f32).collect();
        assert_eq!(plain(&losses), Degenerate::TooFew { count, needed: 6 });
    }
    assert_eq!(divide(&two_modes(3, 3)).degenerate, None);
}

#[test]
fn losses_that_are_not_finite() {
    let mut losses = two_modes(10, 10);
    losses[3] = f32::NAN;
    losses[7] = f32::INFINITY;
    losses[8] = f32::NEG_INFINITY;
    let reason = plain(&losses);
    assert_eq!(reason, Degenerate::NotFinite { count: 3, total: 20, first: 3 });
    assert!(reason.to_string().contains("diverged"));
    assert_eq!(plain(&[f32::NAN; 9]), Degenerate::NotFinite { count: 9, total: 9, first: 0 });
}

#[test]
fn losses_that_are_all_equal_or_equal_up_to_rounding() {
    assert_eq!(plain(&[0.0; 50]), Degenerate::AllEqual { loss: 0.0 });
    let ln10 = 10f32.ln();
    let rounded: Vec<f32> = (0..50).map(|i| if i % 2 == 0 { ln10 } else { ln10.next_up() }).collect();
    assert_eq!(plain(&rounded), Degenerate::AllEqual { loss: f64::from(ln10) });
}

#[test]
fn extreme_magnitudes_are_divided_all_the_same() {
    for scale in [1e-30f32, 1e-10, 1.0, 1e10, 1e36] {
        let losses: Vec<f32> = two_modes(40, 20).iter().map(|loss| loss * scale).collect();
        let division = divide(&losses);
        assert_eq!(division.degenerate, None, "scale {scale}");
        assert_eq!(division.labeled, (0..40).collect::<Vec<_>>(), "scale {scale}");
    }
}

#[test]
fn a_fit_that_does_not_converge_is_kept() {
    // The modes overlap, so that the fit needs many iterations.
    let losses = normalised(500, |i| (f64::from(i * 7919 % 500) / 499.0).powi(3));
    let settings = |max_iter| MixtureSettings { max_iter, tol: 1e-14, ..MixtureSettings::default() };
    let short = fit(&losses, &settings(4)).unwrap();
    let longer = fit(&losses, &settings(40)).unwrap();
    let long = fit(&losses, &settings(5000)).unwrap();
    assert!(!short.converged && !longer.converged && long.converged);
    let off = |m: &noisy_labels::mixture::Mixture| (m.means[1] - long.means[1]).abs();
    assert!(off(&longer) < off(&short), "{} {}", off(&longer), off(&short));
    let division = divide_normalised(&losses, settings(4));
    assert_eq!((division.mixture, division.degenerate), (Some(short), None));
}

#[test]
fn the_fit_kept_is_that_of_as_many_iterations() {
    // Expectation maximisation by hand, from the two means that linfa's k-means finds: one iteration more than the
    // initial estimate for each of linfa's.
    let losses = normalised(400, |i| (f64::from(i * 7919 % 400) / 399.0).powi(2));
    let settings = MixtureSettings { max_iter: 10, tol: 1e-14, ..MixtureSettings::default() };
    let mixture = fit(&losses, &settings).unwrap();
    let slow = (0..losses.len()).map(|split| by_hand(losses.as_slice(), split, 10)).map(|m| {
        (0..2).map(|k| (m[k][0] - mixture.means[k]).abs() + (m[k][2] - mixture.weights[k]).abs()).sum::<f64>()
    });
    // Some split of the sorted losses is k-means' result.
    let best = slow.fold(f64::INFINITY, f64::min);
    assert!(best < 1e-12, "{best}");
}

/// `iterations` of expectation maximisation, starting from the `split + 1` smallest losses against the rest; mean,
/// variance and weight of each component.
fn by_hand(losses: &[f64], split: usize, iterations: usize) -> [[f64; 3]; 2] {
    let mut sorted = losses.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mut low: Vec<f64> = (0..sorted.len()).map(|i| f64::from(u8::from(i <= split))).collect();
    let mut m = [[0.0; 3]; 2];
    for _ in 0..=iterations {
        for (k, component) in m.iter_mut().enumerate() {
            let r: Vec<f64> = low.iter().map(|&p| if k == 0 { p } else { 1.0 - p }).collect();
            let total: f64 = r.iter().sum();
            let mean = r.iter().zip(&sorted).map(|(r, x)| r * x).sum::<f64>() / total;
            let var = r.iter().zip(&sorted).map(|(r, x)| r * (x - mean).powi(2)).sum::<f64>() / total + 5e-4;
            *component = [mean, var, total / sorted.len() as f64];
        }
        for (p, x) in low.iter_mut().zip(&sorted) {
            let density = |[mean, var, weight]: [f64; 3]| {
                weight / var.sqrt() * f64::exp(-(x - mean).powi(2) / (2.0 * var))
            };
            *p = density(m[0]) / (density(m[0]) + density(m[1]));
        }
    }
    m
}

#[test]
fn settings_that_make_no_sense_are_a_reason_too() {
    let losses = normalised(60, |i| f64::from(i) / 59.0);
    for settings in [
        MixtureSettings { max_iter: 0, ..MixtureSettings::default() },
        MixtureSettings { tol: 0.0, ..MixtureSettings::default() },
        MixtureSettings { reg_covar: -1.0, ..MixtureSettings::default() },
        MixtureSettings { reg_covar: f64::NAN, ..MixtureSettings::default() },
    ] {
        let reason = fit(&losses, &settings).unwrap_err();
        assert!(matches!(reason, Degenerate::NotFitted { .. }), "{reason}");
    }
}

#[test]
fn one_mode_is_a_collapsed_mixture() {
    // Two values so close, in normalised units, that the components share their mean.
    let losses = normalised(100, |i| 0.5 + 1e-4 * f64::from(i % 2));
    let reason = fit(&losses, &MixtureSettings::default()).unwrap_err();
    assert!(matches!(reason, Degenerate::Collapsed { .. }), "{reason}");
    assert!(divide_normalised(&losses, MixtureSettings::default()).mixture.is_none());
}

#[test]
fn no_sample_or_every_sample_above_the_threshold() {
    let losses = two_modes(50, 50);
    let all = divide_above(&losses, -1.0);
    assert_eq!(all.degenerate, Some(Degenerate::AllAbove { threshold: -1.0 }));
    let none = divide_above(&losses, 1.0);
    assert_eq!(none.degenerate, Some(Degenerate::NoneAbove { threshold: 1.0 }));
    for division in [all, none] {
        assert_eq!((division.labeled.len(), division.unlabeled.len()), (100, 0));
        // The posteriors are sound, and still rank the samples.
        assert!(division.clean_probability[0] > 0.99 && division.clean_probability[99] < 0.01);
        assert!(division.mixture.is_some());
    }
}

/// By the published rule the outlier would get a component and every other sample would count as clean.
#[test]
fn an_outlier_on_its_own_does_not_hide_the_two_modes() {
    let mut losses = two_modes(1200, 800);
    losses[1999] = 400.0;
    let division = divide(&losses);
    assert_eq!(division.degenerate, None);
    assert_eq!(division.unlabeled, (1200..2000).collect::<Vec<_>>());
}
