//! NCHW and NHWC.

use effnet_ops::{nchw_to_nhwc, nhwc_to_nchw};
use proptest::prelude::*;

use crate::support::{assert_holds, images, singles, tensor};
use crate::table::elementwise::layouts;

fn check_permutations(dims: [usize; 4]) {
    let x = tensor(&dims, 1);
    let last = x.permute([0, 2, 3, 1]).unwrap();
    assert_eq!(nchw_to_nhwc(&x).unwrap().dims(), last.dims());
    assert_eq!(singles(&nchw_to_nhwc(&x).unwrap()), singles(&last));
    let first = x.permute([0, 3, 1, 2]).unwrap();
    assert_eq!(nhwc_to_nchw(&x).unwrap().dims(), first.dims());
    assert_eq!(singles(&nhwc_to_nchw(&x).unwrap()), singles(&first));
}

fn check_gradients(dims: [usize; 4]) {
    layouts(dims).iter().for_each(assert_holds);
}

#[test]
fn they_are_candles_permutations() {
    for dims in [[2, 3, 5, 7], [1, 1, 1, 1], [3, 70, 2, 9], [2, 3, 20, 31]] {
        check_permutations(dims);
    }
}

#[test]
fn their_gradients_are_the_way_back() {
    check_gradients([2, 4, 5, 3]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn they_and_their_gradients_are_permutations_over_random_shapes([n, h, w, c] in images()) {
        check_permutations([n, h, w, c]);
        check_gradients([n, h, w, c]);
    }
}
