//! The noise models, and noise measured and estimated.
//!
//! | module | covers |
//! |---|---|
//! | `at_random` | symmetric noise, and noise by the true class |
//! | `instance`, `confused` | noise by the image's features, and by a network's confusions |
//! | `dependence` | the dependence of each kind on class and image |
//! | `joint` | noise measured and estimated |
//! | `stats` | chi-squared tests, all at significance 1e-4 and with fixed seeds |
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod at_random;
mod confused;
mod dependence;
mod instance;
mod joint;
mod stats;

use noisy_labels::ClassPairs;
use rand::{Rng, SeedableRng};
use rand_distr::StandardNormal;
use rand_xoshiro::Xoshiro256PlusPlus;

const CIFAR10: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

fn rng(seed: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed)
}

/// Ten classes in turn.
fn truth(n: usize) -> Vec<usize> {
    (0..n).map(|i| i % 10).collect()
}

/// Standard normal numbers.
fn normal(n: usize, seed: u64) -> Vec<f32> {
    rng(seed).sample_iter(StandardNormal).take(n).collect()
}

/// All numbers of the full matrix, row by row.
fn full(pairs: &ClassPairs<f64>) -> Vec<f64> {
    pairs.full_rows().flatten().collect()
}
