//! Operations that map each value to another by a table of 256 values. Where the table depends on the image, each channel has its
//! own.
//!
//! Source: Pillow's `ImageOps`.

use std::array;

use image::RgbImage;

/// The result of each value.
type Table = [u8; 256];

/// The number of pixels with each value.
type Histogram = [u32; 256];

/// Keeps the upper `bits` bits of each value.
pub(super) fn posterize(image: &mut RgbImage, bits: u8) {
    let mask = !(u8::MAX.checked_shr(bits.into()).unwrap_or(0));
    image.iter_mut().for_each(|value| *value &= mask);
}

/// Maps each value that is not below `threshold` to 255 - value.
pub(super) fn solarize(image: &mut RgbImage, threshold: f64) {
    let table: Table = array::from_fn(|value| {
        let (kept, inverted) = (value as u8, 255 - value as u8);
        if f64::from(kept) < threshold { kept } else { inverted }
    });
    image.iter_mut().for_each(|value| *value = table[usize::from(*value)]);
}

/// Maps each value to 255 - value.
pub(super) fn invert(image: &mut RgbImage) {
    image.iter_mut().for_each(|value| *value = 255 - *value);
}

/// Maps each value to 255 (value - smallest) / (largest - smallest), rounded down; a channel of one value stays as it is.
pub(super) fn auto_contrast(image: &mut RgbImage) {
    by_channel(image, |histogram| {
        let occurs = |count: &u32| *count > 0;
        let (low, high) = (histogram.iter().position(occurs)?, histogram.iter().rposition(occurs)?);
        if high <= low {
            return None;
        }
        // The order of these operations is Pillow's: in another order, some values would round differently.
        let scale = 255.0 / (high - low) as f64;
        let offset = -(low as f64) * scale;
        Some(array::from_fn(|value| (value as f64 * scale + offset) as u8)) // `as` clamps to 0..=255
    });
}

/// Maps each value to the number of pixels with a smaller value, in steps of a 255th of all pixels whose value is not the largest. A
/// channel of one value stays as it is, and so does one with too few pixels.
pub(super) fn equalize(image: &mut RgbImage) {
    by_channel(image, |histogram| {
        let largest = histogram.iter().rev().find(|count| **count > 0)?;
        let step = (histogram.iter().sum::<u32>() - largest) / 255;
        if step == 0 {
            return None;
        }
        let mut below = step / 2;
        Some(histogram.map(|count| {
            let value = below / step;
            below += count;
            value.min(255) as u8 // it is above 255 only where no pixel has the value
        }))
    });
}

/// Maps each channel's values by the table that `table` makes of its histogram, if it makes one.
fn by_channel(image: &mut RgbImage, table: impl Fn(&Histogram) -> Option<Table>) {
    let mut histograms = [[0; 256]; 3];
    for pixel in image.as_chunks::<3>().0 {
        pixel.iter().zip(&mut histograms).for_each(|(value, counts)| counts[usize::from(*value)] += 1);
    }
    let unchanged = array::from_fn(|value| value as u8);
    let tables = histograms.map(|histogram| table(&histogram).unwrap_or(unchanged));
    for pixel in image.as_chunks_mut::<3>().0 {
        pixel.iter_mut().zip(&tables).for_each(|(value, table)| *value = table[usize::from(*value)]);
    }
}
