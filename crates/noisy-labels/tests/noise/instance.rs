//! Part-dependent noise is that of Xia et al. 2020.

use noisy_labels::noise::{InstanceNoise, noise_rate};

use super::stats::{chi_square, critical, critical_below};
use super::{normal, rng, truth};

#[test]
fn an_image_s_rate_is_normal_around_the_set_s_and_cut_off() {
    let truth = truth(20_000);
    let features = vec![0.0; truth.len()];
    for (rate, seed) in [(0.05, 1), (0.4, 2), (0.93, 3)] {
        let model = InstanceNoise::new(&features, &truth, 10, rate, &mut rng(seed)).unwrap();
        // The density in 20 bins of 0..1, 500 steps each; then what is left in 0..1 is all.
        let density = |q: f64| (-0.5 * ((q - rate) / 0.1).powi(2)).exp();
        let bin =
            |bin: usize| (0..500).map(|i| density((bin as f64 + (f64::from(i) + 0.5) / 500.0) / 20.0)).sum();
        let bins: Vec<f64> = (0..20).map(bin).collect();
        let all: f64 = bins.iter().sum();
        let mut counts = [0; 20];
        model.rates().iter().for_each(|q| counts[((q * 20.0) as usize).min(19)] += 1);
        // Bins that hold less than 5 are one.
        let (mut kept, mut expected, mut rest) = (Vec::new(), Vec::new(), (0, 0.0));
        for (count, share) in counts.into_iter().zip(bins.iter().map(|bin: &f64| bin / all)) {
            if share * 20_000.0 >= 5.0 {
                kept.push(count);
                expected.push(share);
            } else {
                rest = (rest.0 + count, rest.1 + share);
            }
        }
        kept.push(rest.0);
        expected.push(rest.1);
        let statistic = chi_square(&kept, &expected);
        assert!(statistic < critical(kept.len() - 1), "{rate}: {statistic}, {kept:?}");
    }
}

#[test]
fn a_row_is_the_rate_split_by_a_softmax_of_a_linear_map_of_the_features() {
    let (a, b) = (normal(6, 1), normal(6, 2));
    // One class; the third is the sum of the first two, the fourth all 0.
    let sum = a.iter().zip(&b).map(|(a, b)| a + b);
    let features: Vec<f32> = a.iter().chain(&b).copied().chain(sum).chain([0.0; 6]).collect();
    let model = InstanceNoise::new(&features, &[1; 4], 4, 0.3, &mut rng(3)).unwrap();
    let rows = model.probabilities();
    let rows: Vec<&[f64]> = rows.chunks_exact(4).collect();
    for (row, rate) in rows.iter().zip(model.rates()) {
        assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert_eq!(row[1], 1.0 - rate);
    }
    for (one, other) in [(0, 2), (2, 3), (0, 3)] {
        let odds = |sample: usize| (rows[sample][one] / rows[sample][other]).ln();
        // a + b was rounded to f32.
        assert!((odds(0) + odds(1) - odds(2)).abs() < 1e-5, "{one}, {other}");
        assert!(odds(0).abs() > 1e-3 && odds(3).abs() < 1e-12);
    }
}

#[test]
fn each_class_has_a_map_of_standard_normal_numbers_of_its_own() {
    // Unit features show the map itself, in differences between two labels: normal, variance 2.
    let width = 400;
    let truth: Vec<usize> = (0..2 * width).map(|sample| sample / width).collect();
    let mut features = vec![0.0; truth.len() * width];
    (0..truth.len()).for_each(|sample| features[sample * width + sample % width] = 1.0);
    let model = InstanceNoise::new(&features, &truth, 6, 0.5, &mut rng(4)).unwrap();
    let rows = model.probabilities();
    let odds =
        |sample: usize, one: usize, other: usize| (rows[sample * 6 + one] / rows[sample * 6 + other]).ln();
    // Labels 2 to 5 are wrong for both classes. Two differences a sample share no number.
    let of = |class: usize, pair: usize| -> Vec<f64> {
        (0..width).map(|i| odds(class * width + i, 2 + 2 * pair, 3 + 2 * pair)).collect()
    };
    let all = [of(0, 0), of(0, 1), of(1, 0), of(1, 1)];
    for values in &all {
        let squares: f64 = values.iter().map(|v| v * v / 2.0).sum();
        assert!((critical_below(width)..critical(width)).contains(&squares), "{squares}");
        // The mean has standard deviation sqrt(2 / 400).
        let mean: f64 = values.iter().sum::<f64>() / width as f64;
        assert!(mean.abs() < 3.89 * (2.0 / width as f64).sqrt(), "{mean}");
    }
    for (one, other) in [(0, 1), (0, 2), (1, 3)] {
        // Of independent normal numbers, the correlation times sqrt(N) is nearly standard normal (two-sided 1e-4: 3.89).
        let product: f64 = all[one].iter().zip(&all[other]).map(|(a, b)| a * b / 2.0).sum();
        assert!(product.abs() / (width as f64).sqrt() < 3.89, "{one}, {other}: {product}");
    }
}

