//! The matrix products: 1x1 convolution and the fully connected layer.

use candle_core::Tensor;
use effnet_ops::{linear, pointwise_conv};
use proptest::prelude::*;

use crate::support::{check, images, tensor};

fn reference(input: usize, output: usize, x: &[f64], w: &[f64]) -> Vec<f64> {
    let pixel = |x: &[f64], o: usize| (0..input).map(|i| x[i] * w[o * input + i]).sum();
    x.chunks_exact(input).flat_map(|x| (0..output).map(move |o| pixel(x, o))).collect()
}

fn check_pointwise(dims: &[usize], output: usize) {
    let input = *dims.last().unwrap();
    for kernel in [&[output, input, 1, 1][..], &[output, input]] {
        let arguments = [tensor(dims, 1), tensor(kernel, 2)];
        let op = |a: &[Tensor]| pointwise_conv(&a[0], &a[1]);
        let what = format!("{dims:?} to {output}");
        check(&what, &arguments, &op, &|a| reference(input, output, &a[0], &a[1]), 5e-6);
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

fn check_linear([n, input, output]: [usize; 3]) {
    let arguments = [tensor(&[n, input], 3), tensor(&[output, input], 4), tensor(&[output], 5)];
    let reference = |a: &[Vec<f64>]| {
        let y = reference(input, output, &a[0], &a[1]);
        y.iter().enumerate().map(|(i, y)| y + a[2][i % output]).collect()
    };
    let what = format!("linear {n} {input} {output}");
    check(&what, &arguments, &|a| linear(&a[0], &a[1], &a[2]), &reference, 5e-6);
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
