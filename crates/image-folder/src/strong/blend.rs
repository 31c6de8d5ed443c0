//! Operations that blend an image with a degenerate one (black, grey, smoothed), or extrapolate beyond the image.
//!
//! The result is degenerate + factor (image - degenerate), rounded down and clamped to 0..=255, computed in f32 as by Pillow's
//! `Image.blend`.
//!
//! Source: Pillow's `ImageEnhance`.

use image::RgbImage;

use super::affine::with_copy;

/// Blends the image with black.
pub(super) fn brightness(image: &mut RgbImage, factor: f32) {
    if factor != 1.0 {
        image.iter_mut().for_each(|value| *value = blend(0, *value, factor));
    }
}

/// Blends each pixel with its own grey.
pub(super) fn color(image: &mut RgbImage, factor: f32) {
    if factor == 1.0 {
        return;
    }
    for pixel in image.as_chunks_mut::<3>().0 {
        let degenerate = grey(*pixel);
        pixel.iter_mut().for_each(|value| *value = blend(degenerate, *value, factor));
    }
}

/// Blends the image with the mean of all pixels' greys, rounded.
pub(super) fn contrast(image: &mut RgbImage, factor: f32) {
    let pixels = image.as_chunks::<3>().0;
    if factor == 1.0 || pixels.is_empty() {
        return;
    }
    let sum: u64 = pixels.iter().map(|pixel| u64::from(grey(*pixel))).sum();
    let mean = (sum as f64 / pixels.len() as f64 + 0.5) as u8;
    image.iter_mut().for_each(|value| *value = blend(mean, *value, factor));
}

/// Blends the image with its smoothed self. A pixel is smoothed with its eight neighbours, where it has weight 5 and they have weight
/// 1. The pixels at the border stay as they are.
pub(super) fn sharpness(image: &mut RgbImage, factor: f32) {
    let (width, height) = image.dimensions();
    if factor == 1.0 || width < 3 || height < 3 {
        return;
    }
    let row = width as usize * 3;
    with_copy(image, |old, new| {
        for y in 1..height as usize - 1 {
            let [above, here, below] = [y - 1, y, y + 1].map(|y| &old[y * row..][..row]);
            let new = &mut new[y * row..][..row];
            for at in 3..row - 3 {
                let three =
                    |line: &[u8]| [at - 3, at, at + 3].map(|at| u32::from(line[at])).iter().sum::<u32>();
                let sum = three(above) + three(here) + three(below) + 4 * u32::from(here[at]);
                let smoothed = (2 * sum + 13) / 26; // sum / 13, rounded; it is never half-way
                new[at] = blend(smoothed as u8, here[at], factor);
            }
        }
    });
}

/// The luma of ITU-R 601-2 with 16 fractional bits, as Pillow computes it.
fn grey([red, green, blue]: [u8; 3]) -> u8 {
    let sum = 19595 * u32::from(red) + 38470 * u32::from(green) + 7471 * u32::from(blue);
    ((sum + (1 << 15)) >> 16) as u8
}

fn blend(degenerate: u8, value: u8, factor: f32) -> u8 {
    let (degenerate, value) = (f32::from(degenerate), f32::from(value));
    (degenerate + factor * (value - degenerate)) as u8 // `as` clamps to 0..=255
}
