//! Images made small enough to be part of a page.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use std::borrow::Cow;

/// Longer side of a thumbnail, in pixels.
const LONG_SIDE: u32 = 128;

/// Quality of its JPEG, of 100.
const JPEG_QUALITY: u8 = 80;

/// The image as a JPEG within an address, `data:image/jpeg;base64,...`. Its longer side is at most [`LONG_SIDE`]; an image that is
/// smaller keeps its size.
///
/// # Errors
/// Words where there is nothing to show, or the JPEG can't be made.
pub(crate) fn data_uri(image: &RgbImage) -> Result<String, String> {
    if image.width() == 0 || image.height() == 0 {
        return Err("the image has no pixels".to_owned());
    }
    let mut jpeg = Vec::new();
    scaled_down(image)
        .write_with_encoder(JpegEncoder::new_with_quality(&mut jpeg, JPEG_QUALITY))
        .map_err(|error| error.to_string())?;
    Ok(format!("data:image/jpeg;base64,{}", STANDARD.encode(jpeg)))
}

fn scaled_down(image: &RgbImage) -> Cow<'_, RgbImage> {
    let longer = image.width().max(image.height());
    if longer <= LONG_SIDE {
        return Cow::Borrowed(image);
    }
    let side = |length: u32| {
        let small = (f64::from(length) * f64::from(LONG_SIDE) / f64::from(longer)).round() as u32;
        small.max(1)
    };
    let (width, height) = (side(image.width()), side(image.height()));
    // Means of pixels first: they cost the same for each pixel, while the better filter costs the more the more it shrinks.
    let twice = (2 * width, 2 * height);
    let image = if longer > 4 * LONG_SIDE {
        Cow::Owned(imageops::thumbnail(image, twice.0, twice.1))
    } else {
        Cow::Borrowed(image)
    };
    Cow::Owned(imageops::resize(image.as_ref(), width, height, FilterType::CatmullRom))
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    /// What a browser would show.
    fn shown(image: &RgbImage) -> RgbImage {
        let uri = data_uri(image).unwrap();
        let jpeg = STANDARD.decode(uri.strip_prefix("data:image/jpeg;base64,").unwrap()).unwrap();
        image::load_from_memory_with_format(&jpeg, image::ImageFormat::Jpeg).unwrap().to_rgb8()
    }

    /// Red on the left, blue on the right.
    fn two_halves(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(
            width,
            height,
            |x, _| if 2 * x < width { Rgb([220, 30, 30]) } else { Rgb([30, 30, 220]) },
        )
    }

    #[test]
    fn the_longer_side_is_128_and_the_shape_stays() {
        for ((width, height), expected) in [
            ((256, 192), (128, 96)),
            ((300, 600), (64, 128)),
            ((4000, 3000), (128, 96)),
            ((129, 129), (128, 128)),
            ((3000, 2), (128, 1)),
        ] {
            assert_eq!(shown(&two_halves(width, height)).dimensions(), expected);
        }
    }

    #[test]
    fn an_image_that_is_small_already_keeps_its_size() {
        for side in [1, 32, 100, 128] {
            assert_eq!(shown(&two_halves(side, side)).dimensions(), (side, side));
        }
    }

    #[test]
    fn the_picture_is_still_the_image() {
        for width in [32, 200, 2000] {
            let small = shown(&two_halves(width, width));
            let (left, right) = (small.get_pixel(3, 9), small.get_pixel(small.width() - 4, 9));
            assert!(left[0] > 180 && left[2] < 80, "{width}: {left:?}");
            assert!(right[2] > 180 && right[0] < 80, "{width}: {right:?}");
        }
    }

    #[test]
    fn an_image_of_nothing_is_refused_in_words() {
        assert_eq!(data_uri(&RgbImage::new(0, 5)).unwrap_err(), "the image has no pixels");
    }
}
