//! Strong views: the operations against Pillow's, and what holds of any of them.

use std::collections::HashSet;

use image_folder::{Cache, Operation, Policy, RgbImage, Transform, Views};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde_json::Value;

use crate::fitting::{plain_numbers, unhex};
use crate::util::picture;
use crate::views::{augmenting, build, in_memory};

const POLICIES: [Policy; 2] = [Policy::AutoAugment, Policy::RandAugment];

/// torchvision's and Pillow's values, made by xtask/golden/augment.py.
fn golden() -> Value {
    serde_json::from_str(include_str!("../golden/augment.json")).unwrap()
}

/// The picture that augment.py makes too.
fn photo(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        image::Rgb([0, 1, 2].map(|c| {
            let gradients = (5 + c) * x + (7 - 2 * c) * y + x * y / (4 + c);
            (20 + 15 * c + (gradients + if x > y { 60 } else { 0 }) % (150 + 20 * c)) as u8
        }))
    })
}

/// As torchvision's `_apply_op` takes it.
fn operation(name: &str, magnitude: f64) -> Operation {
    let factor = (1.0 + magnitude) as f32;
    match name {
        "ShearX" => Operation::ShearX(magnitude),
        "ShearY" => Operation::ShearY(magnitude),
        "TranslateX" => Operation::TranslateX(magnitude as i32),
        "TranslateY" => Operation::TranslateY(magnitude as i32),
        "Rotate" => Operation::Rotate(magnitude),
        "Brightness" => Operation::Brightness(factor),
        "Color" => Operation::Color(factor),
        "Contrast" => Operation::Contrast(factor),
        "Sharpness" => Operation::Sharpness(factor),
        "Posterize" => Operation::Posterize(magnitude as u8),
        "Solarize" => Operation::Solarize(magnitude),
        "AutoContrast" => Operation::AutoContrast,
        "Equalize" => Operation::Equalize,
        "Invert" => Operation::Invert,
        other => panic!("{other}"),
    }
}

#[test]
fn operations_are_pillow_s_to_the_bit() {
    let golden = golden();
    let mut names = HashSet::new();
    for case in golden["operations"].as_array().unwrap() {
        let (name, magnitude) = (case["operation"].as_str().unwrap(), case["magnitude"].as_f64().unwrap());
        let side = |name: &str| case[name].as_u64().unwrap() as u32;
        let mut image = photo(side("width"), side("height"));
        operation(name, magnitude).apply(&mut image);
        let expected = unhex(&case["pixels"]);
        let off = image.iter().zip(&expected).filter(|(ours, theirs)| ours != theirs).count();
        assert!(image.len() == expected.len() && off == 0, "{name} {magnitude}: {off} values differ");
        names.insert(name);
    }
    assert_eq!(names.len(), 14, "all but the identity");
}

/// A channel of one value has nothing to spread, and an image of few pixels nothing to equalise.
#[test]
fn channels_without_contrast_stay() {
    for flat in [RgbImage::from_pixel(40, 30, image::Rgb([7, 0, 255])), photo(9, 8)] {
        let mut image = flat.clone();
        Operation::Equalize.apply(&mut image);
        assert_eq!(image, flat);
    }
    let flat = RgbImage::from_pixel(40, 30, image::Rgb([7, 0, 255]));
    let mut image = flat.clone();
    Operation::AutoContrast.apply(&mut image);
    assert_eq!(image, flat);
}

