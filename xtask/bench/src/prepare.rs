//! The files that every program is measured with: JPEG files and losses.

use anyhow::{Context, Result};
use effmix::files::write_npy;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image_folder::{DemoOptions, Pixels, RgbImage, demo};
use noisy_labels::mixture::NormalisedLosses;
use rand::{Rng, SeedableRng};
use rand_distr::{Distribution, Exp, Normal};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;
use std::path::Path;

/// Folders of JPEG files, with their side in pixels and how many they are; xtask's `works` names them too.
const FILES: [(&str, usize, usize); 3] =
    [("jpeg-32", 32, 1024), ("jpeg-448", 448, 512), ("jpeg-32-many", 32, 4096)];
/// As cameras and photo editors write them.
const QUALITY: u8 = 90;
/// The shapes are drawn this large at most, and enlarged: drawing is slow, and not what is measured.
const DRAWN: usize = 64;
/// Drawn shapes are smooth, and decode faster than photographs: with so much noise their files are as large (448 px: 50 KB).
const GRAIN: i16 = 5;
/// Losses to fit, and how many of them are of wrong labels.
const LOSSES: usize = 50_000;
const WRONG: f64 = 0.3;

/// Makes what is not there below `folder`.
pub(crate) fn prepare(folder: &Path) -> Result<()> {
    for (name, side, count) in FILES {
        let images = folder.join(name);
        if !images.exists() {
            // Under its name only when it is whole.
            let unfinished = folder.join(format!("{name}-unfinished"));
            if unfinished.exists() {
                std::fs::remove_dir_all(&unfinished)?;
            }
            write_images(&unfinished, side, count)?;
            std::fs::rename(&unfinished, &images)?;
        }
    }
    let losses = folder.join("losses.npy");
    if !losses.exists() {
        write_npy(&losses, &drawn_losses()?, &[LOSSES])?;
    }
    Ok(())
}

/// The demo set's shapes, with grain, a folder a class.
fn write_images(folder: &Path, side: usize, count: usize) -> Result<()> {
    let per_class = count.div_ceil(10);
    let set = demo(1, &DemoOptions { per_class, test_per_class: 0, size: side.min(DRAWN), noise_rate: 0.0 });
    for class in &set.classes {
        let folder = folder.join(class);
        std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    }
    set.train[..count].par_iter().enumerate().try_for_each(|(index, sample)| {
        let Pixels::Memory(image) = &sample.source else { anyhow::bail!("the demo set is in memory") };
        let file = folder.join(&set.classes[sample.label]).join(format!("{index:05}.jpg"));
        let mut bytes = Vec::new();
        with_grain(&enlarged(image, side as u32), index)
            .write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY))?;
        std::fs::write(&file, bytes).with_context(|| file.display().to_string())
    })
}

fn enlarged(image: &RgbImage, side: u32) -> RgbImage {
    image::imageops::resize(image, side, side, FilterType::Triangle)
}

fn with_grain(image: &RgbImage, seed: usize) -> RgbImage {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed as u64);
    let mut image = image.clone();
    for value in image.iter_mut() {
        let grained = i16::from(*value) + random.random_range(-GRAIN..=GRAIN);
        *value = grained.clamp(0, 255) as u8;
    }
    image
}

/// Normalised losses in two heaps: of right labels, falling from 0 on; of wrong ones, about 2.5 nats.
fn drawn_losses() -> Result<Vec<f32>> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    let (right, wrong) = (Exp::new(2.5f32)?, Normal::new(2.5f32, 0.6)?);
    let losses: Vec<f32> = (0..LOSSES)
        .map(|_| {
            let is_wrong = random.random_bool(WRONG);
            if is_wrong { wrong.sample(&mut random).max(0.0) } else { right.sample(&mut random) }
        })
        .collect();
    let normalised = NormalisedLosses::new(&losses)?;
    Ok(normalised.as_slice().iter().map(|loss| *loss as f32).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_losses_are_normalised_and_the_same_each_time() {
        let losses = drawn_losses().unwrap();
        assert_eq!(losses.len(), LOSSES);
        assert!(losses.iter().all(|loss| (0.0..=1.0).contains(loss)));
        assert_eq!(losses, drawn_losses().unwrap());
    }

    #[test]
    fn grain_stays_small() {
        let plain = RgbImage::from_pixel(8, 8, image::Rgb([0, 128, 255]));
        let grained = with_grain(&plain, 1);
        let largest = plain.iter().zip(grained.iter()).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(grained != plain && largest <= Some(GRAIN as u8));
    }
}
