use std::borrow::Cow;

use image_folder::{Channels, Fit, Interpolation, RgbImage, Transform};
use serde_json::Value;

use crate::util::picture;

/// Pillow's and torchvision's values, made by golden/images.py.
pub(crate) fn golden() -> Value {
    serde_json::from_str(include_str!("../golden/images.json")).unwrap()
}

pub(crate) fn unhex(text: &Value) -> Vec<u8> {
    let text = text.as_str().unwrap();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// Views whose numbers are value / 255.
pub(crate) fn plain_numbers(size: usize) -> Transform {
    Transform {
        size,
        fit: Fit::Crop,
        resized: size,
        channels: Channels::Rgb,
        mean: [0.0; 3],
        std: [1.0; 3],
        interpolation: Interpolation::Bicubic,
        flip: true,
        crop_padding: 0,
    }
}

/// torchvision's Resize and CenterCrop on Pillow images. The weights of the filters are rounded otherwise: one
/// step of 255 at most, and not often.
#[test]
fn plain_views_are_those_of_torchvision() {
    let golden = golden();
    let cases = golden["views"].as_array().unwrap();
    assert_eq!(cases.len(), 28);
    let (mut steps, mut values) = (0.0, 0.0);
    for case in cases {
        let number = |name: &str| case[name].as_u64().unwrap();
        let size = number("size") as usize;
        let interpolation = match case["interpolation"].as_str().unwrap() {
            "bilinear" => Interpolation::Bilinear,
            _ => Interpolation::Bicubic,
        };
        let image = picture(number("width") as u32, number("height") as u32);
        let resized = number("resized") as usize;
        let view = Transform { interpolation, resized, ..plain_numbers(size) }.fit(&image).into_owned();
        let expected = unhex(&case["pixels"]);
        assert_eq!(view.dimensions(), (size as u32, size as u32));
        let place = format!("{interpolation:?} {:?} to {size}", image.dimensions());
        let off: Vec<u8> =
            view.as_raw().iter().zip(&expected).map(|(ours, theirs)| ours.abs_diff(*theirs)).collect();
        assert!(off.iter().all(|off| *off <= 1), "{place}: {:?}", off.iter().max());
        steps += off.iter().map(|off| f64::from(*off)).sum::<f64>();
        values += off.len() as f64;
    }
    assert!(steps / values < 0.02, "{steps} steps of {values} values");
}

/// Pillow's `resize` and `ImageOps.pad`. The weights of the filters are rounded otherwise: one step of 255 at most.
#[test]
fn squeezed_and_padded_views_are_those_of_pillow() {
    let golden = golden();
    let cases = golden["fits"].as_array().unwrap();
    assert_eq!(cases.len(), 20);
    for case in cases {
        let number = |name: &str| case[name].as_u64().unwrap();
        let interpolation = match case["interpolation"].as_str().unwrap() {
            "bilinear" => Interpolation::Bilinear,
            _ => Interpolation::Bicubic,
        };
        let image = picture(number("width") as u32, number("height") as u32);
        for (fit, name) in [(Fit::Squeeze, "squeezed"), (Fit::Pad, "padded")] {
            let mean = [0.485, 0.456, 0.406];
            let transform = Transform { interpolation, fit, mean, ..plain_numbers(number("size") as usize) };
            let (view, expected) = (transform.fit(&image).into_owned(), unhex(&case[name]));
            let off = view.as_raw().iter().zip(&expected).map(|(ours, theirs)| ours.abs_diff(*theirs)).max();
            assert_eq!(view.as_raw().len(), expected.len());
            assert!(off.unwrap() <= 1, "{fit:?} {:?}: {off:?}", image.dimensions());
        }
    }
}

/// The crop's resized side is of no account for what shows all of the image.
#[test]
fn an_image_of_the_right_size_is_not_touched() {
    let image = picture(16, 16);
    assert!(matches!(plain_numbers(16).fit(&image), Cow::Borrowed(_)));
    for fit in [Fit::Squeeze, Fit::Pad] {
        let transform = Transform { fit, resized: 20, ..plain_numbers(16) };
        assert!(matches!(transform.fit(&image), Cow::Borrowed(_)));
    }
}

#[test]
fn an_image_whose_short_side_fits_is_cropped_without_resampling() {
    let image = picture(16, 21);
    let middle = image::imageops::crop_imm(&image, 0, 2, 16, 16).to_image();
    assert_eq!(*plain_numbers(16).fit(&image), middle);
}

/// Resized as a whole, this would be 8 x 800,000 pixels.
#[test]
fn an_image_of_extreme_shape_costs_no_more_than_its_view() {
    let image = RgbImage::from_pixel(1, 100_000, image::Rgb([9, 8, 7]));
    let view = plain_numbers(8).fit(&image).into_owned();
    assert_eq!(view, RgbImage::from_pixel(8, 8, image::Rgb([9, 8, 7])));
}

#[test]
fn numbers_are_normalised_by_channel() {
    let transform = Transform { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], ..plain_numbers(8) };
    let images = [picture(9, 5), picture(9, 5)]; // 135 values: whole blocks and a rest
    let batch = transform.normalise(&images.each_ref()).unwrap();
    assert_eq!((batch.shape, batch.pixels.len()), ([2, 5, 9, 3], 270));
    let bytes = images.iter().flat_map(|image| image.as_raw());
    for (at, (number, byte)) in batch.pixels.iter().zip(bytes).enumerate() {
        let channel = at % 3;
        let expected = (f32::from(*byte) / 255.0 - transform.mean[channel]) / transform.std[channel];
        assert!((number - expected).abs() < 1e-6, "{number} instead of {expected}");
    }
}

#[test]
fn a_batch_has_images_of_one_size_or_none() {
    let transform = plain_numbers(8);
    let message = transform.normalise(&[&picture(9, 5), &picture(5, 9)]).unwrap_err().to_string();
    assert!(message.contains("9x5") && message.contains("5x9"), "{message}");
    assert_eq!(transform.normalise(&[]).unwrap().shape, [0, 0, 0, 3]);
}

#[test]
fn settings_that_contradict_themselves_are_refused() {
    let good = plain_numbers(8);
    assert!(good.check().is_ok());
    let bad = [
        Transform { size: 0, ..good.clone() },
        Transform { size: 70_000, resized: 70_000, ..good.clone() },
        Transform { resized: 7, ..good.clone() },
        Transform { resized: 70_000, ..good.clone() },
        Transform { crop_padding: 9, ..good.clone() },
        Transform { std: [1.0, 0.0, 1.0], ..good.clone() },
        Transform { mean: [f32::NAN; 3], ..good },
    ];
    for transform in bad {
        assert!(transform.check().is_err(), "{transform:?}");
    }
}
