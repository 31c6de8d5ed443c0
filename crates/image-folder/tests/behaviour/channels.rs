use std::sync::atomic::AtomicBool;

use image::{ImageFormat, RgbImage, Rgba, RgbaImage};
use image_folder::{Cache, Channels, Pixels, Policy, Sample, Transform, ViewOf, Views};

use crate::fitting::plain_numbers;
use crate::util::Tree;
use crate::views::in_memory;

const RGBA: Channels = Channels::Rgba { mean: 0.0, std: 1.0 };

/// The image that Pillow was given for the values below.
fn with_opacity() -> RgbaImage {
    RgbaImage::from_fn(10, 7, |x, y| {
        let value = |of_x, of_y, more| ((x * of_x + y * of_y + more) % 256) as u8;
        Rgba([value(37, 11, 0), value(91, 53, 7), value(17, 201, 99), value(29, 83, 50)])
    })
}

fn in_file(tree: &Tree, image: &RgbaImage) -> Sample {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png).unwrap();
    tree.file("x.png", bytes.into_inner());
    let source = Pixels::file(tree.path().join("x.png"));
    Sample { path: "x.png".to_owned(), source, label: 0, truth: None }
}

fn opaque(image: &RgbaImage) -> RgbImage {
    RgbImage::from_fn(image.width(), image.height(), |x, y| {
        let [red, green, blue, _] = image.get_pixel(x, y).0;
        image::Rgb([red, green, blue])
    })
}

fn views(sample: Sample, transform: Transform) -> Views {
    Views::build(vec![sample], transform, Cache::Ram, &|_, _| (), &AtomicBool::new(false)).unwrap().0
}

/// The bytes of the plain view, after its numbers were found to be the same.
fn plain(sample: Sample, transform: Transform) -> Vec<u8> {
    let views = views(sample, transform.clone());
    let (numbers, bytes) = (views.plain(&[0]).unwrap(), views.bytes(&[(0, ViewOf::Plain)]).unwrap());
    assert_eq!(bytes.shape, [1, transform.size, transform.size, transform.channels.count()]);
    assert_eq!(numbers.shape, bytes.shape);
    for (number, byte) in numbers.pixels.iter().zip(&bytes.pixels) {
        assert!((number * 255.0 - f32::from(*byte)).abs() < 1e-3);
    }
    bytes.pixels
}

/// At most a step of 255, and not often, as for three channels.
fn close(found: &[u8], pillow: &[u8]) {
    assert_eq!(found.len(), pillow.len());
    let steps: Vec<u8> = found.iter().zip(pillow).map(|(a, b)| a.abs_diff(*b)).collect();
    let several = steps.iter().filter(|step| **step > 0).count();
    assert!(steps.iter().all(|step| *step <= 1) && several * 10 <= steps.len(), "{steps:?}");
}

#[test]
fn a_grey_view_is_pillows_luma_resized() {
    // torchvision's Resize(4, BICUBIC) and CenterCrop(4) of image.convert("L").
    let pillow = [72, 121, 135, 124, 101, 115, 133, 134, 100, 141, 155, 131, 95, 146, 143, 110];
    let transform = Transform { channels: Channels::Grey, ..plain_numbers(4) };
    close(&plain(in_memory(opaque(&with_opacity())), transform), &pillow);
}

#[test]
fn a_view_with_opacity_is_resized_as_by_pillow() {
    // The same of image.convert("RGBA").
    let pillow = [
        28, 120, 73, 108, 101, 134, 106, 163, 173, 137, 154, 160, 105, 106, 206, 143, 40, 145, 115, 159, 112,
        150, 102, 100, 206, 110, 48, 122, 130, 144, 69, 150, 68, 95, 140, 131, 138, 150, 190, 151, 201, 109,
        132, 133, 95, 129, 113, 112, 77, 87, 77, 125, 160, 154, 81, 81, 209, 101, 125, 128, 57, 136, 161,
        172,
    ];
    let tree = Tree::new();
    let transform = Transform { channels: RGBA, ..plain_numbers(4) };
    let found = plain(in_file(&tree, &with_opacity()), transform.clone());
    // A step of a premultiplied colour becomes as many as opacity is small.
    for (found, pillow) in found.as_chunks::<4>().0.iter().zip(pillow.as_chunks::<4>().0) {
        let allowed = 255u32.div_ceil(u32::from(pillow[3])) as u8;
        assert!(found.iter().zip(pillow).all(|(a, b)| a.abs_diff(*b) <= allowed), "{found:?} {pillow:?}");
    }
    // Without opacity the colours are those of an RGB view, and opacity is whole.
    let rgb = plain(in_memory(opaque(&with_opacity())), plain_numbers(4));
    let rgba = plain(in_memory(opaque(&with_opacity())), transform);
    let expected: Vec<u8> = rgb.as_chunks::<3>().0.iter().flat_map(|[r, g, b]| [*r, *g, *b, 255]).collect();
    assert_eq!(rgba, expected);
}

