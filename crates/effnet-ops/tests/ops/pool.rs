//! Global average pooling.

use effnet_ops::global_avg_pool;
use proptest::prelude::*;

use crate::support::{check, images, tensor};

fn check_pool(dims: [usize; 4]) {
    let [n, h, w, c] = dims;
    let mean = |x: &[f64], image: usize, channel: usize| {
        (0..h * w).map(|p| x[(image * h * w + p) * c + channel]).sum::<f64>() / (h * w) as f64
    };
    let reference = |a: &[Vec<f64>]| (0..n * c).map(|i| mean(&a[0], i / c, i % c)).collect();
    check(&format!("{dims:?}"), &[tensor(&dims, 1)], &|a| global_avg_pool(&a[0]), &reference, 1e-6);
}

#[test]
fn it_equals_its_reference() {
    for dims in [[2, 3, 5, 7], [1, 1, 1, 8], [3, 4, 4, 33], [70, 2, 1, 130], [2, 40, 31, 5]] {
        check_pool(dims);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn it_equals_its_reference_over_random_shapes(dims in images()) {
        check_pool(dims);
    }
}