fn any_operation() -> impl Strategy<Value = Operation> {
    let (factor, share) = (0.0..2.0_f32, -1.0..1.0_f64);
    prop_oneof![
        share.clone().prop_map(Operation::ShearX),
        share.prop_map(Operation::ShearY),
        (-90..90).prop_map(Operation::TranslateX),
        (-90..90).prop_map(Operation::TranslateY),
        (-360.0..360.0).prop_map(Operation::Rotate),
        factor.clone().prop_map(Operation::Brightness),
        factor.clone().prop_map(Operation::Color),
        factor.clone().prop_map(Operation::Contrast),
        factor.prop_map(Operation::Sharpness),
        (0..=8_u8).prop_map(Operation::Posterize),
        (0.0..256.0).prop_map(Operation::Solarize),
        Just(Operation::AutoContrast),
        Just(Operation::Equalize),
        Just(Operation::Invert),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn an_operation_keeps_the_size_and_has_no_chance(any in any_operation(), width in 0..40_u32, height in 0..40_u32) {
        let (mut one, mut other) = (picture(width, height), picture(width, height));
        any.apply(&mut one);
        any.apply(&mut other);
        prop_assert_eq!(one.dimensions(), (width, height));
        prop_assert_eq!(one, other);
    }

    #[test]
    fn without_magnitude_nothing_changes(width in 0..40_u32, height in 0..40_u32) {
        let none = [
            Operation::Identity,
            Operation::ShearX(0.0),
            Operation::ShearY(0.0),
            Operation::TranslateX(0),
            Operation::TranslateY(0),
            Operation::Rotate(0.0),
            Operation::Brightness(1.0),
            Operation::Color(1.0),
            Operation::Contrast(1.0),
            Operation::Sharpness(1.0),
            Operation::Posterize(8),
            Operation::Solarize(256.0),
        ];
        for operation in none {
            let mut image = picture(width, height);
            operation.apply(&mut image);
            prop_assert_eq!(image, picture(width, height), "{:?}", operation);
        }
    }

    #[test]
    fn twice_inverted_is_as_it_was(width in 1..40_u32, height in 1..40_u32) {
        let mut image = picture(width, height);
        Operation::Invert.apply(&mut image);
        prop_assert!(image != picture(width, height));
        Operation::Solarize(0.0).apply(&mut image);
        prop_assert_eq!(image, picture(width, height));
    }

    #[test]
    fn same_seed_same_operations(seed: u64, side in 1..600_usize) {
        for policy in POLICIES {
            let draw = || policy.draw(side, &mut Xoshiro256PlusPlus::seed_from_u64(seed));
            prop_assert_eq!(draw(), draw());
        }
    }
}

#[test]
fn a_strong_view_is_the_augmented_one_changed_by_the_policy() {
    // Nothing is shifted: what is left of the seed is the policy's.
    let transform = Transform { flip: false, crop_padding: 0, ..plain_numbers(32) };
    let (views, _) = build(vec![in_memory(photo(32, 32))], transform.clone(), Cache::Ram).unwrap();
    for policy in POLICIES {
        let mut seen = HashSet::new();
        for seed in 0..300 {
            let view = views.strong(policy, &[(0, seed)]).unwrap();
            assert_eq!(view, views.strong(policy, &[(0, seed)]).unwrap(), "same seed, same view");
            seen.insert(view.pixels.iter().map(|value| value.to_bits()).collect::<Vec<_>>());
        }
        assert!(seen.len() > 50, "{policy:?}: {} views", seen.len());
        // Of all pairs of operations that are drawn, this is one.
        let mut operations = HashSet::new();
        let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
        for _ in 0..3000 {
            let mut image = photo(32, 32);
            policy.draw(32, &mut random).iter().for_each(|operation| operation.apply(&mut image));
            let numbers = transform.normalise(&[&image]).unwrap().pixels;
            operations.insert(numbers.into_iter().map(f32::to_bits).collect::<Vec<_>>());
        }
        let missing = seen.difference(&operations).count();
        assert!(missing < seen.len() / 20, "{policy:?}: {missing} of {} views are no policy's", seen.len());
    }
}

#[test]
fn strong_views_do_not_depend_on_cache_and_threads() {
    let asked: Vec<(usize, u64)> = (0..40).map(|index| (index % 3, index as u64 / 3)).collect();
    let samples = [9, 8, 13].map(|width| in_memory(picture(width, 12))).to_vec();
    let mut batches = Vec::new();
    for (cache, threads) in [(Cache::Ram, 1), (Cache::None, 3)] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        batches.push(pool.install(|| {
            let (views, _): (Views, _) = build(samples.clone(), augmenting(), cache).unwrap();
            POLICIES.map(|policy| views.strong(policy, &asked).unwrap())
        }));
    }
    assert_eq!(batches[0], batches[1]);
    assert_eq!(batches[0][0].shape, [40, 8, 8, 3]);
}
