//! The demo set, and that it can't be solved without looking at shapes.

use image_folder::{DemoOptions, ImageFolder, Pixels, RgbImage, Sample, demo};

const CLASSES: usize = 10;

fn image(sample: &Sample) -> &RgbImage {
    match &sample.source {
        Pixels::Memory(image) => image,
        Pixels::File { .. } | Pixels::Row { .. } => panic!("the demo set has no files"),
    }
}

#[test]
fn the_same_seed_draws_the_same_set() {
    let options = DemoOptions { per_class: 5, test_per_class: 2, ..DemoOptions::default() };
    let (one, same, other) = (demo(1, &options), demo(1, &options), demo(2, &options));
    assert_eq!((&one.train, &one.test), (&same.train, &same.test));
    assert_ne!(one.train, other.train);
    assert_ne!(image(&one.train[0]), image(&one.test[0]));
}

#[test]
fn classes_are_sorted_and_as_many_of_each() {
    let set = demo(1, &DemoOptions { per_class: 7, test_per_class: 3, size: 24, noise_rate: 0.0 });
    assert!(set.classes.is_sorted() && set.classes.len() == CLASSES);
    assert!(set.train.is_sorted_by_key(|sample| sample.path.clone()));
    for class in 0..CLASSES {
        let count = |samples: &[Sample]| samples.iter().filter(|sample| sample.label == class).count();
        assert_eq!((count(&set.train), count(&set.test)), (7, 3));
    }
    assert!(set.train.iter().all(|sample| image(sample).dimensions() == (24, 24)));
    assert!(set.train.iter().all(|sample| sample.truth == Some(sample.label)));
}

#[test]
fn exactly_the_asked_part_of_the_training_labels_is_wrong_and_none_of_the_test_s() {
    for (rate, wrong) in [(0.4, 252), (0.333, 209), (0.0, 0), (1.0, 630), (7.0, 630), (f64::NAN, 0)] {
        let set = demo(5, &DemoOptions { per_class: 63, test_per_class: 2, size: 16, noise_rate: rate });
        let is_wrong = |sample: &&Sample| sample.truth != Some(sample.label);
        assert_eq!(set.train.iter().filter(is_wrong).count(), wrong, "{rate}");
        assert_eq!(set.test.iter().filter(is_wrong).count(), 0);
        assert!(set.train.iter().all(|sample| sample.label < CLASSES));
    }
}

#[test]
fn an_option_out_of_its_range_counts_as_the_nearest_in_it() {
    let set = demo(1, &DemoOptions { per_class: 0, test_per_class: 1, size: usize::MAX, noise_rate: 0.0 });
    assert_eq!((set.train.len(), set.test.len()), (0, CLASSES));
    assert_eq!(image(&set.test[0]).dimensions(), (1024, 1024));
    let set = demo(1, &DemoOptions { per_class: 1, test_per_class: 0, size: 0, noise_rate: 0.0 });
    assert_eq!(image(&set.train[0]).dimensions(), (16, 16));
}

/// 4,000 wrong labels, each of 9 others in 10 classes: 44.4 of each pair, standard deviation 6.6.
#[test]
fn wrong_labels_are_spread_over_all_other_classes() {
    let set = demo(3, &DemoOptions { per_class: 1000, test_per_class: 0, size: 16, noise_rate: 0.4 });
    let mut pairs = [[0; CLASSES]; CLASSES];
    set.train.iter().for_each(|sample| pairs[sample.truth.unwrap()][sample.label] += 1);
    for (truth, row) in pairs.iter().enumerate() {
        for (label, count) in row.iter().enumerate().filter(|(label, _)| *label != truth) {
            assert!((11..=78).contains(count), "{truth} called {label}: {count}");
        }
    }
}

/// Features of each image, and its true class.
type Table = Vec<(Vec<f32>, usize)>;

fn table(samples: &[Sample], features: fn(&RgbImage) -> Vec<f32>) -> Table {
    samples.iter().map(|sample| (features(image(sample)), sample.truth.unwrap())).collect()
}

fn dot(one: &[f32], other: &[f32]) -> f32 {
    let (a, a_rest) = one.as_chunks::<16>();
    let (b, b_rest) = other.as_chunks::<16>();
    let mut sums = [0.0f32; 16];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..16 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}

