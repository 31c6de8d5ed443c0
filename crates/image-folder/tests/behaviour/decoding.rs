use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use image::codecs::gif::GifEncoder;
use image::{
    Delay, DynamicImage, Frame, ImageBuffer, ImageFormat, Luma, LumaA, Rgb, RgbImage, Rgba, RgbaImage,
};
use image_folder::{Cache, Error, Limits, Pixels, Sample, Views, decode, load};
use proptest::prelude::*;

use crate::fitting::{golden, plain_numbers, unhex};
use crate::util::{Tree, encoded, encoded_any, picture};

const FORMATS: [ImageFormat; 6] = [
    ImageFormat::Jpeg,
    ImageFormat::Png,
    ImageFormat::WebP,
    ImageFormat::Bmp,
    ImageFormat::Gif,
    ImageFormat::Tiff,
];

fn decoded(bytes: &[u8]) -> RgbImage {
    decode(bytes, &Limits::default()).unwrap()
}

fn refused(bytes: &[u8]) -> String {
    decode(bytes, &Limits::default()).unwrap_err().to_string()
}

#[test]
fn every_format_is_read_whatever_the_file_is_called() {
    let tree = Tree::new();
    let grey = RgbImage::from_pixel(6, 5, Rgb([128, 128, 128])); // which JPEG and GIF keep
    for format in FORMATS {
        tree.file("image.jpg", encoded(&grey, format));
        let image = load(&tree.path().join("image.jpg"), &Limits::default()).unwrap();
        assert_eq!(image, grey, "{format:?}");
    }
}

#[test]
fn lossless_formats_come_out_as_they_went_in() {
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Bmp, ImageFormat::Tiff] {
        assert_eq!(decoded(&encoded(&picture(13, 9), format)), picture(13, 9), "{format:?}");
    }
}

#[test]
fn grey_transparent_and_deep_images_become_rgb() {
    let cases: [(DynamicImage, [u8; 3]); 7] = [
        (ImageBuffer::from_pixel(2, 2, Luma([90u8])).into(), [90; 3]),
        (ImageBuffer::from_pixel(2, 2, LumaA([0u8, 255])).into(), [0; 3]),
        (ImageBuffer::from_pixel(2, 2, LumaA([0u8, 0])).into(), [255; 3]),
        (ImageBuffer::from_pixel(2, 2, Rgba([200u8, 0, 100, 51])).into(), [244, 204, 224]),
        (ImageBuffer::from_pixel(2, 2, Luma([0x8080u16])).into(), [0x80; 3]),
        (ImageBuffer::from_pixel(2, 2, Rgb([0u16, 0x1234, 0xffff])).into(), [0, 0x12, 255]),
        (ImageBuffer::from_pixel(2, 2, Rgba([0u16, 0x1234, 0xffff, 0])).into(), [255; 3]),
    ];
    for (image, expected) in cases {
        let colour = image.color();
        let image = decoded(&encoded_any(&image, ImageFormat::Png));
        assert!(image.pixels().all(|pixel| pixel.0 == expected), "{colour:?}: {:?}", image.get_pixel(0, 0));
    }
}

/// Pillow, golden/images.py. Decoders round differently, by up to 2 a channel; four-colour JPEGs are stored
/// inverted, which a reader that doesn't know gets wrong by far more.
#[test]
fn four_colour_jpegs_are_read_as_pillow_reads_them() {
    for case in golden()["four_colours"].as_array().unwrap() {
        let image = decoded(&unhex(&case["jpeg"]));
        let expected = unhex(&case["pixels"]);
        assert_eq!(image.as_raw().len(), expected.len());
        let worst = image.as_raw().iter().zip(&expected).map(|(ours, theirs)| ours.abs_diff(*theirs)).max();
        assert!(worst.unwrap() <= 4, "{}: {worst:?}", case["name"]);
    }
}

