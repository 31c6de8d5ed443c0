//! A map of numbers laid over a picture, as a class activation map is looked at.

use image::imageops::{FilterType, resize};
use image::{ImageBuffer, Luma, Rgb, RgbImage};

/// What the largest number looks like, and how much of it lies on the picture there.
const HOT: [f32; 3] = [255.0, 40.0, 0.0];
const OPACITY: f32 = 0.65;

/// The picture with `map` over it, enlarged to its size: the redder, the larger. Numbers below zero leave the picture as it is,
/// and so does a map without any above it.
///
/// `map` has `width` numbers a row; `None` where they make no rows.
pub fn overlay_heatmap(picture: &RgbImage, map: &[f32], width: usize) -> Option<RgbImage> {
    let largest = map.iter().copied().filter(|value| value.is_finite()).fold(0.0, f32::max);
    let share = |value: &f32| if largest > 0.0 { (value / largest).clamp(0.0, 1.0) } else { 0.0 };
    let (rows, side) = (map.len().checked_div(width)?, u32::try_from(width).ok()?);
    if rows * width != map.len() || rows == 0 {
        return None;
    }
    let shares: Vec<f32> = map.iter().map(share).collect();
    let map = ImageBuffer::<Luma<f32>, _>::from_raw(side, u32::try_from(rows).ok()?, shares)?;
    let heat = resize(&map, picture.width(), picture.height(), FilterType::Triangle);
    let mut hot = picture.clone();
    for (pixel, Luma([share])) in hot.pixels_mut().zip(heat.pixels()) {
        let opacity = OPACITY * share;
        let Rgb(values) = pixel;
        for (value, hot) in values.iter_mut().zip(HOT) {
            *value = (f32::from(*value) * (1.0 - opacity) + hot * opacity).round() as u8;
        }
    }
    Some(hot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_hottest_where_the_map_is_largest_and_the_rest_stays() {
        let picture = RgbImage::from_pixel(40, 20, Rgb([10, 200, 90]));
        let hot = overlay_heatmap(&picture, &[8.0, -1.0, 0.0, 0.0], 2).unwrap();
        assert_eq!(hot.dimensions(), (40, 20));
        let Rgb([red, green, _]) = *hot.get_pixel(0, 0);
        assert!(red > 150 && green < 110, "{red} {green}");
        assert_eq!(hot.get_pixel(39, 19), picture.get_pixel(39, 19));
        let reds: Vec<u8> = (0..40).map(|x| hot.get_pixel(x, 0).0[0]).collect();
        assert!(reds.is_sorted_by(|a, b| a >= b), "{reds:?}");
    }

    #[test]
    fn a_map_of_nothing_leaves_the_picture_and_broken_rows_are_none() {
        let picture = RgbImage::from_pixel(3, 3, Rgb([1, 2, 3]));
        assert_eq!(overlay_heatmap(&picture, &[-1.0, f32::NAN, 0.0], 3).unwrap(), picture);
        for (map, width) in [(&[1.0f32, 2.0, 3.0][..], 2), (&[], 1), (&[1.0], 0)] {
            assert!(overlay_heatmap(&picture, map, width).is_none());
        }
    }
}
