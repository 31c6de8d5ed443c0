//! The matrix products: 1x1 convolution and the fully connected layer.

use proptest::prelude::*;

use crate::support::{assert_holds, images};
use crate::table::products::{Linear, Pointwise};

fn check_pointwise(dims: &[usize], output: usize) {
    for is_kernel in [true, false] {
        assert_holds(&Pointwise { is_kernel, ..Pointwise::new(dims, output) }.case());
    }
}

#[test]
fn pointwise_convolution_equals_its_reference() {
    check_pointwise(&[2, 5, 7, 16], 24);
    check_pointwise(&[1, 1, 1, 3], 1);
    check_pointwise(&[3, 9], 17);
    check_pointwise(&[5], 6);
}

#[test]
fn pointwise_convolution_equals_its_reference_on_both_sides_of_every_cut() {
    check_pointwise(&[1, 8, 9, 12], 200);
    check_pointwise(&[4, 24, 24, 3], 5);
}

fn check_linear([rows, input, output]: [usize; 3]) {
    assert_holds(&Linear { rows, input, output }.case());
}

#[test]
fn linear_equals_its_reference() {
    for shape in [[1, 1, 1], [5, 7, 3], [64, 40, 150], [70, 9, 10]] {
        check_linear(shape);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn pointwise_convolution_equals_its_reference_over_random_shapes(
        rows in 1usize..150, input in 1usize..40, output in 1usize..160,
    ) {
        check_pointwise(&[rows, input], output);
    }

    #[test]
    fn pointwise_convolution_equals_its_reference_over_random_images(dims in images(), output in 1usize..30) {
        check_pointwise(&dims, output);
    }

    #[test]
    fn linear_equals_its_reference_over_random_shapes(n in 1usize..100, input in 1usize..60, output in 1usize..160) {
        check_linear([n, input, output]);
    }
}
