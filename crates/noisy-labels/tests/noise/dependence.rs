//! The dependence of noise: on nothing, on the class, or on the image too.

use noisy_labels::ClassTable;
use noisy_labels::noise::{InstanceNoise, Transition, asymmetric, confused, symmetric};

use super::stats::{critical, two_samples};
use super::{CIFAR10, normal, rng, truth};

const CLASSES: usize = 10;

/// The number of samples of a class, and of features of a sample.
const EACH: usize = 2000;
const WIDTH: usize = 6;

/// Probabilities of a network that knows the class, and is less or more sure of it by the image's first feature.
fn network(truth: &[usize], features: &[f32]) -> ClassTable {
    let row = |(truth, features): (&usize, &[f32])| {
        let sure = 1.5 + 1.5 * features[0];
        let row: Vec<f32> = (0..CLASSES).map(|c| if c == *truth { sure.exp() } else { 1.0 }).collect();
        let sum: f32 = row.iter().sum();
        row.into_iter().map(move |p| p / sum)
    };
    let values = truth.iter().zip(features.chunks_exact(WIDTH)).flat_map(row).collect();
    ClassTable::new(values, CLASSES).unwrap()
}

/// Whether given labels differ between images of one class that are split in half by `score`: the statistic of all classes,
/// and its degrees of freedom.
fn between_halves(given: &[usize], truth: &[usize], score: &[f64]) -> (f64, usize) {
    let (mut statistic, mut freedom) = (0.0, 0);
    for class in 0..CLASSES {
        let mut samples: Vec<usize> = (0..truth.len()).filter(|&sample| truth[sample] == class).collect();
        samples.sort_by(|&a, &b| score[a].total_cmp(&score[b]));
        let counts = |samples: &[usize]| {
            let mut counts = [0; CLASSES];
            samples.iter().for_each(|&sample| counts[given[sample]] += 1);
            counts
        };
        let (low, high) = samples.split_at(samples.len() / 2);
        let (of_class, cells) = two_samples(&counts(low), &counts(high));
        statistic += of_class;
        freedom += cells;
    }
    (statistic, freedom)
}

#[test]
fn what_an_image_is_mistaken_for_depends_on_its_features_under_instance_noise_alone() {
    let truth = truth(CLASSES * EACH);
    let features = normal(truth.len() * WIDTH, 1);
    for seed in 0..3 {
        let mut rng = rng(seed);
        let model = InstanceNoise::new(&features, &truth, CLASSES, 0.4, &mut rng).unwrap();
        // The projection that drives it: what share of an image's wrong labels is the next class.
        let score: Vec<f64> = model
            .probabilities()
            .chunks_exact(CLASSES)
            .zip(truth.iter().zip(model.rates()))
            .map(|(row, (truth, rate))| row[(truth + 1) % CLASSES] / rate)
            .collect();
        let (statistic, freedom) = between_halves(&model.draw(&mut rng), &truth, &score);
        assert!(statistic > critical(freedom), "instance: {statistic} for {freedom}");

        let mapping = Transition::cifar10(&CIFAR10).unwrap();
        for (name, given) in [
            ("symmetric", symmetric(&truth, CLASSES, 0.4, true, &mut rng)),
            ("without the true class", symmetric(&truth, CLASSES, 0.4, false, &mut rng)),
            ("asymmetric", asymmetric(&truth, &mapping, 0.4, &mut rng)),
            ("pair", asymmetric(&truth, &Transition::pair_flip(CLASSES), 0.4, &mut rng)),
        ] {
            let (statistic, freedom) = between_halves(&given.unwrap(), &truth, &score);
            assert!(statistic < critical(freedom), "{name}: {statistic} for {freedom}");
        }
    }
}

#[test]
fn where_a_network_is_less_sure_labels_go_wrong_more_often() {
    let truth = truth(CLASSES * EACH);
    let features = normal(truth.len() * WIDTH, 1);
    let score: Vec<f64> = features.chunks_exact(WIDTH).map(|x| f64::from(x[0])).collect();
    let p = network(&truth, &features);
    for rate in [None, Some(0.3)] {
        let given = confused(&p, &truth, rate, &mut rng(4)).unwrap();
        let (statistic, freedom) = between_halves(&given, &truth, &score);
        assert!(statistic > critical(freedom), "{rate:?}: {statistic} for {freedom}");
    }
}

/// Whether images of one class go wrong unequally often in repeated draws: Pearson's statistic of all images' counts
/// against the mean of their class, and its degrees of freedom.
fn between_images(truth: &[usize], draws: u64, draw: impl Fn(u64) -> Vec<usize>) -> (f64, usize) {
    let mut wrong = vec![0.0; truth.len()];
    for seed in 0..draws {
        let given = draw(seed);
        wrong
            .iter_mut()
            .zip(given.iter().zip(truth))
            .for_each(|(n, (g, t))| *n += f64::from(u8::from(g != t)));
    }
    let (mut statistic, mut freedom, draws) = (0.0, 0, draws as f64);
    for class in 0..CLASSES {
        let of_class: Vec<f64> =
            wrong.iter().zip(truth).filter(|(_, t)| **t == class).map(|(n, _)| *n).collect();
        let rate = of_class.iter().sum::<f64>() / of_class.len() as f64 / draws;
        // A class that the noise leaves alone has no rate to differ.
        if rate > 0.0 {
            let variance = draws * rate * (1.0 - rate);
            statistic += of_class.iter().map(|n| (n - draws * rate).powi(2) / variance).sum::<f64>();
            freedom += of_class.len() - 1;
        }
    }
    (statistic, freedom)
}

#[test]
fn the_flip_rate_differs_between_images_of_a_class_under_instance_noise_alone() {
    let truth = truth(500);
    let features = normal(truth.len() * WIDTH, 2);
    let model = InstanceNoise::new(&features, &truth, CLASSES, 0.4, &mut rng(1)).unwrap();
    let p = network(&truth, &features);
    let (statistic, freedom) = between_images(&truth, 100, |seed| model.draw(&mut rng(seed)));
    assert!(statistic > critical(freedom), "instance: {statistic} for {freedom}");
    let draw = |seed| confused(&p, &truth, Some(0.4), &mut rng(seed)).unwrap();
    let (statistic, freedom) = between_images(&truth, 100, draw);
    assert!(statistic > critical(freedom), "confused: {statistic} for {freedom}");

    let mapping = Transition::cifar10(&CIFAR10).unwrap();
    let (statistic, freedom) =
        between_images(&truth, 100, |seed| symmetric(&truth, CLASSES, 0.4, true, &mut rng(seed)).unwrap());
    assert!(statistic < critical(freedom), "symmetric: {statistic} for {freedom}");
    let (statistic, freedom) =
        between_images(&truth, 100, |seed| asymmetric(&truth, &mapping, 0.4, &mut rng(seed)).unwrap());
    assert!(statistic < critical(freedom), "asymmetric: {statistic} for {freedom}");
    assert_eq!(freedom, 5 * 49, "five classes are mapped");
}