/// EXIF 2.3: orientation 6 is stored on its left side, 3 upside down.
#[test]
fn the_camera_s_orientation_is_applied() {
    let red_then_blue = RgbImage::from_fn(32, 16, |x, _| Rgb(if x < 16 { [200, 0, 0] } else { [0, 0, 200] }));
    let jpeg = encoded(&red_then_blue, ImageFormat::Jpeg);
    let turned = |orientation: u8| {
        let tiff =
            [b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0", &[orientation, 0, 0, 0, 0, 0, 0, 0][..]]
                .concat();
        let segment = [&[0xff, 0xe1, 0, 8 + tiff.len() as u8], &b"Exif\0\0"[..], &tiff].concat();
        decoded(&[&jpeg[..2], &segment, &jpeg[2..]].concat())
    };
    let is_red = |image: &RgbImage, x, y| image.get_pixel(x, y).0[0] > 128;
    assert_eq!((turned(1).dimensions(), is_red(&turned(1), 4, 8)), ((32, 16), true));
    assert_eq!((turned(3).dimensions(), is_red(&turned(3), 4, 8)), ((32, 16), false));
    assert_eq!((turned(6).dimensions(), is_red(&turned(6), 8, 4)), ((16, 32), true));
    assert_eq!((turned(8).dimensions(), is_red(&turned(8), 8, 4)), ((16, 32), false));
}

#[test]
fn the_first_frame_stands_for_an_animation() {
    let mut bytes = Vec::new();
    let frame = |colour| {
        let image = RgbaImage::from_pixel(4, 4, Rgba(colour));
        Frame::from_parts(image, 0, 0, Delay::from_saturating_duration(Duration::from_millis(100)))
    };
    GifEncoder::new(&mut bytes).encode_frames([frame([255, 0, 0, 255]), frame([0, 0, 255, 255])]).unwrap();
    assert!(decoded(&bytes).pixels().all(|pixel| pixel.0 == [255, 0, 0]));
}

#[test]
fn what_is_no_image_is_refused_in_words() {
    assert!(refused(b"").contains("the file is empty"));
    let text = refused(b"a text file named .jpg");
    assert!(text.contains("neither JPEG, PNG, WebP, BMP, GIF nor TIFF"), "{text}");
    assert!(refused(b"II*\0 a TIFF file").contains("broken Tiff"), "{}", refused(b"II*\0 a TIFF file"));
    let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic";
    assert!(refused(heic).contains("it is HEIC (HEIF), which is not read: convert it"), "{}", refused(heic));
}

/// A picture that doesn't compress, so that a cut takes pixels away.
fn noise() -> RgbImage {
    let mut state = 1u32;
    RgbImage::from_fn(40, 40, |_, _| {
        Rgb([(); 3].map(|()| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        }))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn an_image_that_is_cut_off_is_refused(part in 0.0..0.95f64) {
        for format in FORMATS {
            let bytes = encoded(&noise(), format);
            let cut = (part * bytes.len() as f64) as usize;
            prop_assert!(decode(&bytes[..cut], &Limits::default()).is_err(), "{format:?} cut to {cut}");
        }
    }
}

#[test]
fn a_jpeg_without_its_last_byte_is_refused() {
    let bytes = encoded(&noise(), ImageFormat::Jpeg);
    assert!(refused(&bytes[..bytes.len() - 1]).contains("cut off"));
}

/// Small files whose headers ask for 65,000 x 65,000 pixels: the refusal names the limit, so it came before
/// the pixels, which are not there.
#[test]
fn a_decompression_bomb_is_refused_by_its_header() {
    let side = 65_000u16;
    let image = picture(8, 8);
    let mut gif = encoded(&image, ImageFormat::Gif);
    gif[6..10].copy_from_slice(&[side.to_le_bytes(), side.to_le_bytes()].concat());
    let mut bmp = encoded(&image, ImageFormat::Bmp);
    bmp[18..26].copy_from_slice(&[u32::from(side).to_le_bytes(), u32::from(side).to_le_bytes()].concat());
    let mut jpeg = encoded(&image, ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|two| two == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[side.to_be_bytes(), side.to_be_bytes()].concat());
    for bytes in [gif, bmp, jpeg] {
        assert!(
            refused(&bytes)
                .contains("65000 x 65000 pixels are more than the 100000000 that max-pixels allows")
        );
    }
}

#[test]
fn limits_hold_for_every_format() {
    for format in FORMATS {
        let bytes = encoded(&picture(5, 4), format);
        let limits = Limits { max_pixels: 20, max_bytes: bytes.len() as u64 };
        assert!(decode(&bytes, &limits).is_ok(), "{format:?}");
        assert!(decode(&bytes, &Limits { max_pixels: 19, ..limits }).is_err(), "{format:?}");
        assert!(decode(&bytes, &Limits { max_bytes: limits.max_bytes - 1, ..limits }).is_err(), "{format:?}");
    }
}

#[test]
fn a_missing_file_is_an_error_with_its_path() {
    let error = load("no/such.png".as_ref(), &Limits::default()).unwrap_err();
    assert!(matches!(error, Error::Image { .. }));
    assert!(error.to_string().starts_with("no/such.png: can't be read"), "{error}");
}

/// Whatever drops out, each remaining image keeps its own path, label and pixels.
#[test]
fn unreadable_images_drop_out_and_the_others_stay_who_they_are() {
    let tree = Tree::new();
    let grey = |value| RgbImage::from_pixel(4, 4, Rgb([value; 3]));
    let png = |value| encoded(&grey(value), ImageFormat::Png);
    tree.file("0.png", png(0));
    tree.file("1.jpg", "a text file");
    tree.file("2.png", "");
    tree.file("3.png", png(3));
    tree.file("4.png", &encoded(&noise(), ImageFormat::Png)[..500]);
    tree.file("5.jpg", encoded(&grey(128), ImageFormat::Jpeg));
    let files = ["0.png", "1.jpg", "2.png", "3.png", "4.png", "5.jpg", "6.png"];
    let mut samples: Vec<Sample> = files
        .iter()
        .enumerate()
        .map(|(label, path)| Sample {
            path: (*path).to_owned(),
            source: Pixels::file(tree.path().join(path)),
            label,
            truth: None,
        })
        .collect();
    samples.push(Sample {
        path: "7".to_owned(),
        source: Pixels::Memory(Arc::new(grey(7))),
        label: 7,
        truth: Some(0),
    });
    for cache in [Cache::Ram, Cache::Disk(tree.path().join("cache")), Cache::None] {
        let (views, skipped) =
            Views::build(samples.clone(), plain_numbers(4), cache, &|_, _| (), &AtomicBool::new(false))
                .unwrap();
        let kept: Vec<_> =
            views.samples().iter().map(|sample| (sample.path.as_str(), sample.label)).collect();
        assert_eq!(kept, [("0.png", 0), ("3.png", 3), ("5.jpg", 5), ("7", 7)]);
        let values: Vec<f32> = (0..4).map(|index| views.plain(&[index]).unwrap().pixels[0] * 255.0).collect();
        assert_eq!(values.iter().map(|value| value.round()).collect::<Vec<_>>(), [0.0, 3.0, 128.0, 7.0]);
        let reasons: Vec<_> = skipped.iter().map(|skipped| skipped.path.as_str()).collect();
        assert_eq!(reasons, ["1.jpg", "2.png", "4.png", "6.png"]);
    }
}
