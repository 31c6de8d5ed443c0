use image::ImageFormat;
use image_folder::{Interpolation, Limits, RgbImage, Transform, decode};

use crate::fitting::plain_numbers;
use crate::util::{encoded, picture};

const FORMATS: [ImageFormat; 5] =
    [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Bmp, ImageFormat::Gif];

/// Sides of views.
const SIZES: [usize; 8] = [1, 2, 8, 17, 31, 33, 64, 65];

/// Width and height: a pixel, a row or column of them, and sizes that no stride divides.
const SHAPES: [(u32, u32); 14] = [
    (1, 1),
    (1, 2),
    (2, 1),
    (1, 3),
    (1, 300),
    (300, 1),
    (2, 301),
    (301, 2),
    (3, 17),
    (17, 3),
    (31, 33),
    (65, 17),
    (1, 12_345),
    (12_345, 1),
];

fn fit(image: &RgbImage, size: usize, interpolation: Interpolation) -> RgbImage {
    Transform { interpolation, ..plain_numbers(size) }.fit(image).into_owned()
}

#[test]
fn every_format_has_images_of_a_pixel_or_a_row() {
    for (width, height) in SHAPES {
        for format in FORMATS {
            let image = decode(&encoded(&picture(width, height), format), &Limits::default()).unwrap();
            assert_eq!(image.dimensions(), (width, height), "{format:?}");
            if !matches!(format, ImageFormat::Jpeg | ImageFormat::Gif) {
                assert_eq!(image, picture(width, height), "{format:?}");
            }
        }
    }
}

/// A view of one colour is of that colour, wherever its pixels come from.
#[test]
fn a_plain_image_of_any_shape_stays_plain_at_any_size() {
    for (width, height) in SHAPES {
        let image = RgbImage::from_pixel(width, height, image::Rgb([200, 3, 77]));
        for size in SIZES {
            for interpolation in [Interpolation::Bilinear, Interpolation::Bicubic] {
                let view = fit(&image, size, interpolation);
                assert_eq!(view.dimensions(), (size as u32, size as u32));
                let is_plain = view.pixels().all(|pixel| pixel.0 == [200, 3, 77]);
                assert!(is_plain, "{width} x {height} to {size}, {interpolation:?}");
            }
        }
    }
}

/// The middle of a long image is kept: of a column whose middle alone is red, a red view.
#[test]
fn of_a_row_or_column_the_middle_is_kept() {
    for size in SIZES {
        for length in [2u32, 3, 301, 12_345] {
            let middle = |at: u32| at.abs_diff(length / 2) <= 4;
            let colour = |at: u32| image::Rgb(if middle(at) { [255, 0, 0] } else { [0, 0, 255] });
            let column = RgbImage::from_fn(1, length, |_, y| colour(y));
            let row = RgbImage::from_fn(length, 1, |x, _| colour(x));
            for image in [column, row] {
                let view = fit(&image, size, Interpolation::Bicubic);
                assert!(view.pixels().all(|pixel| pixel.0 == [255, 0, 0]), "{length} to {size}");
            }
        }
    }
}

/// Where parts of pixels are cut, rounding must not lead out of the image.
#[test]
fn no_shape_and_size_lead_out_of_the_image() {
    for width in 1..=40 {
        for height in (1..=40).chain([97, 211]) {
            let image = RgbImage::new(width, height);
            for size in [1, 2, 3, 7, 32, 33] {
                assert_eq!(fit(&image, size, Interpolation::Bicubic).width(), size as u32);
            }
        }
    }
    for length in [997, 65_521, 99_991] {
        for size in [1, 13, 224, 1023] {
            assert_eq!(fit(&RgbImage::new(1, length), size, Interpolation::Bilinear).width(), size as u32);
            assert_eq!(fit(&RgbImage::new(length, 3), size, Interpolation::Bicubic).width(), size as u32);
        }
    }
}
