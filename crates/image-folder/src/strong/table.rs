//! Operations that make a value another one whatever its neighbours are: by a table of 256, for each channel its own where the
//! image decides.
//!
//! Source: Pillow's `ImageOps`.

use std::array;

use image::RgbImage;

/// What each value becomes.
type Table = [u8; 256];

/// How often each value occurs.
type Histogram = [u32; 256];

/// Value & the mask of the upper `bits` bits.
pub(super) fn posterize(image: &mut RgbImage, bits: u8) {
    let mask = !(u8::MAX.checked_shr(bits.into()).unwrap_or(0));
    image.iter_mut().for_each(|value| *value &= mask);
}

/// 255 - value, where the value is `threshold` or more.
pub(super) fn solarize(image: &mut RgbImage, threshold: f64) {
    let table: Table = array::from_fn(|value| {
        let (kept, inverted) = (value as u8, 255 - value as u8);
        if f64::from(kept) < threshold { kept } else { inverted }
    });
    image.iter_mut().for_each(|value| *value = table[usize::from(*value)]);
}

/// 255 - value.
pub(super) fn invert(image: &mut RgbImage) {
    image.iter_mut().for_each(|value| *value = 255 - *value);
}

/// (value - smallest) 255 / (largest - smallest), cut to whole numbers; a channel of one value stays.
pub(super) fn auto_contrast(image: &mut RgbImage) {
    by_channel(image, |histogram| {
        let occurs = |count: &u32| *count > 0;
        let (low, high) = (histogram.iter().position(occurs)?, histogram.iter().rposition(occurs)?);
        if high <= low {
            return None;
        }
        // In Pillow's order: in another one, some values would round to other ones.
        let scale = 255.0 / (high - low) as f64;
        let offset = -(low as f64) * scale;
        Some(array::from_fn(|value| (value as f64 * scale + offset) as u8)) // `as` ends at 0 and 255
    });
}

/// The number of values below it, in steps of a 255th of all that are not the largest. A channel of one value stays, and so
/// does one of too few pixels.
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
            value.min(255) as u8 // above only where no pixel has the value
        }))
    });
}

/// Replaces each channel's values by the table that its histogram makes, if it makes one.
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
