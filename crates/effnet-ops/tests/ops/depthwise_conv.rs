//! Depthwise convolution over kernels, strides, paddings, odd, even and thin images.

use effnet_ops::{Padding, depthwise_conv};
use proptest::prelude::*;

use crate::support::{PADDINGS, assert_holds, images, kernel, padding, tensor};
use crate::table::convolutions::Depthwise;
use crate::table::slow::Window;

fn check(dims: [usize; 4], kernel: usize, stride: usize, padding: Padding) {
    let window = Window { dims, kernel, stride, padding };
    if window.fits() {
        assert_holds(&Depthwise(window).case());
        return;
    }
    let [x, w] = [tensor(&dims, 1), tensor(&[dims[3], 1, kernel, kernel], 2)];
    let text = depthwise_conv(&x, &w, stride, padding).unwrap_err().to_string();
    assert!(text.contains("depthwise_conv") && text.contains("fits in"), "{window:?}: {text}");
}

#[test]
fn it_equals_its_reference_over_kernels_strides_and_paddings() {
    for padding in PADDINGS {
        for k in [1, 3, 5, 7] {
            for stride in [1, 2, 3] {
                for [h, w] in [[8, 8], [7, 9], [6, 5]] {
                    check([2, h, w, 5], k, stride, padding);
                }
            }
        }
    }
}

#[test]
fn it_equals_its_reference_over_thin_and_tiny_images() {
    for padding in PADDINGS {
        for [h, w] in [[1, 1], [1, 12], [12, 1], [2, 2], [2, 3], [3, 20]] {
            for (k, stride) in [(3, 1), (3, 2), (5, 1), (5, 2)] {
                check([1, h, w, 9], k, stride, padding);
            }
        }
    }
}

#[test]
fn it_equals_its_reference_over_channel_counts_around_the_vectors_lengths() {
    for c in [1, 7, 8, 15, 16, 17, 24, 31, 32, 33, 40, 64, 65, 100] {
        for (k, stride) in [(3, 1), (5, 2)] {
            check([1, 5, 7, c], k, stride, Padding::Symmetric);
        }
    }
}

#[test]
fn it_equals_its_reference_over_many_pieces() {
    check([3, 17, 19, 33], 5, 1, Padding::Same);
    check([9, 16, 16, 24], 3, 2, Padding::Same);
}

#[test]
fn a_view_with_strides_gives_what_its_copy_gives() {
    let x = tensor(&[2, 6, 8, 5], 3).permute([0, 2, 1, 3]).unwrap();
    let w = tensor(&[5, 1, 3, 3], 4);
    let of_view = depthwise_conv(&x, &w, 1, Padding::Symmetric).unwrap();
    let of_copy = depthwise_conv(&x.contiguous().unwrap(), &w, 1, Padding::Symmetric).unwrap();
    assert_eq!(crate::support::singles(&of_view), crate::support::singles(&of_copy));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn it_equals_its_reference_over_random_shapes(
        dims in images(), k in kernel(), stride in 1usize..4, padding in padding(),
    ) {
        check(dims, k, stride, padding);
    }
}
