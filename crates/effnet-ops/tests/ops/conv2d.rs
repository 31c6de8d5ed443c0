//! The stem's convolution.

use candle_core::Tensor;
use effnet_ops::{Padding, conv2d};
use proptest::prelude::*;

use crate::support::{PADDINGS, assert_holds, images, kernel, padding, tensor};
use crate::table::convolutions::Conv2d;
use crate::table::slow::Window;

fn check(dims: [usize; 4], output: usize, kernel: usize, stride: usize, padding: Padding) {
    let window = Window { dims, kernel, stride, padding };
    if window.fits() {
        assert_holds(&Conv2d { window, output }.case());
        return;
    }
    let [x, w]: [Tensor; 2] = [tensor(&dims, 1), tensor(&[output, dims[3], kernel, kernel], 2)];
    let text = conv2d(&x, &w, stride, padding).unwrap_err().to_string();
    assert!(text.contains("conv2d") && text.contains("fits in"), "{window:?}: {text}");
}

#[test]
fn it_equals_its_reference() {
    for padding in PADDINGS {
        for (k, stride) in [(1, 1), (3, 1), (3, 2), (5, 2), (7, 3)] {
            for [h, w] in [[8, 8], [9, 7], [1, 6], [5, 1], [1, 1]] {
                check([2, h, w, 3], 10, k, stride, padding);
            }
        }
    }
}

#[test]
fn it_equals_its_reference_over_many_blocks() {
    check([2, 27, 33, 3], 8, 3, 1, Padding::Symmetric);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn it_equals_its_reference_over_random_shapes(
        [n, h, w, _] in images(), c in 1usize..5, output in 1usize..20,
        k in kernel(), stride in 1usize..4, padding in padding(),
    ) {
        check([n, h, w, c], output, k, stride, padding);
    }
}