#[test]
fn an_image_that_is_only_cropped_keeps_its_colours_under_any_opacity() {
    // CenterCrop(7) of the image, whose first pixels are these.
    let pillow = [74, 189, 133, 108, 111, 24, 150, 137, 148, 115, 167, 166, 185, 206, 184, 195];
    let tree = Tree::new();
    let transform = Transform { channels: RGBA, ..plain_numbers(7) };
    assert_eq!(plain(in_file(&tree, &with_opacity()), transform)[..16], pillow);
}

#[test]
fn grey_views_are_augmented_as_grey_images_of_three_channels_are() {
    let image = opaque(&with_opacity());
    let grey = Transform {
        channels: Channels::Grey,
        mean: [0.4; 3],
        std: [0.2; 3],
        crop_padding: 2,
        ..plain_numbers(6)
    };
    let luma = grey.image_of(&in_memory(image.clone())).unwrap().into_owned();
    let (one, three) = (
        views(in_memory(image), grey.clone()),
        views(in_memory(luma), Transform { channels: Channels::Rgb, ..grey }),
    );
    for seed in 0..40 {
        for policy in [None, Some(Policy::AutoAugment), Some(Policy::RandAugment)] {
            let of = |views: &Views| match policy {
                None => views.augmented(&[(0, seed)]).unwrap().pixels,
                Some(policy) => views.strong(policy, &[(0, seed)]).unwrap().pixels,
            };
            let first: Vec<f32> = of(&three).as_chunks::<3>().0.iter().map(|pixel| pixel[0]).collect();
            assert_eq!(of(&one), first, "{seed} {policy:?}");
        }
    }
}

#[test]
fn opacity_moves_with_the_colours_and_does_not_change_otherwise() {
    // Opacity is as red is.
    let image = RgbaImage::from_fn(6, 6, |x, y| {
        let red = (40 * x + 3 * y) as u8;
        Rgba([red, 200, 10, red])
    });
    let tree = Tree::new();
    let transform = Transform { channels: RGBA, crop_padding: 2, ..plain_numbers(6) };
    let views = views(in_file(&tree, &image), transform);
    let mut plain = false;
    for seed in 0..40 {
        let view = views.augmented(&[(0, seed)]).unwrap().pixels;
        assert!(view.as_chunks::<4>().0.iter().all(|[red, _, _, alpha]| red == alpha), "{seed}");
        let view = views.strong(Policy::AutoAugment, &[(0, seed)]).unwrap().pixels;
        let own: Vec<f32> = image.pixels().map(|pixel| f32::from(pixel.0[3]) / 255.0).collect();
        // An opacity of the image, or the border's.
        let known = |alpha: f32| alpha == 0.0 || own.iter().any(|own| (own - alpha).abs() < 1e-6);
        assert!(view.as_chunks::<4>().0.iter().all(|pixel| known(pixel[3])), "{seed}");
        plain |= view.as_chunks::<4>().0.iter().any(|[red, _, _, alpha]| red != alpha);
    }
    assert!(plain, "a policy changes colours");
}

#[test]
fn caches_on_disk_hold_the_images_of_their_channels() {
    let tree = Tree::new();
    let sample = in_file(&tree, &with_opacity());
    let cache = || Cache::Disk(tree.path().join("cache"));
    for channels in [Channels::Rgb, Channels::Grey, RGBA] {
        let transform = Transform { channels, ..plain_numbers(4) };
        let of = |cache| {
            let built = Views::build(
                vec![sample.clone()],
                transform.clone(),
                cache,
                &|_, _| (),
                &AtomicBool::new(false),
            );
            built.unwrap().0.plain(&[0]).unwrap()
        };
        assert!(!cache().holds(std::slice::from_ref(&sample), &transform), "{channels:?}");
        let expected = of(Cache::None);
        assert_eq!(
            [of(cache()), of(cache()), of(Cache::Ram)],
            [expected.clone(), expected.clone(), expected]
        );
    }
}
