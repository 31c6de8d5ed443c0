//! Noise completely at random and at random does what the reference code's does.

use noisy_labels::noise::{Transition, asymmetric, measured_transition, noise_rate, symmetric};

use super::stats::{chi_square, chi_square_of_rows, critical};
use super::{CIFAR10, rng, truth};

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
        // Offsets 1..10 from the true class are equally likely.
        let mut offsets = [0; 9];
        let mut tenths = [0; 10];
        for (i, (g, t)) in given.iter().zip(&truth).enumerate().filter(|(_, (g, t))| g != t) {
            offsets[(g + 10 - t) % 10 - 1] += 1;
            tenths[i * 10 / truth.len()] += 1;
        }
        assert!(chi_square(&offsets, &[1.0 / 9.0; 9]) < critical(8), "{offsets:?}");
        // Which samples are hit does not depend on their position (without replacement, so less than chi-squared).
        assert!(chi_square(&tenths, &[0.1; 10]) < critical(9), "{tenths:?}");
    }
}

#[test]
fn cifar10_s_published_mapping_flips_five_classes() {
    let truth = truth(50_000);
    let transition = Transition::cifar10(&CIFAR10).unwrap();
    let given = asymmetric(&truth, &transition, 0.4, &mut rng(5)).unwrap();
    let rows = measured_transition(&given, &truth, 10).unwrap();
    let target = [0, 1, 0, 5, 7, 3, 6, 7, 8, 1];
    for (class, row) in rows.full_rows().enumerate() {
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
    assert_eq!(transition.pairs().get(0, 8), 1.0, "truck (0) to automobile (8)");
    let error = Transition::cifar10(&["cat", "dog"]).unwrap_err();
    let all = "no class \"airplane\", \"automobile\", \"bird\", \"deer\", \"horse\", \"truck\" among the 2";
    assert!(error.to_string().contains(all), "{error}");
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
    for (row, expected) in measured.full_rows().zip(&rows) {
        for (value, expected) in row.iter().zip(expected) {
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
    assert_eq!(measured_transition(&[0], &[0], 2).unwrap().row(1), []);
    assert_eq!(noise_rate(&[], &[]), None);
}

/// Rows of a matrix: `stays` on the diagonal, and what is left on `target`.
fn flips(stays: f64, target: impl Fn(usize) -> usize, classes: usize) -> Vec<Vec<f64>> {
    let entry = |class: usize, label: usize| {
        let moved = if label == target(class) { 1.0 - stays } else { 0.0 };
        if label == class { stays + moved * f64::from(u8::from(target(class) == class)) } else { moved }
    };
    (0..classes).map(|class| (0..classes).map(|label| entry(class, label)).collect()).collect()
}

#[test]
fn every_model_has_the_rates_and_targets_of_its_matrix() {
    let truth = truth(50_000);
    let uniform = |stays: f64| -> Vec<Vec<f64>> {
        let row =
            |class: usize| (0..10).map(|g| if g == class { stays } else { (1.0 - stays) / 9.0 }).collect();
        (0..10).map(row).collect()
    };
    let published = [0, 1, 0, 5, 7, 3, 6, 7, 8, 1];
    let cifar10 = Transition::cifar10(&CIFAR10).unwrap();
    let own = Transition::new(uniform(0.8)).unwrap();
    let pair = Transition::pair_flip(10);
    for seed in 0..5 {
        let mut rng = rng(seed);
        let drawn = [
            (symmetric(&truth, 10, 0.5, true, &mut rng), uniform(0.55)),
            (symmetric(&truth, 10, 0.4, false, &mut rng), uniform(0.6)),
            (asymmetric(&truth, &cifar10, 0.4, &mut rng), flips(0.6, |class| published[class], 10)),
            (asymmetric(&truth, &pair, 0.45, &mut rng), flips(0.55, |class| (class + 1) % 10, 10)),
            (asymmetric(&truth, &own, 1.0, &mut rng), uniform(0.8)),
        ];
        for (model, (given, rows)) in drawn.into_iter().enumerate() {
            let (statistic, freedom) = chi_square_of_rows(&given.unwrap(), &truth, &rows);
            assert!(statistic < critical(freedom), "model {model}: {statistic} for {freedom}");
        }
    }
}

#[test]
fn another_rate_or_target_is_told_apart() {
    // The test above can fail: 2 points of rate, or every tenth flip to another class, are far beyond chance.
    let truth = truth(50_000);
    let given = asymmetric(&truth, &Transition::pair_flip(10), 0.45, &mut rng(0)).unwrap();
    let (statistic, freedom) = chi_square_of_rows(&given, &truth, &flips(0.57, |class| (class + 1) % 10, 10));
    assert!(statistic > critical(freedom), "{statistic}");
    let (statistic, _) = chi_square_of_rows(&given, &truth, &flips(0.55, |class| (class + 2) % 10, 10));
    assert_eq!(statistic, f64::INFINITY, "a label that can't be");
}

#[test]
fn cifar100_s_classes_go_round_within_their_superclass() {
    // The five of each of three superclasses, as a person may write them; the others as they are.
    let names = |class: &str| match class {
        "maple_tree" => "Maple Tree".to_owned(),
        "aquarium_fish" => "aquarium-fish".to_owned(),
        other => other.to_owned(),
    };
    let mut classes: Vec<String> = CIFAR100.iter().map(|class| names(class)).collect();
    classes.sort();
    let place = |class: &str| classes.iter().position(|name| *name == names(class)).unwrap();
    let transition = Transition::published(&classes).unwrap();
    for (from, to) in [
        ("aquarium_fish", "flatfish"),
        ("trout", "aquarium_fish"),
        ("maple_tree", "oak_tree"),
        ("willow_tree", "maple_tree"),
        ("tractor", "lawn_mower"),
        ("girl", "man"),
    ] {
        assert_eq!(transition.pairs().get(place(from), place(to)), 1.0, "{from} to {to}");
    }
    let truth: Vec<usize> = (0..50_000).map(|i| i % 100).collect();
    let given = asymmetric(&truth, &transition, 0.4, &mut rng(2)).unwrap();
    let target = |class: usize| transition.pairs().row(class)[0].0;
    let (statistic, freedom) = chi_square_of_rows(&given, &truth, &flips(0.6, target, 100));
    assert!(statistic < critical(freedom), "{statistic} for {freedom}");
    assert_eq!(freedom, 100, "two labels a class");
}

#[test]
fn the_published_mapping_of_a_set_is_found_by_its_names_or_what_is_missing_is_named() {
    assert_eq!(Transition::published(&CIFAR10).unwrap(), Transition::cifar10(&CIFAR10).unwrap());
    let without: Vec<&str> = CIFAR10.into_iter().filter(|class| *class != "deer").collect();
    let error = Transition::published(&without).unwrap_err().to_string();
    assert!(error.contains("no class \"deer\" among the 9"), "{error}");
    let without: Vec<&str> = CIFAR100.into_iter().filter(|class| !["ray", "worm"].contains(class)).collect();
    let error = Transition::published(&without).unwrap_err().to_string();
    assert!(error.contains("no class \"ray\", \"worm\" among the 98"), "{error}");
}

#[test]
fn rate_0_changes_no_label_and_rate_1_every_one() {
    let truth = truth(1000);
    let transition = Transition::pair_flip(10);
    for seed in 0..3 {
        assert_eq!(symmetric(&truth, 10, 0.0, true, &mut rng(seed)).unwrap(), truth);
        assert_eq!(symmetric(&truth, 10, 0.0, false, &mut rng(seed)).unwrap(), truth);
        assert_eq!(asymmetric(&truth, &transition, 0.0, &mut rng(seed)).unwrap(), truth);
        let given = asymmetric(&truth, &transition, 1.0, &mut rng(seed)).unwrap();
        assert_eq!(noise_rate(&given, &truth), Some(1.0));
    }
    assert_eq!(symmetric(&[0, 0], 1, 0.0, false, &mut rng(0)).unwrap(), [0, 0], "one class, no noise");
    assert_eq!(symmetric(&[0, 0], 1, 1.0, true, &mut rng(0)).unwrap(), [0, 0], "one class, drawn again");
}

/// The names in CIFAR-100's file `meta`.
const CIFAR100: [&str; 100] = [
    "apple",
    "aquarium_fish",
    "baby",
    "bear",
    "beaver",
    "bed",
    "bee",
    "beetle",
    "bicycle",
    "bottle",
    "bowl",
    "boy",
    "bridge",
    "bus",
    "butterfly",
    "camel",
    "can",
    "castle",
    "caterpillar",
    "cattle",
    "chair",
    "chimpanzee",
    "clock",
    "cloud",
    "cockroach",
    "couch",
    "crab",
    "crocodile",
    "cup",
    "dinosaur",
    "dolphin",
    "elephant",
    "flatfish",
    "forest",
    "fox",
    "girl",
    "hamster",
    "house",
    "kangaroo",
    "keyboard",
    "lamp",
    "lawn_mower",
    "leopard",
    "lion",
    "lizard",
    "lobster",
    "man",
    "maple_tree",
    "motorcycle",
    "mountain",
    "mouse",
    "mushroom",
    "oak_tree",
    "orange",
    "orchid",
    "otter",
    "palm_tree",
    "pear",
    "pickup_truck",
    "pine_tree",
    "plain",
    "plate",
    "poppy",
    "porcupine",
    "possum",
    "rabbit",
    "raccoon",
    "ray",
    "road",
    "rocket",
    "rose",
    "sea",
    "seal",
    "shark",
    "shrew",
    "skunk",
    "skyscraper",
    "snail",
    "snake",
    "spider",
    "squirrel",
    "streetcar",
    "sunflower",
    "sweet_pepper",
    "table",
    "tank",
    "telephone",
    "television",
    "tiger",
    "tractor",
    "train",
    "trout",
    "tulip",
    "turtle",
    "wardrobe",
    "whale",
    "willow_tree",
    "wolf",
    "woman",
    "worm",
];