#[test]
fn labels_come_with_the_probabilities_of_the_image_s_row() {
    let (truth, draws) = (truth(100), 4000);
    let features = normal(100 * 5, 7);
    let model = InstanceNoise::new(&features, &truth, 10, 0.4, &mut rng(1)).unwrap();
    let mut counts = vec![0usize; 1000];
    for seed in 0..draws {
        let given = model.draw(&mut rng(seed));
        given.iter().enumerate().for_each(|(sample, label)| counts[sample * 10 + label] += 1);
    }
    let (mut statistic, mut freedom) = (0.0, 0);
    for (counts, row) in counts.chunks_exact(10).zip(model.probabilities().chunks_exact(10)) {
        // Labels expected less than 5 times are one.
        let often = |p: f64| p * draws as f64 >= 5.0;
        let cells = counts.iter().zip(row);
        let rest = cells.clone().filter(|(_, p)| !often(**p)).fold((0, 0.0), |(n, q), (c, p)| (n + c, q + p));
        let (mut kept, mut expected): (Vec<usize>, Vec<f64>) =
            cells.filter(|(_, p)| often(**p)).map(|(c, p)| (*c, *p)).unzip();
        if often(rest.1) {
            kept.push(rest.0);
            expected.push(rest.1);
        }
        statistic += chi_square(&kept, &expected);
        freedom += kept.len() - 1;
    }
    assert!(statistic < critical(freedom) && statistic > critical_below(freedom), "{statistic} of {freedom}");
}

#[test]
fn the_real_rate_is_the_mean_of_the_images_rates() {
    let truth = truth(50_000);
    let features = normal(truth.len() * 3, 5);
    for (rate, seed) in [(0.1, 1), (0.4, 2), (0.8, 3)] {
        let model = InstanceNoise::new(&features, &truth, 10, rate, &mut rng(seed)).unwrap();
        let real = noise_rate(&model.draw(&mut rng(seed + 10)), &truth).unwrap();
        let expected: f64 = model.rates().iter().sum::<f64>() / truth.len() as f64;
        let variance: f64 =
            model.rates().iter().map(|q| q * (1.0 - q)).sum::<f64>() / (truth.len() as f64).powi(2);
        assert!((real - expected).abs() < 3.89 * variance.sqrt(), "{real}, {expected}");
        // Far from 0 and 1, that is the set's rate: standard deviation 0.1 / sqrt(N).
        if rate == 0.4 {
            assert!((expected - rate).abs() < 3.89 * 0.1 / (truth.len() as f64).sqrt(), "{expected}");
        }
    }
}

#[test]
fn a_seed_fixes_the_labels_and_no_image_depends_on_later_ones() {
    let truth = truth(1000);
    let features = normal(1000 * 4, 3);
    let labels = |samples: usize, seed: u64, draw: u64| {
        let (features, truth) = (&features[..samples * 4], &truth[..samples]);
        InstanceNoise::new(features, truth, 10, 0.5, &mut rng(seed)).unwrap().draw(&mut rng(draw))
    };
    assert_eq!(labels(1000, 1, 1), labels(1000, 1, 1));
    assert_ne!(labels(1000, 1, 1), labels(1000, 2, 1));
    assert_ne!(labels(1000, 1, 1), labels(1000, 1, 2));
    assert_eq!(labels(1000, 1, 1)[..300], labels(300, 1, 1));
}

#[test]
fn features_that_are_all_0_make_every_wrong_class_as_likely() {
    let truth = vec![3; 30_000];
    for width in [0, 2] {
        let features = vec![0.0; truth.len() * width];
        let given = InstanceNoise::new(&features, &truth, 5, 1.0, &mut rng(1)).unwrap().draw(&mut rng(2));
        let mut counts = [0; 5];
        given.iter().for_each(|label| counts[*label] += 1);
        assert!(chi_square(&counts, &[0.25, 0.25, 0.25, 0.0, 0.25]) < critical(3), "{width}: {counts:?}");
    }
}

#[test]
fn the_ends_of_the_scale_are_what_they_say() {
    let truth = [0, 2, 2, 0];
    let features = normal(8, 1);
    // Class 1 never occurs, and huge features make a certain choice.
    let huge: Vec<f32> = features.iter().map(|x| x * 1e37).collect();
    for features in [&features, &huge] {
        let draw =
            |rate| InstanceNoise::new(features, &truth, 3, rate, &mut rng(1)).unwrap().draw(&mut rng(2));
        assert_eq!(draw(0.0), truth);
        let given = draw(1.0);
        assert!(given.iter().zip(&truth).all(|(g, t)| g != t && *g < 3), "{given:?}");
    }
    let empty = InstanceNoise::new(&[], &[], 3, 0.5, &mut rng(1)).unwrap();
    assert_eq!(empty.draw(&mut rng(1)), [0usize; 0]);
    assert_eq!(empty.probabilities(), [0.0; 0]);
    let one = InstanceNoise::new(&[1.0], &[0], 1, 0.0, &mut rng(1)).unwrap();
    assert_eq!((one.draw(&mut rng(1)), one.probabilities()), (vec![0], vec![1.0]));
}

#[test]
fn what_can_not_be_is_refused_by_name() {
    let refused = |features: &[f32], truth: &[usize], classes, rate| {
        InstanceNoise::new(features, truth, classes, rate, &mut rng(1)).unwrap_err().to_string()
    };
    let message = refused(&[0.0, 1.0, 2.0, f32::NAN], &[0, 1], 2, 0.4);
    assert_eq!(message, "features of sample 1: number 1 is NaN, must be finite");
    assert!(refused(&[f32::INFINITY], &[0], 2, 0.4).contains("is inf"));
    assert!(refused(&[0.0; 3], &[0, 1], 2, 0.4).starts_with("features: found 3"));
    assert!(refused(&[0.0], &[0], 1, 0.4).starts_with("number of classes is 1"));
    assert!(refused(&[0.0], &[2], 2, 0.4).starts_with("label 2 of sample 0"));
    assert!(refused(&[0.0], &[0], 2, 1.5).starts_with("noise rate is 1.5"));
    assert!(refused(&[1.0], &[], 2, 0.4).starts_with("features: found 1"));
}
