//! What is in a folder of images, and a training batch of it: `cargo run --example look_at_folder -- DATA`. Without DATA it looks at the
//! demo set.

#![allow(clippy::print_stdout, reason = "its result")]

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use image_folder::{
    Cache, Channels, DemoOptions, Fit, Interpolation, OpenOptions, Transform, Views, demo, open,
};

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    look(std::env::args_os().nth(1).map(PathBuf::from))
}

pub(crate) fn look(data: Option<PathBuf>) -> Result<(), Box<dyn std::error::Error>> {
    let set = match data {
        Some(data) => open(&data, &OpenOptions::default())?,
        None => demo(1, &DemoOptions { per_class: 8, ..DemoOptions::default() }),
    };
    println!("{} images to train on, {} to test on", set.train.len(), set.test.len());
    for (label, class) in set.classes.iter().enumerate() {
        println!("{:6} {class}", set.train.iter().filter(|sample| sample.label == label).count());
    }
    set.warnings.iter().for_each(|warning| println!("warning: {warning}"));
    set.skipped.iter().for_each(|skipped| println!("left out: {}: {}", skipped.path, skipped.reason));

    let transform = Transform {
        fit: Fit::Crop,
        channels: Channels::Rgb,
        size: 32,
        resized: 36,
        mean: [0.5; 3],
        std: [0.5; 3],
        interpolation: Interpolation::Bicubic,
        flip: true,
        crop_padding: 4,
    };
    let stop = AtomicBool::new(false);
    let (views, unreadable) = Views::build(set.train, transform, Cache::Ram, &|_, _| (), &stop)?;
    unreadable.iter().for_each(|skipped| println!("can't be read: {}: {}", skipped.path, skipped.reason));
    // A view is a sample with a seed: the same seed is the same flip and crop.
    let views_of_a_batch: Vec<(usize, u64)> = (0..views.samples().len().min(8)).zip(1..).collect();
    println!("a batch of {:?} numbers", views.augmented(&views_of_a_batch)?.shape);
    Ok(())
}