/// Ridge regression of each class's indicator on the features, by its dual: (K + s I) a = y, K the products
/// of the training images. The test accuracy of the best of several strengths s, so that none can be said to
/// be ill chosen.
fn ridge_accuracy(train: &Table, test: &Table) -> f64 {
    let n = train.len();
    let products = |x: &[f32], count: usize| -> Vec<f64> {
        train[..count].iter().map(|(other, _)| f64::from(dot(x, other))).collect()
    };
    // The lower half is all that Cholesky's decomposition reads.
    let kernel: Vec<Vec<f64>> = (0..n).map(|i| products(&train[i].0, i + 1)).collect();
    let test: Vec<(Vec<f64>, usize)> = test.iter().map(|(x, truth)| (products(x, n), *truth)).collect();
    let mean_square = (0..n).map(|i| kernel[i][i]).sum::<f64>() / n as f64;
    let accuracy = |strength: f64| {
        // Cholesky: K + s I = L L', row by row.
        let mut lower = kernel.clone();
        for i in 0..n {
            lower[i][i] += strength * mean_square;
            for j in 0..=i {
                let (head, tail) = lower.split_at_mut(i);
                let row = &mut tail[0];
                let known: f64 = if j < i {
                    row[..j].iter().zip(&head[j][..j]).map(|(a, b)| a * b).sum()
                } else {
                    row[..j].iter().map(|a| a * a).sum()
                };
                row[j] = if j < i { (row[j] - known) / head[j][j] } else { (row[j] - known).sqrt() };
            }
        }
        let weights: Vec<Vec<f64>> = (0..CLASSES)
            .map(|class| {
                let mut a: Vec<f64> =
                    train.iter().map(|(_, truth)| if *truth == class { 1.0 } else { 0.0 } - 0.1).collect();
                for i in 0..n {
                    let known: f64 = lower[i][..i].iter().zip(&a).map(|(l, a)| l * a).sum();
                    a[i] = (a[i] - known) / lower[i][i];
                }
                for i in (0..n).rev() {
                    a[i] /= lower[i][i];
                    let solved = a[i];
                    lower[i][..i].iter().zip(&mut a).for_each(|(l, a)| *a -= l * solved);
                }
                a
            })
            .collect();
        let right = |(products, truth): &&(Vec<f64>, usize)| {
            let score = |class: &usize| weights[*class].iter().zip(products).map(|(a, k)| a * k).sum::<f64>();
            (0..CLASSES).max_by(|a, b| score(a).total_cmp(&score(b))) == Some(*truth)
        };
        test.iter().filter(right).count() as f64 / test.len() as f64
    };
    [1e-4, 1e-2, 1.0].map(accuracy).into_iter().fold(0.0, f64::max)
}

fn set(seed: u64) -> ImageFolder {
    demo(seed, &DemoOptions { per_class: 100, test_per_class: 60, ..DemoOptions::default() })
}

/// All pixels in -1..1, and a constant.
fn pixels(image: &RgbImage) -> Vec<f32> {
    image.as_raw().iter().map(|byte| f32::from(*byte) / 127.5 - 1.0).chain([1.0]).collect()
}

/// The mean colour in -1..1, its squares and products, and a constant.
fn colour(image: &RgbImage) -> Vec<f32> {
    let [r, g, b] = [0, 1, 2].map(|c| {
        let sum: f32 = image.pixels().map(|pixel| f32::from(pixel.0[c])).sum();
        sum / (image.width() * image.height()) as f32 / 127.5 - 1.0
    });
    vec![1.0, r, g, b, r * r, g * g, b * b, r * g, g * b, b * r]
}

/// Trained on true labels, which is more than a user has.
#[test]
fn a_linear_classifier_on_pixels_does_not_solve_it() {
    for seed in 1..=3 {
        let set = set(seed);
        let accuracy = ridge_accuracy(&table(&set.train, pixels), &table(&set.test, pixels));
        assert!(accuracy <= 0.4, "seed {seed}: {accuracy}");
    }
}

#[test]
fn the_mean_colour_does_not_solve_it() {
    for seed in 1..=3 {
        let set = set(seed);
        let (train, test) = (table(&set.train, colour), table(&set.test, colour));
        let linear = ridge_accuracy(&train, &test);
        let distance = |one: &[f32], other: &[f32]| -> f32 {
            one[1..4].iter().zip(&other[1..4]).map(|(a, b)| (a - b).powi(2)).sum()
        };
        let nearest = |x: &[f32]| train.iter().min_by(|a, b| distance(x, &a.0).total_cmp(&distance(x, &b.0)));
        let right = test.iter().filter(|(x, truth)| nearest(x).unwrap().1 == *truth).count();
        let nearest = right as f64 / test.len() as f64;
        assert!(linear.max(nearest) <= 0.4, "seed {seed}: {linear}, {nearest}");
    }
}

/// That the two tests above can fail: what they measure finds a class that is there to be found.
#[test]
fn the_linear_classifier_solves_what_is_linear() {
    let samples = |shift: u32| -> Table {
        (0..200)
            .map(|index: u32| {
                let truth = (index % 10) as usize;
                let image = RgbImage::from_fn(8, 8, |x, y| {
                    let noise = (x * 31 + y * 17 + index * 13 + shift) % 97;
                    image::Rgb([if (x + y * 8) as usize % 10 == truth { 150 } else { 60 } + noise as u8; 3])
                });
                (pixels(&image), truth)
            })
            .collect()
    };
    assert!(ridge_accuracy(&samples(0), &samples(5)) > 0.95);
}
