//! The stem's convolution.

use candle_core::Tensor;
use effnet_ops::{Padding, conv2d};
use proptest::prelude::*;

use crate::depthwise_conv::{axis, fits, indices};
use crate::support::{PADDINGS, check, images, kernel, padding, tensor};

#[derive(Debug, Clone, Copy)]
struct Case {
    dims: [usize; 4],
    output: usize,
    k: usize,
    stride: usize,
    padding: Padding,
}

fn reference(case: Case, x: &[f64], w: &[f64]) -> Vec<f64> {
    let ([n, h, width, c], k) = (case.dims, case.k);
    let (ho, top) = axis(h, k, case.stride, case.padding);
    let (wo, left) = axis(width, k, case.stride, case.padding);
    let mut out = vec![];
    for (image, i, j, o) in indices([n, ho, wo, case.output]) {
        let mut sum = 0.0;
        for (_, channel, a, b) in indices([1, c, k, k]) {
            let y = (i * case.stride + a) as isize - top;
            let z = (j * case.stride + b) as isize - left;
            if (0..h as isize).contains(&y) && (0..width as isize).contains(&z) {
                let at = ((image * h + y as usize) * width + z as usize) * c + channel;
                sum += x[at] * w[((o * c + channel) * k + a) * k + b];
            }
        }
        out.push(sum);
    }
    out
}

fn check_case(case: Case) {
    let arguments = [tensor(&case.dims, 1), tensor(&[case.output, case.dims[3], case.k, case.k], 2)];
    let op = |a: &[Tensor]| conv2d(&a[0], &a[1], case.stride, case.padding);
    if !fits(case.dims, case.k, case.stride, case.padding) {
        let text = op(&arguments).unwrap_err().to_string();
        assert!(text.contains("conv2d") && text.contains("fits in"), "{case:?}: {text}");
        return;
    }
    check(&format!("{case:?}"), &arguments, &op, &|a| reference(case, &a[0], &a[1]), 5e-6);
}

#[test]
fn it_equals_its_reference() {
    for padding in PADDINGS {
        for (k, stride) in [(1, 1), (3, 1), (3, 2), (5, 2), (7, 3)] {
            for [h, w] in [[8, 8], [9, 7], [1, 6], [5, 1], [1, 1]] {
                check_case(Case { dims: [2, h, w, 3], output: 10, k, stride, padding });
            }
        }
    }
}

#[test]
fn it_equals_its_reference_over_many_blocks() {
    check_case(Case { dims: [2, 27, 33, 3], output: 8, k: 3, stride: 1, padding: Padding::Symmetric });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn it_equals_its_reference_over_random_shapes(
        [n, h, w, _] in images(), c in 1usize..5, output in 1usize..20,
        k in kernel(), stride in 1usize..4, padding in padding(),
    ) {
        check_case(Case { dims: [n, h, w, c], output, k, stride, padding });
    }
}
