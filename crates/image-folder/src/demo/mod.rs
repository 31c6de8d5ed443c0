//! A set of ten shapes drawn by code, so that a program can show what it does without any data.
//!
//! Position, size, angle, both colours and the clutter around a shape are random; the shape may be lighter or darker than its
//! background. So neither the colours of an image nor any one pixel tell the class. The arrangement of edges does,
//! and a small convolutional network learns it within a minute.
//!
//! The shapes are rasterised here. A library such as tiny-skia would do it as well, but ten shapes need one loop
//! over an inside test, and no fonts, paths or blending.

mod draw;
mod shape;

use std::sync::Arc;

use image::RgbImage;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;

use crate::{ImageFolder, Pixels, Sample};
use shape::Shape;

/// The size of the demo set, and the share of its labels that are wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct DemoOptions {
    /// The number of training images of each class, up to 100,000.
    pub per_class: usize,
    /// The number of test images of each class, up to 100,000.
    pub test_per_class: usize,
    /// The width and height in pixels, from 16 (shapes can't be told apart below) to 1,024.
    pub size: usize,
    /// The share of training labels that are wrong, 0 to 1. Exactly this share is wrong, rounded down to a whole number of labels.
    pub noise_rate: f64,
}

impl Default for DemoOptions {
    /// 3,000 training images and 1,000 test images of 32 x 32 pixels; 40 % of the training labels are wrong.
    fn default() -> Self {
        Self { per_class: 300, test_per_class: 100, size: 32, noise_rate: 0.4 }
    }
}

/// The demo set, drawn by code. The same seed draws the same set.
///
/// The true label of every sample is known. A wrong label is one of the other nine classes, each with the same probability. The
/// test set's labels are right. An option outside of its range counts as the nearest value in it.
pub fn demo(seed: u64, options: &DemoOptions) -> ImageFolder {
    let size = options.size.clamp(16, 1024);
    let truths = |count: usize| {
        (0..count.min(MOST_OF_A_CLASS) * Shape::ALL.len()).map(|index| index % Shape::ALL.len())
    };
    let train: Vec<usize> = truths(options.per_class).collect();
    let test: Vec<usize> = truths(options.test_per_class).collect();
    let labels = with_wrong_labels(&train, options.noise_rate, random(seed, "labels", 0));
    ImageFolder {
        classes: Shape::ALL.iter().map(|shape| shape.name().to_owned()).collect(),
        train: samples(seed, "train", size, &train, &labels),
        test: samples(seed, "test", size, &test, &test),
        ..ImageFolder::default()
    }
}

/// The largest number of images of a class.
const MOST_OF_A_CLASS: usize = 100_000;

fn samples(seed: u64, part: &str, size: usize, truths: &[usize], labels: &[usize]) -> Vec<Sample> {
    truths
        .par_iter()
        .zip(labels)
        .enumerate()
        .map(|(index, (&truth, &label))| {
            let image: RgbImage = draw::picture(Shape::ALL[truth], size, &mut random(seed, part, index));
            Sample {
                path: format!("{part}/{index:05}.png"),
                source: Pixels::Memory(Arc::new(image)),
                label,
                truth: Some(truth),
            }
        })
        .collect()
}

fn with_wrong_labels(truths: &[usize], rate: f64, mut random: impl Rng) -> Vec<usize> {
    let count = (rate.clamp(0.0, 1.0) * truths.len() as f64) as usize;
    let mut order: Vec<usize> = (0..truths.len()).collect();
    order.shuffle(&mut random);
    let mut labels = truths.to_vec();
    for &index in &order[..count] {
        let step = random.random_range(1..Shape::ALL.len());
        labels[index] = (truths[index] + step) % Shape::ALL.len();
    }
    labels
}

/// The random generator of one picture, so that pictures can be drawn in any order. It is keyed by a hash, because its key has a name
/// in it.
fn random(seed: u64, part: &str, index: usize) -> Xoshiro256PlusPlus {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes()).update(&(index as u64).to_le_bytes()).update(part.as_bytes());
    Xoshiro256PlusPlus::from_seed(*hasher.finalize().as_bytes())
}
