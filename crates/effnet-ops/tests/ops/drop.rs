//! Dropout and drop path.

use candle_core::{DType, Device, Tensor};
use effnet_ops::{drop_path, dropout};
use proptest::prelude::*;

use crate::support::{assert_holds, images, singles, tensor};
use crate::table::elementwise::masks;

fn ones(dims: &[usize]) -> Tensor {
    Tensor::ones(dims, DType::F32, &Device::Cpu).unwrap()
}

fn check_masks(dims: &[usize], rate: f64, seed: u64) {
    masks(dims, rate, seed).iter().for_each(assert_holds);
}

#[test]
fn they_are_products_with_their_own_mask() {
    for dims in [&[5, 7][..], &[6, 3, 2, 9]] {
        check_masks(dims, 0.4, 11);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn they_are_products_with_their_own_mask_over_random_shapes(
        dims in images(), rate in 0.01..0.9, seed: u64,
    ) {
        check_masks(&dims, rate, seed);
    }

    #[test]
    fn masks_hold_two_values_and_drop_path_one_an_image(
        [n, h, w, c] in images(), rate in 0.01..0.9, seed: u64,
    ) {
        let kept = (1.0 / (1.0 - rate)) as f32;
        let ones = ones(&[n, h, w, c]);
        let values = singles(&dropout(&ones, rate, seed).unwrap());
        prop_assert!(values.iter().all(|m| *m == 0.0 || *m == kept));
        let images = singles(&drop_path(&ones, rate, seed).unwrap());
        for image in images.chunks_exact(h * w * c) {
            prop_assert!(image.iter().all(|m| *m == image[0]) && (image[0] == 0.0 || image[0] == kept));
        }
    }
}

#[test]
fn dropout_drops_its_share_and_scales_the_rest() {
    let mask = singles(&dropout(&ones(&[100_000]), 0.2, 1).unwrap());
    assert!(mask.iter().all(|m| *m == 0.0 || *m == 1.25));
    let dropped = mask.iter().filter(|m| **m == 0.0).count() as f64 / 1e5;
    // Five standard deviations of a share of 0.2 in 100,000 draws.
    assert!((dropped - 0.2).abs() < 5.0 * (0.2f64 * 0.8 / 1e5).sqrt(), "{dropped}");
}

#[test]
fn drop_path_drops_whole_images() {
    let y = singles(&drop_path(&ones(&[4000, 2, 3]), 0.3, 2).unwrap());
    let kept = (1.0f64 / 0.7) as f32;
    let mut dropped = 0;
    for image in y.chunks_exact(6) {
        assert!(image == [0.0; 6] || image == [kept; 6], "{image:?}");
        dropped += usize::from(image[0] == 0.0);
    }
    let share = dropped as f64 / 4000.0;
    assert!((share - 0.3).abs() < 5.0 * (0.3f64 * 0.7 / 4000.0).sqrt(), "{share}");
}

#[test]
fn the_seed_alone_decides() {
    for op in [dropout, drop_path] {
        let of_seed = |seed| singles(&op(&ones(&[64, 8]), 0.5, seed).unwrap());
        assert_eq!(of_seed(3), of_seed(3));
        assert_ne!(of_seed(3), of_seed(4));
    }
}

#[test]
fn a_rate_of_zero_changes_nothing() {
    let x = tensor(&[3, 5], 1);
    for op in [dropout, drop_path] {
        assert_eq!(singles(&op(&x, 0.0, 1).unwrap()), singles(&x));
    }
}
