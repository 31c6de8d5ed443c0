//! Depthwise convolution over kernels, strides, paddings, odd, even and thin images.

use candle_core::Tensor;
use effnet_ops::{Padding, depthwise_conv};
use proptest::prelude::*;

use crate::support::{PADDINGS, check, images, kernel, padding, tensor};

/// Output size and zeros before, from the definitions (PyTorch 2.x `padding=k // 2`; TensorFlow 2.x
/// `padding="SAME"`; efficientnet_pytorch 0.7 `Conv2dStaticSamePadding`). No output where the input is too small.
pub(crate) fn axis(size: usize, k: usize, stride: usize, padding: Padding) -> (usize, isize) {
    let same = |size: usize| {
        let output = size.div_ceil(stride);
        (((output - 1) * stride + k) as isize - size as isize).max(0)
    };
    match padding {
        Padding::Symmetric => ((size + 2 * (k / 2) - k) / stride + 1, (k / 2) as isize),
        Padding::Same => (size.div_ceil(stride), same(size) / 2),
        Padding::Fixed(nominal) => {
            let padded = size + same(nominal) as usize;
            (if padded < k { 0 } else { (padded - k) / stride + 1 }, same(nominal) / 2)
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Case {
    dims: [usize; 4],
    k: usize,
    stride: usize,
    padding: Padding,
}

fn reference(case: Case, x: &[f64], w: &[f64]) -> Vec<f64> {
    let ([n, h, width, c], k) = (case.dims, case.k);
    let (ho, top) = axis(h, k, case.stride, case.padding);
    let (wo, left) = axis(width, k, case.stride, case.padding);
    let mut out = vec![];
    for (image, i, j, channel) in indices([n, ho, wo, c]) {
        let mut sum = 0.0;
        for a in 0..k {
            for b in 0..k {
                let y = (i * case.stride + a) as isize - top;
                let z = (j * case.stride + b) as isize - left;
                if (0..h as isize).contains(&y) && (0..width as isize).contains(&z) {
                    let at = ((image * h + y as usize) * width + z as usize) * c + channel;
                    sum += x[at] * w[(channel * k + a) * k + b];
                }
            }
        }
        out.push(sum);
    }
    out
}

pub(crate) fn indices([n, h, w, c]: [usize; 4]) -> impl Iterator<Item = (usize, usize, usize, usize)> {
    (0..n * h * w * c).map(move |i| (i / (h * w * c), i / (w * c) % h, i / c % w, i % c))
}

/// Whether there is an output.
pub(crate) fn fits([_, h, w, _]: [usize; 4], k: usize, stride: usize, padding: Padding) -> bool {
    [h, w].iter().all(|size| axis(*size, k, stride, padding).0 > 0)
}

fn check_case(case: Case) {
    let c = case.dims[3];
    let arguments = [tensor(&case.dims, 1), tensor(&[c, 1, case.k, case.k], 2)];
    let op = |a: &[Tensor]| depthwise_conv(&a[0], &a[1], case.stride, case.padding);
    if !fits(case.dims, case.k, case.stride, case.padding) {
        let text = op(&arguments).unwrap_err().to_string();
        assert!(text.contains("depthwise_conv") && text.contains("fits in"), "{case:?}: {text}");
        return;
    }
    check(&format!("{case:?}"), &arguments, &op, &|a| reference(case, &a[0], &a[1]), 2e-6);
}

#[test]
fn it_equals_its_reference_over_kernels_strides_and_paddings() {
    for padding in PADDINGS {
        for k in [1, 3, 5, 7] {
            for stride in [1, 2, 3] {
                for [h, w] in [[8, 8], [7, 9], [6, 5]] {
                    check_case(Case { dims: [2, h, w, 5], k, stride, padding });
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
                check_case(Case { dims: [1, h, w, 9], k, stride, padding });
            }
        }
    }
}

#[test]
fn it_equals_its_reference_over_channel_counts_around_the_vectors_lengths() {
    for c in [1, 7, 8, 15, 16, 17, 24, 31, 32, 33, 40, 64, 65, 100] {
        for (k, stride) in [(3, 1), (5, 2)] {
            check_case(Case { dims: [1, 5, 7, c], k, stride, padding: Padding::Symmetric });
        }
    }
}

#[test]
fn it_equals_its_reference_over_many_pieces() {
    check_case(Case { dims: [3, 17, 19, 33], k: 5, stride: 1, padding: Padding::Same });
    check_case(Case { dims: [9, 16, 16, 24], k: 3, stride: 2, padding: Padding::Same });
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
        check_case(Case { dims, k, stride, padding });
    }
}
