//! NCHW and NHWC.

use effnet_ops::{nchw_to_nhwc, nhwc_to_nchw};
use proptest::prelude::*;

use crate::support::{check, images, singles, tensor};

fn check_permutations(dims: [usize; 4]) {
    let x = tensor(&dims, 1);
    let last = x.permute([0, 2, 3, 1]).unwrap();
    assert_eq!(nchw_to_nhwc(&x).unwrap().dims(), last.dims());
    assert_eq!(singles(&nchw_to_nhwc(&x).unwrap()), singles(&last));
    let first = x.permute([0, 3, 1, 2]).unwrap();
    assert_eq!(nhwc_to_nchw(&x).unwrap().dims(), first.dims());
    assert_eq!(singles(&nhwc_to_nchw(&x).unwrap()), singles(&first));
}

fn check_gradients([n, c, h, w]: [usize; 4]) {
    let to_nhwc = |a: &[Vec<f64>]| {
        (0..n * h * w * c).map(|i| a[0][(i / (h * w * c) * c + i % c) * h * w + i / c % (h * w)]).collect()
    };
    check("to NHWC", &[tensor(&[n, c, h, w], 1)], &|a| nchw_to_nhwc(&a[0]), &to_nhwc, 1e-6);
    let to_nchw = |a: &[Vec<f64>]| {
        (0..n * h * w * c)
            .map(|i| a[0][(i / (h * w * c) * h * w + i % (h * w)) * c + i / (h * w) % c])
            .collect()
    };
    check("to NCHW", &[tensor(&[n, h, w, c], 1)], &|a| nhwc_to_nchw(&a[0]), &to_nchw, 1e-6);
}

#[test]
fn they_are_candles_permutations() {
    for dims in [[2, 3, 5, 7], [1, 1, 1, 1], [3, 70, 2, 9], [2, 3, 20, 31]] {
        check_permutations(dims);
    }
}

#[test]
fn their_gradients_are_the_way_back() {
    check_gradients([2, 3, 4, 5]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn they_and_their_gradients_are_permutations_over_random_shapes([n, h, w, c] in images()) {
        check_permutations([n, h, w, c]);
        check_gradients([n, c, h, w]);
    }
}
