//! NCHW and NHWC.

use effnet_ops::{nchw_to_nhwc, nhwc_to_nchw};

use crate::support::{check, singles, tensor};

#[test]
fn they_are_candles_permutations() {
    for dims in [[2, 3, 5, 7], [1, 1, 1, 1], [3, 70, 2, 9], [2, 3, 20, 31]] {
        let x = tensor(&dims, 1);
        let last = x.permute([0, 2, 3, 1]).unwrap();
        assert_eq!(nchw_to_nhwc(&x).unwrap().dims(), last.dims());
        assert_eq!(singles(&nchw_to_nhwc(&x).unwrap()), singles(&last));
        let first = x.permute([0, 3, 1, 2]).unwrap();
        assert_eq!(nhwc_to_nchw(&x).unwrap().dims(), first.dims());
        assert_eq!(singles(&nhwc_to_nchw(&x).unwrap()), singles(&first));
    }
}

#[test]
fn their_gradients_are_the_way_back() {
    let [n, c, h, w] = [2, 3, 4, 5];
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
