//! A set drawn by code: ten shapes, so that a program can show what it does without any data.
//!
//! Position, size, turn, both colours and the clutter around a shape are drawn by lot; it may be lighter or darker than its
//! ground. So neither the colours of an image nor any one pixel tell the class: it takes the arrangement of edges,
//! which a small convolutional network learns within a minute.
//!
//! The rasteriser is our own. A library such as tiny-skia would do it as well, but ten shapes need one loop
//! over an inside test, and no font, path or blending.

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

/// How large the demo set is, and how wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct DemoOptions {
    /// Training images a class.
    pub per_class: usize,
    /// Test images a class.
    pub test_per_class: usize,
    /// Width and height in pixels, 16 at least: below, shapes can't be told apart.
    pub size: usize,
    /// The part of the training labels that is wrong, 0 to 1: exactly so many, cut to a whole number.
    pub noise_rate: f64,
}

impl Default for DemoOptions {
    /// 3,000 training images and 1,000 test images of 32 x 32 pixels; 40 % of the training labels are wrong.
    fn default() -> Self {
        Self { per_class: 300, test_per_class: 100, size: 32, noise_rate: 0.4 }
    }
}

/// Draws the demo set. The same seed draws the same set.
///
/// Every sample knows its true label; a wrong label is one of the other nine classes, each as likely. The
/// test set's labels are right. Values of `options` outside of what they may be are brought to the nearest
/// that may.
pub fn demo(seed: u64, options: &DemoOptions) -> ImageFolder {
    let size = options.size.max(16);
    let truths = |count: usize| (0..count * Shape::ALL.len()).map(|index| index % Shape::ALL.len());
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

/// A source of chance of one picture's own, so that pictures can be drawn in any order.
fn random(seed: u64, part: &str, index: usize) -> Xoshiro256PlusPlus {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes()).update(&(index as u64).to_le_bytes()).update(part.as_bytes());
    Xoshiro256PlusPlus::from_seed(*hasher.finalize().as_bytes())
}
